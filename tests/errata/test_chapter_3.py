"""What chapter 3 of the book has, beside what is right. The page is docs/errata.md.

TensorFlow 1 no longer installs, so the listings' statements are replayed in Python, NumPy, PyTorch.
"""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional


@pytest.fixture
def rng():
    return np.random.default_rng(3)


def run(source):
    names = {}
    exec(source, names)
    return names


# Wrong


def test_the_first_session_multiplies_a_name_that_was_never_bound():
    with pytest.raises(NameError, match="'b' is not defined"):
        run("a = 2\na = 2\nproduct = a * b")
    assert run("a = 2\na = 2\nproduct = a * a")["product"] == 4  # printed: 6
    assert run("a = 2\nb = 3\nproduct = a * b")["product"] == 6


def test_an_import_takes_no_parentheses():
    with pytest.raises(SyntaxError):
        compile("from math import sqrt()", "listing", "exec")
    assert run("from math import sqrt")["sqrt"](9) == 3


def softmax(z):
    return np.exp(z - z.max()) / np.exp(z - z.max()).sum()


def test_the_listings_weight_matrix_stands_on_the_right(rng):
    weight, bias, x = rng.normal(size=(784, 10)), rng.normal(size=10), rng.normal(size=(5, 784))
    with pytest.raises(ValueError, match="mismatch"):
        softmax(weight @ x[0] + bias)  # the formula as printed, with the listing's W
    batch = x @ weight + bias  # the listing
    for row, example in zip(batch, x, strict=True):
        assert row == pytest.approx(weight.T @ example + bias, rel=1e-9)  # chapter 1's form


def test_the_logistic_listing_throws_its_initialiser_away():
    builder = "def constant(value):\n    return lambda shape: [value] * shape\n"
    with pytest.raises(NameError, match="'init' is not defined"):
        run(builder + "constant(0)\nW = init(10)")
    assert run(builder + "init = constant(0)\nW = init(10)")["W"] == [0] * 10


def cross_entropy_as_printed(logits, labels):
    return -(labels * torch.log(torch.softmax(logits, dim=1))).sum(dim=1).mean()


def test_the_logarithm_of_a_softmax_breaks_where_their_union_does_not():
    logits = torch.tensor([[0.0, 200.0]], requires_grad=True)
    sure_and_right, sure_and_wrong = torch.tensor([[0.0, 1.0]]), torch.tensor([[1.0, 0.0]])
    assert cross_entropy_as_printed(logits, sure_and_right).isnan()  # 0 · log 0
    assert cross_entropy_as_printed(logits, sure_and_wrong).isinf()
    (broken,) = torch.autograd.grad(cross_entropy_as_printed(logits, sure_and_wrong), logits)
    assert broken.isnan().all()

    assert functional.cross_entropy(logits, sure_and_right) == 0
    assert functional.cross_entropy(logits, sure_and_wrong) == 200
    (gradient,) = torch.autograd.grad(functional.cross_entropy(logits, sure_and_wrong), logits)
    assert gradient.tolist() == [[-1, 1]]


def test_where_nothing_underflows_both_forms_are_equal():
    logits = torch.randn(6, 10, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    labels = torch.eye(10, dtype=torch.float64)[:6]
    printed = cross_entropy_as_printed(logits, labels)
    torch.testing.assert_close(functional.cross_entropy(logits, labels), printed)


def test_a_relu_on_the_output_layer_silences_it():
    label = torch.tensor([3])
    z = torch.full((1, 10), -1.0, requires_grad=True)  # a start as likely as any other
    printed = functional.cross_entropy(torch.relu(z), label)
    (gradient,) = torch.autograd.grad(printed, z)
    assert printed.item() == pytest.approx(math.log(10))
    assert torch.count_nonzero(gradient) == 0  # this example teaches nothing, ever

    (gradient,) = torch.autograd.grad(functional.cross_entropy(z, label), z)
    assert gradient[0, 3].item() == pytest.approx(-0.9)

    # And no class can be argued down: its logit stops at 0.
    z = torch.tensor([[4.0, -50.0]])
    assert torch.softmax(torch.relu(z), dim=1)[0, 1] > 0.01
    assert torch.softmax(z, dim=1)[0, 1] < 1e-20


def test_the_uniform_initialiser_is_that_of_the_scopes_and_130_times_too_wide():
    he, uniform = 2 / 784, (1 - (-1)) ** 2 / 12  # variances
    assert uniform / he == pytest.approx(130.67, abs=0.01)

    def spread(initialise):
        torch.manual_seed(0)
        layers = [nn.Linear(n, m, bias=False) for n, m in ((784, 256), (256, 256), (256, 10))]
        h = torch.rand(100, 784)
        for layer in layers:
            initialise(layer.weight)
            h = torch.relu(h) @ layer.weight.T
        return h.std().item()

    assert spread(lambda w: nn.init.kaiming_normal_(w, nonlinearity="relu")) < 3
    assert spread(lambda w: nn.init.uniform_(w, -1, 1)) > 300


def test_the_cost_is_logged_once_an_epoch_for_its_last_minibatch_only(rng):
    """The listing's loop, with its summary where it is printed: after the minibatches."""
    costs = rng.normal(1, 0.2, size=(5, 550))
    printed, right = [], []
    for epoch in costs:
        for cost in epoch:
            right.append(cost)
        printed.append(cost)
    assert (len(printed), len(right)) == (5, 2750)
    assert printed == [epoch[-1] for epoch in costs]
    assert np.std(printed) > 5 * np.std(costs.mean(axis=1))  # one minibatch is no epoch


# To be read with care


def test_the_cost_of_the_listing_is_measured_after_the_update_on_the_same_minibatch():
    torch.manual_seed(0)
    model = nn.Linear(20, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    x, y = torch.randn(100, 20), torch.randint(10, (100,))
    before = functional.cross_entropy(model(x), y)
    before.backward()
    optimizer.step()
    after = functional.cross_entropy(model(x), y)
    assert after < before


def test_zeros_start_a_softmax_regression_but_no_hidden_layer():
    x, y = torch.rand(50, 8), torch.arange(50) % 3

    def gradients(*layers):
        net = nn.Sequential(*layers)
        for parameter in net.parameters():
            nn.init.zeros_(parameter)
        functional.cross_entropy(net(x), y).backward()
        return [p.grad.abs().max().item() for p in net.parameters() if p.ndim == 2]

    assert gradients(nn.Linear(8, 3))[0] > 0
    assert gradients(nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3)) == [0, 0]


def test_the_net_of_the_variable_scopes_is_one_linear_layer(rng):
    shapes = ((784, 100), (100, 50), (50, 10))
    weights = [rng.uniform(-1, 1, size=shape) for shape in shapes]
    x = rng.normal(size=(7, 784))
    three = x @ weights[0] @ weights[1] @ weights[2]
    one = x @ (weights[0] @ weights[1] @ weights[2])
    assert three == pytest.approx(one, rel=1e-9)


# Right


def test_nearly_30_percent_of_4_digit_checks_go_wrong():
    all_four_right = (1 - 0.081) ** 4
    assert 1 - all_four_right == pytest.approx(0.287, abs=5e-4)


def test_from_8_1_to_1_8_percent_is_nearly_78_percent_less():
    before, after = 8.1, 100 - 98.2
    assert (before - after) / before == pytest.approx(0.778, abs=5e-4)
