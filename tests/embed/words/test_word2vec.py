"""The module, the losses by their formulas, the batches, and trainings on the made-up text.

The rooms: gradus.embed.words.word2vec, losses, batches, update, train; gradus.embed.
"""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.special import log_expit, logsumexp

import gradus
from gradus import catalog
from gradus.core.errors import UsageError
from gradus.core.experiment import train
from gradus.core.progress import Silent
from gradus.core.task import build_task, evaluate
from gradus.embed import Word2Vec
from gradus.embed.words.batches import TextBatches, hold_out
from gradus.embed.words.losses import nce, negative_sampling, softmax_loss
from gradus.embed.words.pairs import pairs_of
from gradus.embed.words.train import cores
from gradus.embed.words.update import compiled_update
from gradus.embed.words.word2vec import book_start
from tests.commands import offline
from tests.embed.words.small import D, V, plan, text

SMOKE = dict(catalog.recipe("word2vec").smoke)


@pytest.fixture(autouse=True)
def _offline(monkeypatch, tmp_path):
    offline(monkeypatch, tmp_path)


# Module and losses --------------------------------------------------------------------------------


def test_hidden_vectors_are_means_without_the_filling():
    torch.manual_seed(0)
    model = Word2Vec(V, D, biases=True, **book_start(D)).double()
    v, u = model.inputs.weight.detach().numpy(), model.outputs.weight.detach().numpy()
    model.biases.data += torch.arange(V)
    rows = torch.tensor([[3, 5, -1], [2, -1, -1]])
    hidden = model(rows).detach()
    h = hidden.numpy()
    np.testing.assert_allclose(h, [(v[3] + v[5]) / 2, v[2]], rtol=1e-12)
    scores = model.scores(hidden, torch.tensor([[1, 1], [0, 4]])).detach()
    expected = [[h[i] @ u[w] + w for w in words] for i, words in enumerate([[1, 1], [0, 4]])]
    np.testing.assert_allclose(scores, expected, rtol=1e-12)
    np.testing.assert_allclose(model.all_scores(hidden).detach(), h @ u.T + np.arange(V), rtol=1e-9)


def test_initial_values():
    model = Word2Vec(500, 20)
    assert 0.99 / 40 < float(model.inputs.weight.detach().abs().max()) <= 1 / 40
    assert not model.outputs.weight.any()
    assert model.biases is None
    book = Word2Vec(500, 20, **book_start(20))
    assert 0.99 < float(book.inputs.weight.detach().abs().max()) <= 1
    assert float(book.outputs.weight.detach().abs().max()) <= 2 / np.sqrt(20)
    assert float(book.outputs.weight.detach().std()) == pytest.approx(0.88 / np.sqrt(20), rel=0.03)


def by_formula(true, noise):
    return [
        -log_expit(t) - sum(log_expit(-n) for n in row) for t, row in zip(true, noise, strict=True)
    ]


def test_losses_are_their_formulas():
    draw = np.random.default_rng(0)
    true, noise = draw.normal(size=6), draw.normal(size=(6, 4))
    t, n = torch.from_numpy(true), torch.from_numpy(noise)
    np.testing.assert_allclose(negative_sampling(t, n), by_formula(true, noise), rtol=1e-12)
    counted = torch.from_numpy(draw.random((6, 4)) < 0.7)
    left = [
        [x for x, c in zip(r, m, strict=True) if c] for r, m in zip(noise, counted, strict=True)
    ]
    found = negative_sampling(t, n, counted)
    np.testing.assert_allclose(found, by_formula(true, left), rtol=1e-12)
    a, b = draw.normal(size=6), draw.normal(size=(6, 4))
    found = nce(t, n, torch.from_numpy(a), torch.from_numpy(b))
    np.testing.assert_allclose(found, by_formula(true - a, noise - b), rtol=1e-12)
    scores, words = draw.normal(size=(6, 9)), np.arange(6)
    found = softmax_loss(torch.from_numpy(scores), torch.from_numpy(words))
    expected = logsumexp(scores, axis=1) - scores[words, words]
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_fewer_noise_words_that_count_more_have_the_same_mean():
    """K noise words, or others drawn and weighted by K over their number."""
    true, q = torch.zeros(1), np.array([0.5, 0.3, 0.2])
    scores = torch.tensor([0.3, -1.0, 2.0])
    means = []
    for drawn in (1, 2, 3):
        total = 0.0
        for words in itertools.product(range(3), repeat=drawn):
            loss = negative_sampling(true, scores[list(words)][None], share=2 / drawn)
            total += np.prod(q[list(words)]) * float(loss)
        means.append(total)
    np.testing.assert_allclose(means, means[0], rtol=1e-6)


@pytest.mark.parametrize("loss", ["negative-sampling", "nce", "softmax"])
def test_gradients(loss):
    torch.manual_seed(0)
    model = Word2Vec(5, 3, biases=True, **book_start(3)).double()
    inputs, outputs = torch.tensor([[0, 1], [2, -1]]), torch.tensor([3, 4])
    noise = torch.tensor([[0, 3], [1, 4]])

    def value(v, u, b):
        model.inputs.weight, model.outputs.weight, model.biases = (
            torch.nn.Parameter(v), torch.nn.Parameter(u), torch.nn.Parameter(b)
        )  # fmt: skip
        state = {"inputs.weight": v, "outputs.weight": u, "biases": b}
        hidden = torch.func.functional_call(model, state, (inputs,))
        scores = hidden @ u.T + b
        if loss == "softmax":
            return softmax_loss(scores, outputs)
        true, wrong = scores.gather(1, outputs[:, None])[:, 0], scores.gather(1, noise)
        if loss == "nce":
            return nce(true, wrong, true.detach() * 0 + 0.3, wrong.detach() * 0 - 0.2)
        return negative_sampling(true, wrong, noise != outputs[:, None])

    start = [p.detach().clone().requires_grad_() for p in model.parameters()]
    start = [start[1], start[2], start[0]] if start[0].dim() == 1 else start
    assert torch.autograd.gradcheck(value, start)


# Batches ------------------------------------------------------------------------------------------


def batches(**settings):
    plain = {"spans": ((0, 20), (25, 60)), "batch_size": 7, "window": 2, "seed": 3}
    return TextBatches(text(), **{**plain, **settings})


def places(found):
    return [range(int(w[0] + w[1]), int(w[0] + w[1]) + len(mine)) for (mine, _, w), _ in found]


def test_every_word_is_learned_from_once_an_epoch_in_an_order_of_its_own():
    b = batches()
    assert (b.examples, len(b)) == (55, 8)
    epochs = [places(b.epoch(e)) for e in (0, 0, 1)]
    assert epochs[0] == epochs[1] != epochs[2]
    for epoch in epochs:
        assert sorted(p for r in epoch for p in r) == [*range(20), *range(25, 60)]
    assert places(b.epoch(1, start=5)) == epochs[2][5:]
    assert places(batches(seed=None).epoch(4)) == sorted(epochs[0], key=lambda r: r.start)
    assert b.to(torch.device("cpu")) is b
    keys = [{int(w[2]) for (_, _, w), _ in b.epoch(e)} for e in (0, 1)]
    assert len(keys[0]) == len(keys[1]) == 1
    assert keys[0] != keys[1]


def test_how_the_text_is_cut_does_not_change_the_pairs():
    settings = plan(dynamic=True, sample=0.3, window=2)
    found = []
    for size in (7, 60):
        rows = []
        for (mine, seen, where), _ in batches(batch_size=size, spans=((0, 60),)).epoch(2):
            before, first, key = where.tolist()
            p = pairs_of(seen.numpy(), before, len(mine), first, key, settings, False)
            rows += zip(p.inputs[:, 0].tolist(), p.outputs.tolist(), strict=True)
        found.append(sorted(rows))
    assert found[0] == found[1]
    assert len(found[0]) > 50


def test_processes_share_each_stretch():
    whole = batches()
    parts = [list(whole.shard(rank, 3).epoch(1)) for rank in range(3)]
    joined = [range(a.start, c.stop) for a, _, c in zip(*map(places, parts), strict=True)]
    assert joined == places(whole.epoch(1))
    for shares in zip(*[[s for _, s in p] for p in parts], strict=True):
        assert sum(shares) == pytest.approx(3)


def test_words_are_held_out_all_over_the_text():
    train_, held, tested = hold_out(1000, 40, 60)
    spans = sorted([*train_, *held, *tested])
    assert spans[0][0] == 0
    assert spans[-1][1] == 1000
    assert all(a[1] == b[0] for a, b in itertools.pairwise(spans))
    assert [sum(b - a for a, b in part) for part in (train_, held, tested)] == [900, 40, 60]
    with pytest.raises(UsageError, match="a text of 100 words is too short to hold 25 words out"):
        hold_out(100, 25, 25)
    with pytest.raises(UsageError, match="batch_size must be ≥ 1"):
        batches(batch_size=0)
    with pytest.raises(UsageError, match="must hold words"):
        batches(spans=())


# Trainings ----------------------------------------------------------------------------------------


def weights_of(tmp_path, name, recipe="word2vec", **settings):
    recipe = catalog.recipe(recipe)
    run = train(recipe, recipe.configure(**{**SMOKE, **settings}), path=tmp_path / name, test=False)
    return run.load_weights()["inputs.weight"]


def test_one_thread_gives_the_same_vectors_again(tmp_path):
    one, other = (weights_of(tmp_path, n) for n in ("one", "other"))
    assert torch.equal(one, other)
    assert not torch.equal(one, weights_of(tmp_path, "seed", seed=1))


def test_several_threads_learn_from_every_word():
    """Where no two threads change the same vector at once they give what one gives."""
    words = np.repeat(np.arange(V, dtype=np.int32), 10)
    batch = (torch.from_numpy(words), torch.from_numpy(words), torch.tensor([0, 0, 1]))
    found = []
    for threads in (1, 3):
        torch.manual_seed(0)
        model = Word2Vec(V, D)
        loss = compiled_update("skip-gram", plan(), threads)(model, batch, 0.05)
        found.append((model.inputs.weight.detach(), float(loss)))
    assert found[1][1] == pytest.approx(found[0][1], rel=0.05)
    torch.testing.assert_close(found[0][0], found[1][0], atol=0.02, rtol=0)
    assert cores() >= 1


def test_both_engines_do_the_same(tmp_path):
    """The book's way: the mean over a minibatch, all of its pairs sharing their noise."""
    same = {"average": True, "group": 50, "batch_size": 50, "lr": 1.0, "epochs": 1}
    one = weights_of(tmp_path, "compiled", **same)
    other = weights_of(tmp_path, "torch", engine="torch", **same)
    torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("objective", ["softmax", "nce", "negative-sampling"])
@pytest.mark.parametrize("architecture", ["skip-gram", "cbow"])
def test_torch_trains_every_objective(tmp_path, objective, architecture):
    recipe = catalog.recipe("word2vec")
    settings = {"objective": objective, "architecture": architecture, "engine": "torch"}
    settings |= {"optimizer": "adam", "lr": 0.01, "batch_size": 4000, "epochs": 2}
    run = train(
        recipe, recipe.configure(**{**SMOKE, **settings}), path=tmp_path / "run", test=False
    )
    losses = [r["validation/loss"] for r in run.records()]
    assert losses[1] < losses[0]


@pytest.mark.parametrize("name", ["word2vec", "word2vec-cbow"])
def test_the_meanings_of_the_made_up_text_are_found(tmp_path, name):
    recipe = catalog.recipe(name)
    settings = {**SMOKE, "epochs": 40, "lr": 0.15, "sample": 0.0, "batch_size": 5000}
    run = train(recipe, recipe.configure(**settings), path=tmp_path / "run")
    assert run.results["test"]["similarity"] > 0.6
    assert run.results["test"]["analogies"] > 0.1  # one in 115 by chance
    assert set(run.evaluate("validation")) == {"loss"}


def test_the_vocabulary_is_in_the_run_folder(tmp_path):
    recipe = catalog.recipe("word2vec")
    run = train(recipe, recipe.configure(**SMOKE), path=tmp_path / "run")
    lines = (run.path / "vocabulary.tsv").read_text().splitlines()
    assert len(lines) == run.info["facts"]["words"]
    assert [int(line.split("\t")[1]) for line in lines] == sorted(
        (int(line.split("\t")[1]) for line in lines), reverse=True
    )
    again = gradus.open(run.path)
    assert again.predict("paris")[0]["input"] == "paris"
    (run.path / "vocabulary.tsv").unlink()
    with pytest.raises(gradus.RunError, match=r"vocabulary\.tsv is damaged or missing"):
        again.predict("paris")


def test_neighbours_are_told_after_each_epoch(tmp_path):
    said = []

    class Listener(Silent):
        def note(self, text):
            said.append(text)

    recipe = catalog.recipe("word2vec")
    config = recipe.configure(**{**SMOKE, "tell": 3, "epochs": 4})
    train(recipe, config, path=tmp_path / "run", reporter=Listener(), test=False)
    told = [s for s in said if s.count(",") == 7]
    assert len(told) == 3 * 4
    assert len({s.split(":")[0] for s in told}) == 3


def test_where_there_are_no_questions_it_says_so(tmp_path, monkeypatch):
    path = tmp_path / "mine.txt"
    path.write_text("one two three four five six seven eight nine ten\n" * 100)
    recipe = catalog.recipe("word2vec")
    task = build_task(recipe, recipe.configure(**{**SMOKE, "data": str(path), "validation": 50}))
    notes = []
    monkeypatch.setattr(
        "gradus.embed.words.train.current",
        lambda: type("N", (), {"note": lambda s, t: notes.append(t)})(),
    )
    assert set(evaluate(task, task.test())) == {"loss"}
    assert len(notes) == 1
    assert "similarity and analogies are not measured" in notes[0]


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"optimizer": "adam"}, "needs optimizer=sgd, got adam: choose --engine torch"),
        ({"device": "cuda"}, "needs device=cpu, got cuda"),
        ({"clip_norm": 1.0}, "needs clip_norm=0, got 1.0"),
        ({"objective": "softmax"}, "full softmax has no compiled engine"),
        ({"window": 0}, "window must be ≥ 1, got 0"),
        ({"noise_power": -1.0}, r"noise_power must be in \[0, 2\]"),
        ({"sample": float("inf")}, "sample must be ≥ 0, got inf"),
    ],
)
def test_settings_that_cannot_be_meant(settings, said):
    with pytest.raises(UsageError, match=said):
        replace(catalog.recipe("word2vec").config, **settings)
