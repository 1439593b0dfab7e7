"""Skip-thought vectors: passages, triplets, padding, and what judges the vectors."""

import io
import tarfile

import numpy as np
import pytest
import torch

from gradus.core.errors import UsageError
from gradus.sequence.translation.batches import padded
from gradus.sequence.translation.losses import translation_loss
from gradus.sequence.translation.passages import (
    Passages,
    learn_words,
    number_passages,
    read_passages,
    sentences_of,
)
from gradus.sequence.translation.probe import bags, found_among, passage_means, probe_accuracy
from gradus.sequence.translation.skip_thought import (
    SkipThought,
    contrast_loss,
    make_triplets,
    thought_loss,
    triplet_batches,
    vectors_of,
)
from gradus.sequence.translation.tokens import EOS, GO


def some():
    passages = read_passages("toy", 60)
    tokenizer = learn_words(passages, 0)
    return tokenizer, number_passages(passages, tokenizer, 5)


def test_sentences_of_a_review():
    text = 'Bad.<br /><br />I said "it was good!" He did not. Why? 3.5 stars, no more'
    assert sentences_of(text) == ["i said it was good", "he did not", "3 5 stars no more"]


def test_a_passage_is_a_line_of_a_file(tmp_path):
    path = tmp_path / "text"
    path.write_text("One two. Three four. Five six.\nToo short. It is.\n" * 30)
    passages = read_passages(str(path), 0)
    assert len(passages) == 30
    assert passages[0] == (["one two", "three four", "five six"], -1)
    with pytest.raises(UsageError, match="has 5 passages of three sentences or more, and 20"):
        read_passages(str(path), 10)


def test_reviews_come_in_turn(tmp_path, monkeypatch):
    (tmp_path / "imdb").mkdir()
    with tarfile.open(tmp_path / "imdb" / "some.tar.gz", "w:gz") as archive:
        for part, kind, n in (("test", "neg", 5), ("train", "neg", 40), ("train", "pos", 30)):
            for number in range(n):
                text = f"{part} {kind}.<br />It is {number}. And so on.".encode()
                member = tarfile.TarInfo(f"aclImdb/{part}/{kind}/{number}_7.txt")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
    monkeypatch.setenv("GRADUS_DATA", str(tmp_path))
    passages = read_passages("imdb", 50)
    assert [label for _, label in passages] == [0, 1] * 25
    assert passages[1][0] == ["train pos", "it is 0", "and so on"]


def test_triplets_stay_within_their_passage():
    tokenizer, parts = some()
    passages = parts["train"]
    batches = triplet_batches(passages, 10, 0)
    assert batches.examples == 2 * (len(passages.firsts) - 1)  # stories have four sentences
    middles, seen = passages.middles(), []
    for rows, (batch, _) in zip(batches.order.rows(0), batches.epoch(0), strict=True):
        wanted, source, lengths, given, steps = batch
        here = middles[rows]
        around = [passages.sentences[i] for i in [*(here - 1).tolist(), *(here + 1).tolist()]]
        assert wanted.tolist() == [n for s in around for n in (*s.tolist(), EOS)]
        assert (given[:, 0] == GO).all()
        assert steps.tolist() == [len(s) + 1 for s in around]
        assert [s[:n].tolist() for s, n in zip(source, lengths, strict=True)] == [
            passages.sentences[i].tolist() for i in here.tolist()
        ]
        seen += here.tolist()
    assert sorted(seen) == middles.tolist()
    assert tokenizer.pieces(passages.sentences[0].tolist())


@pytest.mark.parametrize("pool", ["mean", "max", "last"])
def test_what_is_filled_up_is_never_read(pool):
    torch.manual_seed(0)
    model = SkipThought(12, 4, 6, pool)
    source, lengths = torch.randint(4, 12, (2, 5)), torch.tensor([5, 3])
    found = model.encode(source, lengths)
    torch.testing.assert_close(found[1:], model.encode(source[1:, :3]))
    sentences = [s[:n].numpy() for s, n in zip(source, lengths, strict=True)]
    np.testing.assert_allclose(vectors_of(model, sentences), found.detach(), atol=1e-6)
    assert not vectors_of(model, [np.zeros(0, np.int64)]).any()
    given = torch.randint(4, 12, (4, 3))
    said = model(source, given, lengths, torch.tensor([3, 1, 2, 2]))
    assert said.shape == (8, 6)
    state = found.unsqueeze(0)
    after, _ = model.after(model.words(given[2:]), state)
    torch.testing.assert_close(said[4:6], after[0, :2])
    torch.testing.assert_close(model.output(said, torch.tensor([3])), model.output(said)[:, 3:4])


def test_what_becomes_of_the_encoders_states():
    torch.manual_seed(0)
    source = torch.randint(4, 12, (2, 5))
    model = SkipThought(12, 4, 6)
    states, _ = model.encoder(model.words(source))
    wanted = {
        "mean": states.mean(1),
        "max": states.max(1).values,
        "last": torch.cat([states[:, -1, :3], states[:, 0, 3:]], 1),
    }
    for model.pool, vector in wanted.items():
        torch.testing.assert_close(model.encode(source), vector)


def test_bags_and_means_by_hand():
    found = bags([np.array([4, 5, 4, 3]), np.array([9])], 3, 20)
    assert found.tolist() == [[2, 1, 0], [0, 0, 0]]
    means = passage_means(np.array([[1.0], [3.0], [5.0]]), np.array([0, 2, 3]))
    assert means.tolist() == [[2.0], [5.0]]


def test_the_judges_know_good_vectors_from_noise():
    draw = np.random.default_rng(0)
    firsts = np.arange(0, 401, 4)
    labels = draw.integers(0, 2, 100)
    noise = draw.normal(size=(400, 8))
    about = noise + 3 * np.repeat(draw.normal(size=(100, 8)), 4, axis=0)  # passages differ
    told = noise + 2 * np.repeat(labels, 4)[:, None]
    assert found_among(about, firsts, 20) > 0.6
    assert found_among(noise, firsts, 20) < 0.15
    assert found_among(np.zeros((400, 8)), firsts, 20) == 0.5
    half = slice(0, 200), firsts[:51], labels[:50]
    rest = slice(200, 400), firsts[50:] - 200, labels[50:]

    def accuracy(vectors):
        return probe_accuracy(*((vectors[part], begin, y) for part, begin, y in (half, rest)))

    assert accuracy(told) > 0.9
    assert accuracy(noise) < 0.75


def test_parts_hold_all_passages():
    _, parts = some()
    assert isinstance(parts["test"], Passages)
    assert sum(len(p.labels) for p in parts.values()) == 60
    assert min(len(p.labels) for p in parts.values()) >= 1


def test_the_sentence_after_is_known_by_its_vector():
    draw = torch.Generator().manual_seed(0)
    here = torch.randn(6, 4, generator=draw, dtype=torch.double)
    after = torch.randn(6, 4, generator=draw, dtype=torch.double, requires_grad=True)
    rows = torch.cat([here, after]).detach().numpy()
    rows = rows - rows.mean(0)
    wanted = 0.0
    for i in range(12):
        scores = {
            j: np.exp(10 * rows[i] @ rows[j] / np.linalg.norm(rows[i]) / np.linalg.norm(rows[j]))
            for j in range(12)
            if j != i
        }
        wanted -= np.log(scores[(i + 6) % 12] / sum(scores.values())) / 12
    assert contrast_loss(here, after).item() == pytest.approx(wanted)
    assert torch.autograd.gradcheck(lambda v: contrast_loss(here, v), (after,))
    assert contrast_loss(here, 3 * here) < contrast_loss(here, after)


def test_contrast_is_of_training_alone():
    tokenizer, parts = some()
    passages = parts["train"]
    batch = make_triplets((passages, passages.middles()), np.arange(len(passages.middles())))
    torch.manual_seed(0)
    model = SkipThought(len(tokenizer), 4, 6)
    losses = {weight: thought_loss(translation_loss(), weight) for weight in (0.0, 2.0)}
    here = model.encode(batch[1], batch[2])
    rows = passages.middles() + 1
    ends = [passages.sentences[row] for row in rows.tolist()]
    after = model.encode(torch.from_numpy(padded(ends)), torch.tensor([len(s) for s in ends]))
    more = losses[2.0](model, batch)[0] - losses[0.0](model, batch)[0]
    torch.testing.assert_close(more, 2 * contrast_loss(here, after))
    model.eval()
    assert torch.equal(losses[2.0](model, batch)[0], losses[0.0](model, batch)[0])
