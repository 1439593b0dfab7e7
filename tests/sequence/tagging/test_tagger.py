"""The module: against loops in NumPy, its two ways to score, what it forgets in training.

The rooms: gradus.sequence.tagging.tagger, gradus.sequence.tagging.scores.
"""

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from gradus.core.batches import whole
from gradus.core.errors import UsageError
from gradus.sequence.tagging.scores import answers, confusions, per_tag, shares
from gradus.sequence.tagging.tagger import Tagger


def some(given=0, **settings):
    torch.manual_seed(0)
    model = Tagger(9, 4, 3, (6, 5), 7, given=given, **settings).double()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter.uniform_(0.5, 1.5)
        if given:
            model.given.weight.normal_()
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm1d):
                module.running_mean.normal_()
                module.running_var.uniform_(0.5, 2)
    return model.eval()


def windows(n=8, given=0):
    generator = torch.Generator().manual_seed(1)
    rows = torch.randint(0, 9, (n, 3, 2), generator=generator)
    if given:
        last = torch.randint(0, given, (n, 3, 1), generator=generator)
        rows = torch.cat([rows, last], 2)
    return rows.int()


@pytest.mark.parametrize("given", [0, 5])
def test_logits_are_those_of_the_formula(given):
    model, inputs = some(given), windows(given=given)
    state = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    for window, logits in zip(inputs.tolist(), model(inputs).detach().numpy(), strict=True):
        x = []
        for word in window:
            rows = word[:-1] if given else word
            vector = sum(state["parts.weight"][row] for row in rows)
            x += list(vector + state["given.weight"][word[-1]] if given else vector)
        h = state["first.weight"] @ np.array(x)
        for norm, dense in (("rest.0", "rest.3"), ("rest.4", "rest.7")):
            h = (h - state[f"{norm}.running_mean"]) / np.sqrt(state[f"{norm}.running_var"] + 1e-5)
            h = np.maximum(h * state[f"{norm}.weight"] + state[f"{norm}.bias"], 0)
            h = state[f"{dense}.weight"] @ h + state[f"{dense}.bias"]
        np.testing.assert_allclose(logits, h, rtol=1e-9)


@pytest.mark.parametrize("given", [0, 5])
def test_scoring_each_word_once_gives_the_same(given):
    model, inputs = some(given), windows(given=given)
    table, places = torch.unique(inputs.reshape(-1, inputs.shape[2]), dim=0, return_inverse=True)
    found = model.score(model.project(table), places.reshape(-1, 3))
    torch.testing.assert_close(found, model(inputs), rtol=1e-9, atol=1e-12)


def test_gradients_are_the_numeric_ones():
    model = some()
    weights = dict(model.named_parameters())

    def loss(*values):
        found = dict(zip(weights, values, strict=True))
        logits = torch.func.functional_call(model, found, (windows(4),))
        return torch.nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 6]))

    values = [p.detach().clone().requires_grad_() for p in weights.values()]
    unknown = values[0]  # row 0 has no gradient: it stays zero
    unknown.data[0] = 0
    nudged = values[1:]
    assert torch.autograd.gradcheck(lambda *v: loss(unknown, *v), nudged)
    torch.autograd.backward(loss(*values))
    assert not unknown.grad[0].any()
    assert unknown.grad[1:].any()


def test_what_is_unknown_adds_nothing():
    model = some()
    words = torch.tensor([[0, 0], [3, 0], [3, 3]], dtype=torch.int32)
    x = model.vectors(words)
    assert not x[0].any()
    torch.testing.assert_close(2 * x[1], x[2])


def test_in_training_some_words_are_forgotten_and_their_ends_are_not():
    model = Tagger(9, 4, 1, (6,), 3, word_dropout=0.5)
    seen = []
    model.parts.register_forward_pre_hook(lambda _, given: seen.append(given[0].clone()))
    inputs = torch.full((400, 1, 4), 5, dtype=torch.int32)
    model.train()(inputs)
    model.eval()(inputs)
    forgotten = (seen[0][:, :2] == 0).all(1)
    assert 150 < forgotten.sum() < 250
    assert (seen[0][~forgotten] == 5).all()
    assert (seen[0][:, 2:] == 5).all()
    assert (seen[1] == 5).all()
    assert (inputs == 5).all()


def test_vectors_from_elsewhere_are_not_learned():
    model = some(given=5)
    model(windows(given=5)).sum().backward()
    assert model.given.weight.grad is None
    assert model.parts.weight.grad is not None


@pytest.mark.parametrize(
    "wrong",
    [
        {"rows": 1},
        {"dimensions": 0},
        {"window": 0},
        {"hidden": ()},
        {"hidden": (0,)},
        {"tags": 0},
        {"dropout": 1.0},
        {"word_dropout": -0.1},
    ],
    ids=str,
)
def test_refused(wrong):
    settings = {"rows": 9, "dimensions": 4, "window": 3, "hidden": (6,), "tags": 7, **wrong}
    with pytest.raises(UsageError, match="must be"):
        Tagger(**settings)


# Scores -------------------------------------------------------------------------------------------


class Echo(torch.nn.Module):
    """Answers what its input says."""

    def forward(self, inputs):
        return torch.nn.functional.one_hot(inputs[:, 0, 0].long(), 4).float()


TRUE = [0, 0, 0, 1, 1, 2, -100, 0]
ANSWERED = [0, 0, 1, 1, 1, 1, 3, 0]


@pytest.fixture
def examples():
    inputs = torch.tensor(ANSWERED, dtype=torch.int32)[:, None, None]
    seen = torch.tensor([True] * 5 + [False] * 3)
    return whole((inputs, torch.tensor(TRUE), seen))


def test_scores_of_tags_are_scikit_learns(examples):
    rows = {row["tag"]: row for row in per_tag(Echo(), examples, "abcd")}
    true, answered = TRUE[:6] + TRUE[7:], ANSWERED[:6] + ANSWERED[7:]
    expected = precision_recall_fscore_support(true, answered, labels=[0, 1, 2], zero_division=0)
    for tag, *values in zip("abc", *expected, strict=True):
        row = rows[tag]
        assert [row["precision"], row["recall"], row["F1"], row["words"]] == pytest.approx(values)
    assert list(rows) == ["a", "b", "c"]  # d is neither there nor, where counted, answered
    assert [rows[t]["taken for"] for t in "abc"] == ["b", "", "b"]
    matrix = confusions(np.array(TRUE), np.array(ANSWERED), 4)
    np.testing.assert_array_equal(matrix, confusion_matrix(true, answered, labels=range(4)))


def test_shares_tell_words_that_are_new(examples):
    assert shares(Echo(), examples) == {
        "accuracy, known words": pytest.approx(4 / 5),
        "accuracy, new words": pytest.approx(1 / 3),
    }
    true, answered, _ = answers(Echo(), examples)
    assert true.tolist() == TRUE
    assert answered.tolist() == ANSWERED
