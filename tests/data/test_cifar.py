"""The CIFAR-10 reader, against a writer in this file, real records, and every kind of damage."""

import io
import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import DataError
from gradus.data.cifar import CLASSES, MEAN, STD, is_cifar, read_cifar
from gradus.data.public import find_cifar10, load_images

FOLDER = "cifar-10-batches-bin"
NAMES = "\n".join(CLASSES) + "\n\n"


def photos(n, seed=0):
    draw = np.random.default_rng(seed)
    return draw.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8), draw.integers(0, 10, n)


def records(images, labels):
    """The reference writer: label, red plane, green plane, blue plane, row by row."""
    out = bytearray()
    for image, label in zip(images, labels, strict=True):
        out.append(int(label))
        for colour in range(3):
            for row in range(32):
                out += bytes(image[row, column, colour] for column in range(32))
    return bytes(out)


def write_folder(folder, batches=(2, 3), test=2, meta=NAMES):
    folder.mkdir(parents=True, exist_ok=True)
    for number, n in enumerate(batches, 1):
        (folder / f"data_batch_{number}.bin").write_bytes(records(*photos(n, number)))
    (folder / "test_batch.bin").write_bytes(records(*photos(test, 0)))
    if meta is not None:
        (folder / "batches.meta.txt").write_text(meta)
    (folder / "readme.html").write_text("not wanted")
    return folder


def pack(folder, path):
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as archive:
        archive.add(folder, FOLDER)
    return path


@pytest.mark.parametrize("kind", ["folder", "parent", "tar", "tar.gz"])
def test_round_trip(tmp_path, kind):
    folder = write_folder(tmp_path / FOLDER)
    path = {"folder": folder, "parent": tmp_path}.get(kind) or pack(folder, tmp_path / f"x.{kind}")
    assert is_cifar(path)
    images = load_images(str(path))
    for number, part in ((1, slice(0, 2)), (2, slice(2, 5))):
        expected, labels = photos(len(images.train_labels[part]), number)
        np.testing.assert_array_equal(images.train_images[part], expected)
        np.testing.assert_array_equal(images.train_labels[part], labels)
    np.testing.assert_array_equal(images.test_images, photos(2)[0])
    assert images.train_labels.dtype == np.int64
    assert images.classes == CLASSES
    assert images.name == {"folder": FOLDER, "parent": tmp_path.name}.get(kind, "x")


@given(label=st.integers(0, 9), n=st.integers(1, 3), at=st.integers(0, 3071))
def test_one_byte_lands_in_its_place(tmp_path_factory, label, n, at):
    folder = tmp_path_factory.mktemp("set")
    data = bytearray(n * 3073)
    data[-3073] = label
    data[-3072 + at] = 255
    (folder / "data_batch_1.bin").write_bytes(data)
    (folder / "test_batch.bin").write_bytes(bytes(3073))
    images = read_cifar(folder, name="mine")
    colour, pixel = divmod(at, 1024)
    assert images.train_images[-1, pixel // 32, pixel % 32, colour] == 255
    assert images.train_images.astype(int).sum() == 255
    assert images.train_labels[-1] == label
    assert images.name == "mine"


def test_own_class_names(tmp_path):
    names = tuple("abcdefghij")
    assert read_cifar(write_folder(tmp_path, meta="\n".join(names))).classes == names
    (tmp_path / "batches.meta.txt").unlink()
    assert read_cifar(tmp_path).classes == CLASSES


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("data_batch_2.bin", bytes(3073 * 2 - 1), r"data_batch_2.bin: truncated, expected whole"),
        ("data_batch_2.bin", bytes(3073 + 5), r"found 3,078 bytes: 1 records and 5 bytes$"),
        ("test_batch.bin", b"", r"test_batch.bin: empty file, expected whole records of 3,073"),
        (
            "data_batch_1.bin",
            bytes(3073) + b"\x0a" + bytes(3072),
            r"data_batch_1.bin: expected labels 0 to 9, found 10 in record 1$",
        ),
        ("batches.meta.txt", b"cat\ndog\n", r"batches.meta.txt: expected 10 class names, found 2$"),
    ],
)
def test_damaged_files(tmp_path, name, content, message):
    folder = write_folder(tmp_path / "damaged")
    (folder / name).write_bytes(content)
    for path in (folder, pack(folder, tmp_path / "x.tar.gz")):
        with pytest.raises(DataError, match=message) as error:
            read_cifar(path)
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"])
def test_missing_files(tmp_path, name):
    folder = write_folder(tmp_path / "s", batches=(1, 1, 1))
    (folder / name).unlink()
    with pytest.raises(DataError, match=f"expected a file {name}, found none"):
        read_cifar(folder)


@pytest.mark.parametrize(
    "cut",
    [
        lambda data: data[:-200],
        lambda data: data[:60],
        lambda data: data[:40] + bytes(40) + data[80:],
        lambda data: b"no archive at all",
        lambda data: b"",
    ],
    ids=["short", "very short", "overwritten", "text", "empty"],
)
def test_damaged_archives(tmp_path, cut):
    path = pack(write_folder(tmp_path / "s", batches=(20,)), tmp_path / "x.tar.gz")
    path.write_bytes(cut(path.read_bytes()))
    with pytest.raises(DataError, match=r"x\.tar\.gz: truncated or damaged, expected") as error:
        read_cifar(path)
    assert "\n" not in str(error.value)


def test_what_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"x\.tar: no such file"):
        read_cifar(tmp_path / "x.tar")
    with pytest.raises(DataError, match=r"expected a file data_batch_1.bin"):
        read_cifar(tmp_path)
    assert not is_cifar(tmp_path)


def test_links_and_folders_of_the_same_name_are_passed_over(tmp_path):
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        for number, kind in ((1, tarfile.SYMTYPE), (2, tarfile.DIRTYPE)):
            member = tarfile.TarInfo(f"data_batch_{number}.bin")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        data = bytes(3073)
        member = tarfile.TarInfo("test_batch.bin")
        member.size = len(data)
        archive.addfile(member, io.BytesIO(data))
    with pytest.raises(DataError, match=r"expected a file data_batch_1.bin, found none"):
        read_cifar(path)


def test_what_there_is_of_it_on_this_machine(tmp_path, monkeypatch):
    monkeypatch.delenv("GRADUS_DATA", raising=False)
    monkeypatch.setenv("GRADUS_CACHE", str(tmp_path / "cache"))
    assert find_cifar10() == "cifar10"
    monkeypatch.setenv("GRADUS_DATA", str(tmp_path))
    assert find_cifar10() == "cifar10"
    (tmp_path / "cifar10").mkdir()
    part = pack(write_folder(tmp_path / "s"), tmp_path / "cifar10" / "part.tar.gz")
    assert find_cifar10() == str(part)
    (tmp_path / "cifar10" / "cifar-10-binary.tar.gz").touch()
    assert find_cifar10() == "cifar10"


@pytest.mark.data
def test_real_records():
    found = sorted(Path(os.environ["GRADUS_DATA"], "cifar10").glob("cifar-10-binary*.tar.gz"))
    if not found:
        pytest.skip("no CIFAR-10 archive below GRADUS_DATA")
    images = load_images(str(found[0]))
    # The first labels of the published data_batch_1: frog, truck, truck, deer, automobile …
    assert images.train_labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert len(set(np.bincount(images.train_labels).tolist())) == 1
    assert images.classes == CLASSES
    scaled = images.train_images.astype(np.float32) / 255
    np.testing.assert_allclose(scaled.mean((0, 1, 2)), MEAN, atol=3e-3)
    np.testing.assert_allclose(scaled.std((0, 1, 2)), STD, atol=3e-3)
