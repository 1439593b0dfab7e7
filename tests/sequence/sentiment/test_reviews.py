"""Reviews as numbers, and minibatches of them."""

import io
import tarfile

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradus import DataError, UsageError
from gradus.core.batches import DataSet, like_lengths
from gradus.data.texts import read_labelled_reviews
from gradus.sequence.sentiment.batches import ReviewBatches, cut
from gradus.sequence.sentiment.reviews import (
    FIRST,
    UNKNOWN,
    Part,
    encode,
    load_reviews,
    numbered,
)
from gradus.sequence.sentiment.toy import BAD, GOOD, toy_reviews

REVIEWS = {
    "aclImdb/train/neg/0_2.txt": "Bad, bad film.<br /><br />Bad!",
    "aclImdb/train/pos/0_9.txt": "A good film",
    "aclImdb/test/neg/0_1.txt": "Dull film",
    "aclImdb/test/pos/0_10.txt": "good GOOD",
    "aclImdb/train/unsup/0_0.txt": "unlabelled",
    "aclImdb/README": "no review",
}


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADUS_CACHE", str(tmp_path / "cache"))


def archive(tmp_path, reviews):
    path = tmp_path / "reviews.tar.gz"
    with tarfile.open(path, "w:gz") as file:
        for name, text in reviews.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            file.addfile(info, io.BytesIO(text.encode()))
    return path


def part(lengths):
    """Reviews of these lengths: the i-th is of the number i + FIRST alone."""
    numbers = torch.cat([torch.full((n,), i + FIRST) for i, n in enumerate(lengths)])
    starts = torch.tensor([0, *lengths]).cumsum(0)
    return Part(numbers.short(), starts, torch.arange(len(lengths)) % 2)


# Reading


def test_labelled_reviews_are_those_of_four_folders(tmp_path):
    found = list(read_labelled_reviews(archive(tmp_path, REVIEWS)))
    assert [f[:3] for f in found] == [
        ("train", "neg", 0),
        ("train", "pos", 0),
        ("test", "neg", 0),
        ("test", "pos", 0),
    ]
    assert found[0][3] == ["bad", "bad", "film", "bad"]


def test_words_are_numbered_by_frequency_in_the_training_reviews(tmp_path):
    read = load_reviews(str(archive(tmp_path, REVIEWS)), 2)
    assert read.words == ["bad", "film"]  # three times, twice; dull and good are not known
    assert read.train.numbers.tolist() == [2, 2, 3, 2, UNKNOWN, UNKNOWN, 3]
    assert read.train.lengths.tolist() == [4, 3]
    assert read.train.labels.tolist() == [0, 1]
    assert read.test.numbers.tolist() == [UNKNOWN, 3, UNKNOWN, UNKNOWN]
    assert read.train.numbers.dtype == torch.int16


def test_reviews_come_by_class_and_number_whatever_the_archive_s_order(tmp_path):
    more = {f"a/train/{c}/{n}_5.txt": f"{c}{n}" for n in (10, 9) for c in ("pos", "neg")}
    read = load_reviews(str(archive(tmp_path, {**more, **REVIEWS})), 20)
    first = [read.words[int(read.train.numbers[i]) - FIRST] for i in read.train.starts[:-1]]
    assert first == ["bad", "neg9", "neg10", "a", "pos9", "pos10"]
    assert read.train.labels.tolist() == [0, 0, 0, 1, 1, 1]


def test_it_is_read_once_until_the_file_changes(tmp_path, monkeypatch):
    path = archive(tmp_path, REVIEWS)
    first = load_reviews(str(path), 5)
    with monkeypatch.context() as patch:
        patch.setattr("gradus.sequence.sentiment.reviews.read_labelled_reviews", None)
        again = load_reviews(str(path), 5)
    assert again.words == first.words
    assert torch.equal(again.test.numbers, first.test.numbers)
    archive(tmp_path, {**REVIEWS, "aclImdb/train/pos/1_8.txt": "lovely"})
    assert "lovely" in load_reviews(str(path), 5).words


def test_a_review_without_words_is_one_unknown_word(tmp_path):
    read = load_reviews(str(archive(tmp_path, {**REVIEWS, "a/train/pos/2_8.txt": "!?"})), 9)
    assert read.train.lengths.tolist() == [4, 3, 1]
    assert read.train.numbers[-1] == UNKNOWN
    assert "" not in read.words


def test_a_large_vocabulary_takes_four_bytes_a_word(tmp_path):
    many = " ".join(f"w{i}" for i in range(33_000))
    read = load_reviews(str(archive(tmp_path, {**REVIEWS, "a/train/pos/2_8.txt": many})), 40_000)
    assert read.train.numbers.dtype == torch.int32
    assert read.train.numbers.max() == FIRST + len(read.words) - 1


def test_an_archive_that_lacks_a_folder_is_refused(tmp_path):
    lacking = {k: v for k, v in REVIEWS.items() if "test/pos" not in k}
    with pytest.raises(DataError, match="test/neg: one has none"):
        load_reviews(str(archive(tmp_path, lacking)), 9)
    with pytest.raises(DataError, match="holds no reviews"):
        load_reviews(str(archive(tmp_path, {"a.txt": "x"})), 9)
    with pytest.raises(UsageError, match="no such file"):
        load_reviews("nowhere.tar.gz", 9)


def test_made_up_reviews_say_mostly_what_they_are():
    for _, label, _, words in toy_reviews(50):
        good, bad = (sum(w in kind for w in words) for kind in (GOOD, BAD))
        assert (good > bad) == (label == "pos")


def test_encoding():
    numbers = numbered(["the", "film"])
    assert encode(["film", "the", "other"], numbers).tolist() == [3, 2, UNKNOWN]
    with pytest.raises(UsageError, match="must hold words"):
        encode([], numbers)


# Minibatches


@given(
    lengths=st.lists(st.integers(1, 30), min_size=2, max_size=40),
    size=st.integers(1, 8),
    seed=st.integers(0, 5),
)
@settings(max_examples=25)
def test_an_epoch_has_every_review_once_and_little_padding(lengths, size, seed):
    size = min(size, len(lengths))
    batches = ReviewBatches(part(lengths), size, 20, seed=seed)
    found = []
    for (numbers, labels), share in batches.epoch(1):
        assert share == 1
        n = (numbers > 0).sum(1)
        assert numbers.shape[1] == n.max()  # as wide as its own longest
        for row, many, label in zip(numbers, n.tolist(), labels.tolist(), strict=True):
            assert not row[many:].any()
            i = int(row[0]) - FIRST
            assert (many, label) == (min(lengths[i], 20), i % 2)
            found.append(i)
    assert sorted(found) == list(range(len(lengths)))
    assert len(list(batches.epoch(1, start=1))) == len(batches) - 1


def test_the_order_is_that_of_seed_and_epoch():
    lengths = torch.randint(1, 100, (300,), generator=torch.Generator().manual_seed(0))

    def rows(seed, epoch):
        return torch.cat(like_lengths(lengths, 10, seed, epoch)).tolist()

    assert rows(0, 3) == rows(0, 3)
    assert len({tuple(r) for r in (rows(0, 0), rows(0, 1), rows(1, 0))}) == 3
    widths = [int(lengths[b].max() - lengths[b].min()) for b in like_lengths(lengths, 10, 0, 0)]
    assert sum(widths) / len(widths) < 10  # at random it would be about 80


def test_without_a_seed_reviews_come_by_length():
    batches = ReviewBatches(part([5, 1, 3, 2]), 2, 4)
    assert isinstance(batches, DataSet)
    widths = [numbers.shape[1] for (numbers, _), _ in batches.epoch(0)]
    assert widths == [2, 4]
    assert batches.tensors[0].shape == (4, 4)
    assert [len(b[0]) for b, _ in batches.in_order(3).epoch(0)] == [3, 1]


def test_padding_to_a_width_is_for_comparison():
    batches = ReviewBatches(part([5, 1, 3]), 3, 9, seed=0, width=12)
    ((numbers, _), _) = next(batches.epoch(0))
    assert numbers.shape == (3, 12)


def test_processes_share_a_batch():
    whole = ReviewBatches(part([3, 4, 5, 6, 7]), 5, 9, seed=1)
    parts = [list(whole.shard(rank, 2).epoch(0)) for rank in range(2)]
    assert sum(len(p[0][0][0]) for p in parts) == 5
    assert sum(p[0][1] for p in parts) == pytest.approx(2)


def test_what_is_kept_of_a_long_review():
    numbers = torch.arange(10)
    assert cut(numbers, 4, "first").tolist() == [0, 1, 2, 3]
    assert cut(numbers, 4, "last").tolist() == [6, 7, 8, 9]
    assert cut(numbers, 5, "ends").tolist() == [0, 1, 2, 8, 9]
    assert cut(numbers, 1, "ends").tolist() == [0]
    assert cut(numbers, 10, "ends").tolist() == list(range(10))


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(UsageError, match="batch_size must be between 1 and the 2"):
        ReviewBatches(part([1, 2]), 3, 9)


@pytest.mark.data
def test_the_real_reviews(real_data):
    read = load_reviews("imdb", 30_000)
    assert (len(read.train), len(read.test)) == (25_000, 25_000)
    assert read.train.labels.sum() == read.test.labels.sum() == 12_500
    assert read.words[:3] == ["the", "and", "a"]
    assert read.train.numbers.dtype == torch.int16
