"""The digits inside scikit-learn, against scikit-learn's own loader."""

import subprocess
import sys

import numpy as np
import pytest

from gradus.core.errors import DataError
from gradus.data import digits
from gradus.data.digits import read_digits


def test_equal_to_scikit_learns_loader():
    from sklearn.datasets import load_digits

    theirs = load_digits()
    ours = read_digits()
    images = np.concatenate([ours.train_images, ours.test_images])
    labels = np.concatenate([ours.train_labels, ours.test_labels])
    counts = np.rint(images / 255 * 16)
    # Both as sorted tables of 64 values and a label: the same 1,797 rows.
    mine = np.column_stack([counts.reshape(-1, 64), labels])
    published = np.column_stack([theirs.data, theirs.target])
    np.testing.assert_array_equal(mine[np.lexsort(mine.T)], published[np.lexsort(published.T)])


def test_shapes_and_a_stratified_split():
    ours = read_digits()
    assert ours.train_images.shape == (1437, 8, 8)
    assert ours.test_images.shape == (360, 8, 8)
    assert ours.train_images.dtype == np.uint8
    assert ours.train_images.max() == 255
    assert ours.classes == tuple("0123456789")
    all_labels = np.concatenate([ours.train_labels, ours.test_labels])
    share = np.bincount(all_labels) / 5
    assert np.abs(np.bincount(ours.test_labels) - share).max() < 1


def test_the_split_never_changes():
    """Scores are comparable only while these stay what they are."""
    ours = read_digits()
    assert ours.test_labels[:20].tolist() == [
        8,
        6,
        9,
        9,
        1,
        1,
        0,
        1,
        2,
        7,
        6,
        6,
        5,
        6,
        4,
        3,
        8,
        1,
        0,
        6,
    ]
    assert int(ours.test_images.astype(np.int64).sum()) == 1_789_793


def test_scikit_learn_is_not_imported():
    code = (
        "import sys; from gradus.data.digits import read_digits; read_digits(); "
        "sys.exit('sklearn' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_scikit_learn_not_installed(monkeypatch):
    monkeypatch.setattr(digits.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DataError, match="scikit-learn, which is not installed"):
        read_digits()


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), ("1,2\n3,4\n", "expected 1797 rows of 65"), ("a,b\n", "cannot be")],
)
def test_a_damaged_file(monkeypatch, tmp_path, content, message):
    path = tmp_path / "digits.csv"
    if content is not None:
        path.write_text(content)
    monkeypatch.setattr(digits, "_bundled_file", lambda: path)
    with pytest.raises(DataError, match=message):
        read_digits()
