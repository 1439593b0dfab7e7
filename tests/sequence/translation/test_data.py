"""Sentences as numbers: tokens, files of pairs, the corpus on disk, batches."""

import gzip
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradus.core.errors import DataError, RunError, UsageError
from gradus.core.progress import Silent, reporting
from gradus.data.pairs import find_pairs, part_of, read_pairs
from gradus.sequence.translation.batches import (
    by_length,
    from_buckets,
    in_buckets,
    make_batch,
    pair_batches,
)
from gradus.sequence.translation.corpus import (
    Pairs,
    Plan,
    Sentences,
    keep,
    load_corpus,
    open_corpus,
)
from gradus.sequence.translation.recipes import check_buckets
from gradus.sequence.translation.tokens import (
    EOS,
    GO,
    PAD,
    SPECIAL,
    UNK,
    join_words,
    learn_listed,
    learn_subwords,
    read_tokenizer,
    split,
)
from gradus.sequence.translation.toy import toy_pairs

TEXTS = ["Le chien voit l'eau, la mer.", "Un chat (noir) dort.", "Le chat voit le chien."] * 3


# Tokens -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["word", "char", "subword"])
def test_sentences_come_back(kind):
    learn = learn_subwords if kind == "subword" else lambda t, n: learn_listed(kind, t, n)
    tokenizer = learn(TEXTS, 80)
    again = read_tokenizer(tokenizer.dump())
    for text in TEXTS:
        (numbers,) = tokenizer.encode([text])
        assert min(numbers) > UNK
        assert tokenizer.join(tokenizer.pieces(numbers)) == text
        assert again.encode([text]) == [numbers]
        assert again.join(again.pieces(numbers)) == text
    assert len(again) == len(tokenizer) <= 80


@pytest.mark.parametrize("kind", ["word", "char", "subword"])
def test_what_was_never_seen_is_unk(kind):
    learn = learn_subwords if kind == "subword" else lambda t, n: learn_listed(kind, t, n)
    tokenizer = learn(TEXTS, 80)
    (numbers,) = tokenizer.encode(["犬"])
    assert UNK in numbers
    assert tokenizer.encode([""]) == [[]]
    assert tokenizer.pieces(range(4)) == SPECIAL


def test_the_most_frequent_words_stay():
    found = learn_listed("word", ["b a b", "b c a"], 6)
    assert found.entries == [*SPECIAL, "b", "a"]
    assert found.encode(["a c b"]) == [[5, UNK, 4]]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sampled_from(["Le", "l'", "eau", ",", "x-y", "3", ".", "(", ")"]), max_size=8))
def test_words_are_split_as_they_were_joined(words):
    assert split("word", join_words(words)) == words or "l'" in words  # l' takes what follows it


def test_a_damaged_vocabulary_is_told():
    for text in ("", "{}", '{"kind": "subword", "library": 3}'):
        with pytest.raises(RunError, match="a vocabulary is damaged"):
            read_tokenizer(text)


# Files --------------------------------------------------------------------------------------------


def write(path, lines):
    text = "".join(f"{line}\n" for line in lines)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("_about.txt", "who made it")
            archive.writestr("pairs.txt", text)
    else:
        path.write_text(text, encoding="utf-8")
    return path


def everything(data):
    return [pair for part in ("train", "validation", "test") for pair in read_pairs(data, part)]


def test_two_files_and_one_file_hold_the_same_pairs(tmp_path):
    pairs = [(f"one {i}", f"un {i}") for i in range(300)]
    source = write(tmp_path / "a.en", [s for s, _ in pairs])
    target = write(tmp_path / "a.fr.gz", [f" {t}\r" for _, t in pairs])
    both = write(tmp_path / "both.zip", [f"{s}\t{t}\tthanks" for s, t in pairs])
    found = everything(f"{source},{target}")
    assert sorted(found) == sorted(pairs)
    assert everything(str(both)) == found
    assert all(part_of(s) == "test" for s, _ in read_pairs(str(both), "test"))


def test_files_that_do_not_belong_together(tmp_path):
    a, b = write(tmp_path / "a", ["x"] * 5), write(tmp_path / "b", ["y"] * 7)
    with pytest.raises(UsageError, match=r"a has 5 lines and .*b 7: line by line they must"):
        everything(f"{a},{b}")
    with pytest.raises(UsageError, match=r"a, line 1 has no tab: .*SOURCE,TARGET"):
        everything(str(a))
    with pytest.raises(UsageError, match=r"got 'multi30': did you mean multi30k\?; no file"):
        find_pairs("multi30", "train")
    with pytest.raises(UsageError, match="no file"):
        find_pairs(f"{a},{tmp_path}/c", "train")
    (tmp_path / "bad").write_bytes(b"\xff\xfe\x00a\tb\n")
    with pytest.raises(UsageError, match="is not text in UTF-8"):
        everything(str(tmp_path / "bad"))
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"a\tb\n" * 100)[:-9])
    with pytest.raises(DataError, match="cannot be read"):
        everything(str(tmp_path / "cut.gz"))


def test_tatoeba_is_asked_for(monkeypatch, tmp_path):
    monkeypatch.setenv("GRADUS_DATA", str(tmp_path))
    with pytest.raises(UsageError, match="tatoeba is not on this machine: download"):
        find_pairs("tatoeba", "train")


@pytest.mark.data
def test_multi30k_and_tatoeba():
    assert [sum(1 for _ in read_pairs("multi30k", p)) for p in ("validation", "test")] == [
        1014,
        1000,
    ]
    first = next(iter(read_pairs("tatoeba", "train")))
    assert first == ("Go.", "Va !")


def test_toy_parts_share_no_sentence():
    sources = [{s for s, _ in toy_pairs(part, 40)} for part in ("train", "validation", "test")]
    assert not sources[0] & sources[1] | sources[0] & sources[2] | sources[1] & sources[2]
    assert ("The red car" in s for s in sources[0])


# Corpus -------------------------------------------------------------------------------------------


def test_a_corpus_is_made_once_and_tells_what_it_cut(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADUS_CACHE", str(tmp_path / "cache"))
    written = [f"a {'b ' * (i % 9)}{i}\tc {'d ' * (i % 9)}{i}" for i in range(400)]
    path = write(tmp_path / "pairs", [*written, "\tnothing", "nothing\t"])
    plan = Plan(str(path), "word", 0, False, (6, 7), 350)
    lines = []

    class Noted(Silent):
        def note(self, text):
            lines.append(text)

    with reporting(Noted):
        corpus = load_corpus(plan)
        again = load_corpus(plan)
    train = corpus.parts["train"]
    assert len(train) == corpus.facts["train"]["pairs"] == 350
    assert train.source.lengths.max() == train.target.lengths.max() == 6
    told = [line for line in lines if line.startswith("train:")]
    assert len(told) == 2 == len(set(told)) + 1
    assert f"{corpus.facts['train']['cut']:,} pairs were longer than 6 and 6 tokens" in told[0]
    (number,) = corpus.tokenizers[0].encode(["a"])[0]
    assert (np.asarray(train.source.numbers) == number).sum() >= 350
    assert np.array_equal(again.parts["test"].target.numbers, corpus.parts["test"].target.numbers)


def test_empty_sides_are_left_out_and_a_part_without_pairs_is_refused(tmp_path):
    plan = Plan("them", "char", 0, True, (9, 9))
    parts = {"train": lambda: [("a", "b"), ("", "c"), ("d", "")], "test": lambda: [("b", "a")]}
    keep(tmp_path / "one", plan, parts)
    corpus = open_corpus(tmp_path / "one")
    assert corpus.facts["train"] == {"pairs": 1, "empty": 2, "cut": 0}
    assert corpus.tokenizers[0] is corpus.tokenizers[1]
    with pytest.raises(UsageError, match="them has no pairs for test"):
        keep(tmp_path / "two", plan, {**parts, "test": lambda: [("", "")]})
    assert not (tmp_path / "two").exists()


# Batches ------------------------------------------------------------------------------------------


def some_pairs(n, longest=9, seed=0):
    draw = np.random.default_rng(seed)

    def side():
        lengths = draw.integers(1, longest + 1, n)
        starts = np.concatenate([[0], lengths.cumsum()])
        return Sentences(draw.integers(4, 20, starts[-1]).astype(np.int32), starts)

    return Pairs(side(), side())


def test_a_batch_by_hand():
    starts = np.array([0, 3, 5])
    pairs = Pairs(Sentences(np.arange(4, 9), starts), Sentences(np.arange(10, 15), starts))
    wanted, source, lengths, read, steps = make_batch(pairs, np.array([1, 0]), reverse=True)
    assert wanted.tolist() == [13, 14, EOS, 10, 11, 12, EOS]
    assert source.tolist() == [[8, 7, PAD], [6, 5, 4]]
    assert lengths.tolist() == [2, 3]
    assert read.tolist() == [[GO, 13, 14, PAD], [GO, 10, 11, 12]]
    assert steps.tolist() == [3, 4]


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 60), st.integers(1, 12), st.integers(0, 5))
def test_every_pair_comes_once_in_batches_of_bounded_size(n, size, seed):
    pairs = some_pairs(n, seed=seed)
    order = by_length(pairs.lengths, size, seed)
    places = np.maximum(pairs.source.lengths, pairs.target.lengths + 1)
    for epoch in range(2):
        rows = order.rows(epoch)
        assert len(rows) == order.batches
        assert sorted(np.concatenate(rows)) == list(range(n))
        for batch in rows:
            room = max(size * places.mean(), places[batch].max())
            assert len(batch) * places[batch].max() <= room + 1e-9


def test_orders_depend_on_seed_and_epoch_alone():
    pairs = some_pairs(50)
    rows = [
        np.concatenate(by_length(pairs.lengths, 5, s).rows(e)).tolist() for s, e in ((0, 0), (0, 1))
    ]
    assert rows[0] == np.concatenate(by_length(pairs.lengths, 5, 0).rows(0)).tolist()
    assert rows[0] != rows[1]
    drawn = from_buckets(pairs, [(4, 5), (9, 10)], 8, 6, 0)
    assert all(map(np.array_equal, drawn.rows(3), drawn.rows(3)))
    numbers = in_buckets(pairs, [(4, 5), (9, 10)])
    assert all(len(set(numbers[rows])) == 1 for rows in drawn.rows(0))
    fits = (pairs.source.lengths <= 4) & (pairs.target.lengths + 1 <= 5)
    assert np.array_equal(numbers == 0, fits)


def test_two_processes_share_a_batch():
    pairs = some_pairs(21)
    whole = pair_batches(pairs, by_length(pairs.lengths, 4, 0), 4, reverse=True)
    parts = [list(whole.shard(rank, 2).epoch(1, start=2)) for rank in range(2)]
    assert len(parts[0]) == len(whole) - 2
    for (batch, share), *ours in zip(whole.epoch(1, 2), *parts, strict=True):
        assert share == 1.0
        tokens = [n for part, weight in ours if weight for n in part[0].tolist()]
        assert tokens == batch[0].tolist()
        assert sum(weight for _, weight in ours) == pytest.approx(2)
    assert whole.examples == 21
    assert len(whole.in_order(50)) == 1
    assert len(whole.to(torch.device("cpu")).tensors[1]) == 21


def test_buckets_must_rise():
    check_buckets((5, 10, 10, 15))
    check_buckets(())
    for bad in ((5,), (5, 10, 5, 15), (1, 2)):
        with pytest.raises(UsageError, match="each pair above the one before"):
            check_buckets(bad)


def test_the_data_are_listed():
    from gradus.data.pairs import MULTI30K
    from gradus.data.texts import TEXTS as KNOWN

    assert KNOWN["multi30k"] is MULTI30K
    assert Path(MULTI30K.files[0].name).suffix == ".gz"
