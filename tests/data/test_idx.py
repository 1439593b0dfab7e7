"""The IDX reader, against a writer in this file, real sets, and every kind of damage."""

import gzip
import os
import struct
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gradus.core.errors import DataError
from gradus.data.idx import PARTS, is_idx_folder, read_idx, read_idx_folder, read_idx_set

CODES = {"uint8": 8, "int8": 9, "int16": 11, "int32": 12, "float32": 13, "float64": 14}
TINY = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)


def idx(array):
    """The reference writer: the format's description, line by line."""
    head = struct.pack(">BBBB", 0, 0, CODES[array.dtype.name], array.ndim)
    dims = b"".join(struct.pack(">I", n) for n in array.shape)
    letter = {8: "B", 9: "b", 11: "h", 12: "i", 13: "f", 14: "d"}[head[2]]
    values = array.ravel().tolist()
    return head + dims + struct.pack(f">{len(values)}{letter}", *values)


def write_set(folder, images=TINY, labels=(0, 1), test_images=TINY, test_labels=(1, 0), end=""):
    folder.mkdir(exist_ok=True)
    arrays = (images, np.array(labels), test_images, np.array(test_labels))
    for name, array in zip(PARTS, arrays, strict=True):
        kept = array.astype(np.uint8) if "labels" in name and array.dtype == int else array
        content = idx(kept)
        (folder / f"{name}{end}").write_bytes(gzip.compress(content) if end else content)
    return folder


arrays = st.sampled_from(sorted(CODES)).flatmap(
    lambda name: hnp.arrays(
        np.dtype(name),
        hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
        # A 32-bit NaN may change its bits on the way through Python's 64-bit floats.
        elements={"allow_nan": False} if name.startswith("float") else None,
    )
)


@given(array=arrays, zipped=st.booleans())
def test_round_trip(array, zipped):
    content = idx(array)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "any-name")
        path.write_bytes(gzip.compress(content) if zipped else content)
        back = read_idx(path)
    assert back.dtype == array.dtype
    assert back.dtype.isnative
    assert back.shape == array.shape
    assert back.flags.writeable
    np.testing.assert_array_equal(back, array)


@given(data=st.data(), zipped=st.booleans())
def test_any_damage_is_a_data_error_or_still_an_array(data, zipped):
    content = bytearray(gzip.compress(idx(TINY)) if zipped else idx(TINY))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    del content[data.draw(st.integers(0, len(content))) :]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "damaged")
        path.write_bytes(content)
        fault = None
        try:
            array = read_idx(path)
        except DataError as error:
            fault = str(error)
    if fault is None:
        assert array.size <= TINY.size
    else:
        assert fault.startswith(f"{path}: ")
        assert "\n" not in fault


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty file, expected IDX"),
        (b"\0\0\x08", "not an IDX file.*found 00 00 08$"),
        (b"Hello, world", "not an IDX file, expected it to start with 00 00.*found 48 65 6c 6c"),
        (b"\0\0\x0a\x01\0\0\0\1\0", "not an IDX file.*found 00 00 0a 01"),
        (b"\0\1\x08\x01\0\0\0\1\0", "not an IDX file.*found 00 01 08 01"),
        (idx(TINY)[:10], "truncated, expected a header of 16 bytes, found 10 bytes"),
        (
            idx(TINY)[:-1],
            r"truncated, expected 24 bytes of values \(shape \(2, 3, 4\)\), found 23",
        ),
        (idx(TINY)[:16], "truncated, expected 24 bytes of values.*found 0"),
        (idx(TINY) + b"xyz", r"bytes left over, expected 24 bytes .*found 27"),
        (b"\0\0\x08\xff" + b"\0\0\0\1" * 255 + b"\0", "expected a possible shape"),
    ],
)
def test_each_kind_of_damage_has_its_message(tmp_path, content, message, zipped):
    path = tmp_path / "broken"
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(DataError, match=f"broken: {message}"):
        read_idx(path)


@pytest.mark.parametrize("keep", [5, 12, 30, -1])
def test_truncated_gzip(tmp_path, keep):
    path = tmp_path / "broken.gz"
    path.write_bytes(gzip.compress(idx(TINY))[:keep])
    with pytest.raises(DataError, match=r"broken\.gz: damaged gzip file"):
        read_idx(path)


@pytest.mark.parametrize("at", [2, 20, -6])
def test_damaged_gzip(tmp_path, at):
    content = bytearray(gzip.compress(idx(TINY)))
    content[at] ^= 0xFF
    path = tmp_path / "broken.gz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"broken\.gz: damaged gzip file"):
        read_idx(path)


def test_missing_file_and_folder_in_its_place(tmp_path):
    with pytest.raises(DataError, match="nothing: no such file"):
        read_idx(tmp_path / "nothing")
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path)


def test_a_header_that_promises_too_much_takes_no_memory(tmp_path):
    path = tmp_path / "liar"
    path.write_bytes(b"\0\0\x0e\x03" + b"\xff\xff\xff\xff" * 3 + b"12345678")
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="truncated"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("end", ["", ".gz"])
def test_folder(tmp_path, end):
    images = read_idx_folder(write_set(tmp_path / "mine", end=end))
    assert images.name == "mine"
    np.testing.assert_array_equal(images.train_images, TINY)
    np.testing.assert_array_equal(images.test_labels, [1, 0])
    assert images.train_labels.dtype == np.int64
    assert images.classes == ("0", "1")
    assert is_idx_folder(tmp_path / "mine")
    assert not is_idx_folder(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": (0, 1, 1)}, "train-labels.*expected 2 labels.*train-images.*found 3"),
        ({"test_labels": (0,)}, "t10k-labels.*expected 2 labels.*t10k-images.*found 1"),
        ({"test_labels": (0, 2)}, "t10k-labels.*expected labels 0 to 1, found 2"),
        ({"images": TINY.astype(np.int16)}, r"train-images.*expected uint8 images.*found int16"),
        ({"images": TINY[0]}, r"train-images.*found uint8 of shape \(3, 4\)"),
        ({"images": TINY[:0], "labels": ()}, r"train-images.*found uint8 of shape \(0, 3, 4\)"),
        ({"test_images": TINY[:, :2]}, "t10k-images.*expected images of 3×4.*found 2×4"),
        ({"labels": np.zeros(2, np.float32)}, "train-labels.*expected uint8.*found float32"),
    ],
)
def test_files_that_do_not_fit_together(tmp_path, change, message):
    with pytest.raises(DataError, match=message):
        read_idx_folder(write_set(tmp_path / "mine", **change))


@pytest.mark.parametrize("name", PARTS)
def test_a_missing_file_of_the_four_is_named(tmp_path, name):
    folder = write_set(tmp_path / "mine")
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"mine: expected a file {name} or {name}.gz, found none"):
        read_idx_folder(folder)


def test_labels_must_have_a_class(tmp_path):
    folder = write_set(tmp_path / "mine")
    with pytest.raises(DataError, match="expected labels 0 to 0, found 1"):
        read_idx_set(tuple(folder / name for name in PARTS), name="mine", classes=("only",))


@pytest.mark.data
def test_real_mnist_is_in_memory_once():
    folder = Path(os.environ["GRADUS_DATA"], "mnist")
    tracemalloc.start()
    try:
        images = read_idx_folder(folder)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    raw = images.train_images.nbytes + images.test_images.nbytes
    assert raw == 70_000 * 28 * 28
    assert peak < 2 * raw
