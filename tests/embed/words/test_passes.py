"""The compiled passes against loops in NumPy and against torch's gradients.

The rooms: gradus.embed.words.skipgram, cbow, logistic, pairs, plan, compiled.
"""

import itertools

import numpy as np
import pytest
import torch
from scipy.special import expit, log_expit

from gradus.embed.words.cbow import cbow
from gradus.embed.words.compiled import STAMP, below, fraction, hashed
from gradus.embed.words.logistic import add_weighted, sigmoid_, softplus, times_vector
from gradus.embed.words.pairs import pairs_of
from gradus.embed.words.skipgram import skipgram
from gradus.embed.words.train import pair_losses
from gradus.embed.words.windows import END
from gradus.embed.words.word2vec import Word2Vec
from tests.embed.words.small import V, plan, text, weights

KEY = np.uint64(5)
CASES = [
    {
        "nce": nce,
        "group": group,
        "average": average,
        "noise_words": 3,
        "drawn": k,
        "dynamic": dynamic,
        "sample": sample,
    }
    for nce, (group, average), k, (dynamic, sample) in itertools.product(
        (False, True), ((1, False), (4, False), (4, True)), (3, 9), ((False, 0.0), (True, 0.1))
    )
]


def by_loops(v, u, b, found, settings, is_cbow, lr):
    """The same steps, a group after another, by the formulas; float64. Loss of each pair too."""
    v, u, b = (a.astype(np.float64) for a in (v, u, b))
    losses = []
    for group in range(len(found.noise)):
        rows = np.flatnonzero(found.groups == group)
        step = lr / len(rows) if settings.average else lr
        dv, du, db = np.zeros_like(v), np.zeros_like(u), np.zeros_like(b)
        for row in rows:
            words = [w for w in found.inputs[row] if w >= 0]
            h = np.mean([v[w] for w in words], axis=0)
            outputs = [(found.outputs[row], 1.0, 1.0)]
            outputs += [
                (w, 0.0, float(settings.share))
                for w in found.noise[group]
                if settings.nce or w != found.outputs[row]
            ]
            loss = 0.0
            for w, true, counts in outputs:
                s = h @ u[w] + b[w] - settings.shift[w]
                loss -= counts * log_expit(s if true else -s)
                wrong = counts * (expit(s) - true)
                du[w] -= step * wrong * h
                db[w] -= step * wrong * settings.nce
                for i in words:
                    dv[i] -= step * wrong * u[w] / len(words)
            losses.append(loss)
        v, u, b = v + dv, u + du, b + db
    return v, u, b, losses


@pytest.mark.parametrize("settings", CASES, ids=lambda s: " ".join(f"{v}" for v in s.values()))
@pytest.mark.parametrize("is_cbow", [False, True], ids=["skip-gram", "cbow"])
def test_a_pass_equals_loops(settings, is_cbow):
    settings, words = plan(**settings), text()
    start = weights()
    start[2] *= settings.nce
    v, u, b = (a.copy() for a in start)
    loss, measured, pairs = (cbow if is_cbow else skipgram)(
        v, u, b, words, 5, 40, 100, KEY, settings, 0.05
    )
    found = pairs_of(words, 5, 40, 100, int(KEY), settings, is_cbow)
    expected = by_loops(*start, found, settings, is_cbow, 0.05)
    assert pairs == len(found.outputs) > 20
    for got, want, before in zip((v, u, b), expected, start, strict=False):
        np.testing.assert_allclose(got, want, atol=1e-5)
        assert settings.nce == (not np.array_equal(b, start[2]))
        assert before is start[2] or not np.array_equal(got, before)
    first = found.groups == 0  # the first step of a pass is always measured
    assert measured >= first.sum()
    if len(found.noise) <= 16:
        np.testing.assert_allclose(loss, np.sum(np.array(expected[3])[first]), rtol=1e-5)


@pytest.mark.parametrize("objective", ["negative-sampling", "nce"])
@pytest.mark.parametrize("is_cbow", [False, True], ids=["skip-gram", "cbow"])
def test_a_group_is_one_step_of_gradient_descent_in_torch(objective, is_cbow):
    """The book's minibatch: mean over its pairs, noise words shared by all of them."""
    settings = plan(nce=objective == "nce", group=64, average=True, drawn=5)
    words = text()
    v, u, b = weights()
    b *= settings.nce
    model = Word2Vec(V, v.shape[1], biases=settings.nce)
    parameters = [model.inputs.weight, model.outputs.weight, model.biases]
    for parameter, values in zip(parameters, (v, u, b), strict=True):
        if parameter is not None:
            parameter.data = torch.from_numpy(values.copy())
    found = pairs_of(words, 0, len(words), 0, int(KEY), settings, is_cbow)
    assert len(found.noise) == 1
    rows = [torch.from_numpy(a).long() for a in (found.inputs, found.outputs)]
    noise = torch.from_numpy(found.noise[found.groups]).long()
    loss = pair_losses(objective, settings, model, *rows, noise).mean()
    loss.backward()
    torch.optim.SGD(model.parameters(), 0.1).step()
    run = cbow if is_cbow else skipgram
    total, measured, _ = run(v, u, b, words, 0, len(words), 0, KEY, settings, 0.1)
    assert total / measured == pytest.approx(float(loss.detach()), rel=1e-5)
    for parameter, got in zip(parameters, (v, u, b), strict=True):
        if parameter is not None:
            np.testing.assert_allclose(got, parameter.detach().numpy(), atol=1e-5)


def test_the_same_pass_gives_the_same_bits():
    results = []
    for _ in range(2):
        v, u, b = weights()
        skipgram(v, u, b, text(400), 0, 400, 0, KEY, plan(group=8, dynamic=True, sample=0.1), 0.1)
        results.append((v, u))
    np.testing.assert_array_equal(results[0], results[1])


def test_nothing_is_learned_over_the_end_of_a_line():
    words = np.array([0, 1, END, 2, 3, END, 4], np.int32)
    found = pairs_of(words, 0, 7, 0, 1, plan(window=5), False)
    assert sorted(zip(found.inputs[:, 0].tolist(), found.outputs.tolist(), strict=True)) == [
        (0, 1), (1, 0), (2, 3), (3, 2)
    ]  # fmt: skip


def test_a_text_without_pairs_changes_nothing():
    v, u, b = weights()
    before = v.copy()
    words = np.array([3, END, 4, END], np.int32)
    assert skipgram(v, u, b, words, 0, 4, 0, KEY, plan(), 0.1) == (0.0, 0, 0)
    np.testing.assert_array_equal(v, before)
    found = pairs_of(words, 0, 4, 0, 1, plan(), False)
    assert found.inputs.shape == (0, 1)
    assert found.noise.shape == (0, 3)


def test_sigmoid_and_softplus():
    scores = np.linspace(-40, 40, 4001).astype(np.float32)
    found = scores.copy()
    sigmoid_(found)
    np.testing.assert_allclose(found, expit(scores.astype(np.float64)), atol=3e-7)
    for x in (-800.0, -3.0, 0.0, 2.0, 800.0):
        assert softplus(x) == pytest.approx(np.logaddexp(0, x), rel=1e-12)


@pytest.mark.parametrize("n", [0, 1, 3, 4, 9])
def test_products_with_any_number_of_rows(n):
    draw = np.random.default_rng(0)
    rows, x, w = (draw.normal(size=s).astype(np.float32) for s in ((n, 20), 20, n))
    out, start = np.zeros(n, np.float32), x.copy()
    times_vector(rows, x, out)
    np.testing.assert_allclose(out, rows @ x, atol=1e-5)
    add_weighted(start, w, rows)
    np.testing.assert_allclose(start, x + w @ rows, atol=1e-5)


def test_what_is_kept_on_disk_belongs_to_these_files():
    """numba itself would not see a change in the file of a function that another one calls."""
    assert {name for name, _ in STAMP} >= {"skipgram.py", "logistic.py", "windows.py"}
    kept = skipgram._cache._cache_file
    assert kept._source_stamp == STAMP
    assert kept.load("no such key") is None


def test_random_numbers_are_even():
    key = np.uint64(3)
    bits = [hashed(key, np.uint64(i)) for i in range(20_000)]
    assert len(set(bits)) == len(bits)
    shares = np.array([fraction(np.uint64(b)) for b in bits])
    assert shares.min() >= 0
    assert shares.max() < 1
    counts = np.bincount([below(np.uint64(b), 7) for b in bits], minlength=7)
    assert len(counts) == 7
    assert ((counts - 20_000 / 7) ** 2 / (20_000 / 7)).sum() < 22.5  # χ², 6 degrees, p = 0.001
    np.testing.assert_allclose(shares.mean(), 0.5, atol=0.01)
