"""The network: NumPy loops, padding that is never read, one call equal to step by step."""

import numpy as np
import pytest
import torch

from gradus.core.errors import UsageError
from gradus.sequence import Seq2Seq
from gradus.sequence.translation.average import Averaged, chosen
from gradus.sequence.translation.tokens import GO

KINDS = [
    ("none", "after"),
    ("dot", "before"),
    ("additive", "before"),
    ("general", "after"),
    ("scaled", "between"),
]


def make(score="scaled", place="after", cell="gru", **more):
    torch.manual_seed(0)
    more = {"embedding": 5, "hidden": 6, "layers": 2, **more}
    return Seq2Seq(11, 13, cell=cell, score=score, place=place, **more).double().eval()


def tokens(*shape, seed=0):
    return torch.randint(4, 11, shape, generator=torch.Generator().manual_seed(seed))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru(layers, name, x, h):
    """One step of one of torch's GRU layers, in NumPy."""
    w, u, b, c = (
        getattr(layers, f"{part}_{name}").detach().numpy()
        for part in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    )
    (r, z, n), (s, y, m) = np.split(w @ x + b, 3), np.split(u @ h + c, 3)
    r, z = sigmoid(r + s), sigmoid(z + y)
    return (1 - z) * np.tanh(n + r * m) + z * h


def by_hand(model, source, given):
    """What a network of one layer has to say at each step, for one sentence, in NumPy loops."""
    vectors, words = (m.weight.detach().numpy() for m in (model.source_words, model.target_words))
    half = model.hidden // (2 if model.encoder.bidirectional else 1)
    states = {}
    for name, order in (("l0", source), ("l0_reverse", source[::-1])):
        if name == "l0" or model.encoder.bidirectional:
            h, states[name] = np.zeros(half), []
            for token in order:
                h = gru(model.encoder, name, vectors[token], h)
                states[name].append(h)
    parts = [states["l0"]]
    if model.encoder.bidirectional:
        parts.append(states["l0_reverse"][::-1])
    memory = [np.concatenate(p) for p in zip(*parts, strict=True)]
    h = np.concatenate([s[-1] for s in states.values()])
    above = h
    w, b = model.combine.weight.detach().numpy(), model.combine.bias.detach().numpy()

    def look(query):
        e = np.exp([query @ m / np.sqrt(len(query)) for m in memory])
        return sum(share * m for share, m in zip(e / e.sum(), memory, strict=True))

    said = []
    for token in given:
        context = look(h) if model.place == "before" else None
        x = words[token] if context is None else np.concatenate([words[token], context])
        h = gru(model.decoder, "l0", x, h)
        context = look(h) if context is None else context
        top = h
        if model.place == "between":
            above = top = gru(model.upper, "l0", np.concatenate([h, context]), above)
        said.append(np.tanh(w @ np.concatenate([top, context]) + b))
    return np.array(said)


@pytest.mark.parametrize("place", ["before", "after", "between"])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_the_network_equals_the_loops(place, bidirectional):
    model = make(place=place, layers=1, bidirectional=bidirectional)
    source, given = tokens(1, 4), tokens(1, 3, seed=1)
    found = model(source, given)[0].detach().numpy()
    expected = by_hand(model, source[0].tolist(), given[0].tolist())
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize(("score", "place"), KINDS)
def test_what_is_filled_up_is_never_read(score, place, cell):
    model = make(score, place, cell)
    source, given = tokens(2, 5), tokens(2, 4, seed=1)
    lengths, steps = torch.tensor([3, 5]), torch.tensor([4, 2])
    both = model(source, given, lengths, steps)
    alone = [
        model(source[i : i + 1, :n], given[i : i + 1, :t])
        for i, (n, t) in enumerate(zip(lengths.tolist(), steps.tolist(), strict=True))
    ]
    torch.testing.assert_close(both, torch.cat([a[0] for a in alone]), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@pytest.mark.parametrize(("score", "place"), KINDS)
def test_one_call_equals_step_by_step(score, place, cell):
    model = make(score, place, cell)
    source, given = tokens(2, 5), tokens(2, 4, seed=1)
    memory, state = model.encode(source)
    whole, weights, last = model.decode(given, memory, state)
    for step in range(4):
        said, looked, state = model.decode(given[:, step : step + 1], memory, state)
        torch.testing.assert_close(said[:, 0], whole[:, step])
        if weights is not None:
            torch.testing.assert_close(looked[:, 0], weights[:, step])
            assert weights[:, step].sum(1).tolist() == pytest.approx([1, 1])
    torch.testing.assert_close(state, last)
    assert (weights is None) == (score == "none")


@pytest.mark.parametrize(("score", "place"), KINDS)
def test_gradients(score, place):
    model = make(score, place, layers=1, embedding=3, hidden=4)
    source, given, lengths = tokens(2, 3), tokens(2, 2, seed=1), torch.tensor([3, 2])
    names = [name for name, _ in model.named_parameters()]
    values = tuple(p.detach().clone().requires_grad_() for p in model.parameters())

    def logits(*values):
        named = dict(zip(names, values, strict=True))
        said = torch.func.functional_call(model, named, (source, given, lengths))
        return said @ named["weight"].T + named["bias"]

    assert torch.autograd.gradcheck(logits, values, fast_mode=True)


def test_without_a_target_the_first_token_is_asked_for():
    model, source = make(), tokens(2, 3)
    torch.testing.assert_close(model(source), model(source, torch.full((2, 1), GO)))


def test_tied_and_shared_vectors_are_one_parameter():
    plain, tied = make(embedding=6), make(embedding=6, tied=True)
    assert plain.weight.shape == (13, 6)
    assert tied.weight is None
    said = torch.ones(6, dtype=torch.float64)
    torch.testing.assert_close(tied.output(said), tied.target_words.weight.sum(1) + tied.bias)
    some = torch.tensor([2, 5])
    for model in (plain, tied):
        torch.testing.assert_close(model.output(said, some), model.output(said)[some])
    one = Seq2Seq(13, 13, shared=True, tied=True)
    assert one.source_words is None
    assert not [name for name in one.state_dict() if name == "weight"]


def test_mistakes():
    for wrong, message in (
        ({"hidden": 5}, "hidden must be even for two directions, got 5"),
        ({"cell": "rnn"}, "cell must be one of gru, lstm, got 'rnn'"),
        ({"place": "above"}, "place must be one of before, after, between, got 'above'"),
        ({"score": "cosine"}, "score must be one of dot, scaled, general, got 'cosine'"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"shared": True}, "shared vectors need one vocabulary"),
        ({"layers": 0}, "layers must be ≥ 1, got 0"),
    ):
        with pytest.raises(UsageError, match=message):
            Seq2Seq(11, 13, **wrong)


def test_the_running_mean_answers_and_the_network_learns():
    model = Averaged(torch.nn.Linear(1, 1))
    values = [1.0, 2.0, 4.0]
    mean = model.model.weight.item()
    for n, value in enumerate(values):
        torch.nn.init.constant_(model.model.weight, value)
        model.update(0.5)
        mean += (1 - min(0.5, (1 + n) / (10 + n))) * (value - mean)
    assert model.average.weight.item() == pytest.approx(mean)
    assert chosen(model) is model.model
    assert chosen(model.eval()) is model.average
    x = torch.ones(1, 1)
    torch.testing.assert_close(model(x), model.average(x))
    assert all(not p.requires_grad for p in model.average.parameters())
    assert int(model.updates) == 3
