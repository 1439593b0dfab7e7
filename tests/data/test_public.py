"""Images by name or by folder, and the public sets against the real files."""

import os

import numpy as np
import pytest
from PIL import Image

from gradus.core.download import locate, status
from gradus.core.errors import DataError, UsageError
from gradus.data import public
from gradus.data.public import READERS, SETS, load_images
from gradus.data.sets import ImageSet, first, stratified_split


@pytest.mark.data
@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_real_sets(name):
    for file in SETS[name].files:
        path = locate(file, folder=name)
        assert path.stat().st_size == file.size
    assert all(file.ok for file in status(SETS[name]))
    images = load_images(name)
    assert images.train_images.shape == (60_000, 28, 28)
    assert images.test_images.shape == (10_000, 28, 28)
    assert len(images.classes) == 10
    counts = np.bincount(images.test_labels).tolist()
    # MNIST: as counted in the published label file; Fashion-MNIST has equal classes.
    mnist = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert counts == (mnist if name == "mnist" else [1000] * 10)
    mean = images.train_images.mean() / 255
    assert mean == pytest.approx({"mnist": 0.1307, "fashion-mnist": 0.2860}[name], abs=5e-5)


@pytest.mark.data
def test_limit_and_the_path_of_real_files():
    folder = os.path.join(os.environ["GRADUS_DATA"], "mnist")
    images = load_images(folder, limit=100)
    assert images.train_images.shape == (100, 28, 28)
    assert images.train_images.base is None
    assert images.train_labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert images.classes == tuple("0123456789")


def test_every_set_can_be_read_and_says_what_it_is():
    assert set(SETS) <= set(READERS)
    for name, remote in SETS.items():
        assert remote.name == name
        assert remote.licence
        assert remote.about
        assert remote.source.startswith("http")
        for file in remote.files:
            assert len(file.urls) >= 2
            assert all(url.startswith("http") and url.endswith(file.name) for url in file.urls)
            assert len(bytes.fromhex(file.sha256)) == 32


def test_digits_by_name():
    assert load_images("digits", limit=10).train_images.shape == (10, 8, 8)
    assert len(load_images("digits").test_labels) == 360


def test_a_set_that_cannot_be_had_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADUS_DATA", str(tmp_path))
    monkeypatch.setenv("GRADUS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("gradus.core.download._fetch", lambda *args: "no connection")
    monkeypatch.setattr("gradus.core.download.PAUSE", 0)
    with pytest.raises(DataError) as error:
        load_images("mnist")
    file = SETS["mnist"].files[0]
    for part in (file.name, *file.urls, file.sha256, str(tmp_path / "mnist")):
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            "minst",
            r"archive or one of digits, mnist, fashion-mnist, cifar10, got 'minst'",
        ),
        ("minst", r"did you mean mnist\?"),
        ("fashion", r"did you mean fashion-mnist\?"),
        ("zzz", r"got 'zzz': no such set or folder$"),
        ("no/where", r"got 'no/where': no such folder$"),
        ("~nobody-of-that-name/x", r"no such folder$"),
        ("", r"got '': no such set or folder$"),
    ],
)
def test_unknown_names(data, message):
    with pytest.raises(UsageError, match=message):
        load_images(data)


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="no such folder"):
        load_images(str(tmp_path / "file"))


def test_folder_of_pictures_by_path(tmp_path):
    for name in ("ja", "nein"):
        for i in range(5):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.fromarray(np.full((3, 3), i, np.uint8)).save(tmp_path / name / f"{i}.png")
    images = load_images(str(tmp_path))
    assert images.classes == ("ja", "nein")
    assert len(images.train_images) == 8


def test_a_lone_idx_file_is_not_taken_for_pictures(tmp_path):
    (tmp_path / "train-images-idx3-ubyte.gz").touch()
    with pytest.raises(DataError, match="expected a file train-labels-idx1-ubyte"):
        load_images(str(tmp_path))


@pytest.mark.parametrize("limit", [0, -3])
def test_limit_must_be_positive(limit):
    with pytest.raises(UsageError, match=f"limit must be ≥ 1, got {limit}"):
        load_images("digits", limit=limit)


def test_first_keeps_the_first_of_both_parts():
    images = np.arange(10 * 4, dtype=np.uint8).reshape(10, 2, 2)
    labels = np.arange(10) % 2
    short = first(ImageSet("x", images, labels, images[:3], labels[:3], ("a", "b")), 4)
    np.testing.assert_array_equal(short.train_images, images[:4])
    np.testing.assert_array_equal(short.test_images, images[:3])
    np.testing.assert_array_equal(short.train_labels, [0, 1, 0, 1])
    assert short.classes == ("a", "b")


@pytest.mark.parametrize("counts", [(5, 5), (7, 11, 3), (1,), (0, 4), (100, 1, 1, 1)])
def test_split_is_a_partition_and_stratified(counts):
    labels = np.repeat(np.arange(len(counts)), counts)
    train, test = stratified_split(labels)
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(len(labels)))
    assert len(test) == -(-len(labels) // 5)
    for label, count in enumerate(counts):
        assert abs(np.count_nonzero(labels[test] == label) - count / 5) < 1


def test_a_new_set_is_one_entry(monkeypatch):
    labels = np.zeros(2, dtype=np.int64)
    tiny = ImageSet(
        "tiny", np.zeros((2, 1, 1), np.uint8), labels, np.zeros((2, 1, 1), np.uint8), labels, ("0",)
    )
    monkeypatch.setitem(public.READERS, "tiny", lambda: tiny)
    assert load_images("tiny") is tiny
    with pytest.raises(UsageError, match="did you mean tiny"):
        load_images("tinny")
