import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy

from gradus.core.errors import UsageError
from gradus.core.task import evaluate
from gradus.surface.curvature import curvature_along, expand, expand_task, gradient_step
from gradus.surface.evaluation import parameter_vector
from tests.surface.small import dense_hessian, fill, quadratic, small_task


def symmetric(n, seed):
    generator = torch.Generator().manual_seed(seed)
    matrix = torch.randn(n, n, generator=generator, dtype=torch.float64)
    return (matrix + matrix.T) / 2


def noise(n, seed):
    return torch.randn(n, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def task():
    return small_task()


@pytest.fixture(scope="module")
def expansion(task):
    return expand_task(task, task.test())


def forward_over_reverse(task, v):
    """Hv by torch.func: the derivative of the gradient along v."""
    names = [name for name, _ in task.model.named_parameters()]
    parameters = [p.detach() for p in task.model.parameters()]
    x, y = task.test().tensors

    def loss(*values):
        named = dict(zip(names, values, strict=True))
        return cross_entropy(torch.func.functional_call(task.model, named, (x,)), y)

    parts = v.split([p.numel() for p in parameters])
    tangents = tuple(part.reshape(p.shape) for part, p in zip(parts, parameters, strict=True))
    gradient = torch.func.grad(loss, argnums=tuple(range(len(names))))
    _, found = torch.func.jvp(gradient, tuple(parameters), tangents)
    return torch.cat([part.reshape(-1) for part in found])


def test_the_value_and_the_gradient_are_those_of_the_mean_loss(task, expansion):
    x, y = task.test().tensors
    loss = cross_entropy(task.model(x), y)
    gradient = torch.autograd.grad(loss, list(task.model.parameters()))
    assert expansion.value == pytest.approx(loss.item(), rel=1e-12)
    assert expansion.value == pytest.approx(evaluate(task, task.test())["loss"], rel=1e-12)
    torch.testing.assert_close(expansion.gradient, torch.cat([g.reshape(-1) for g in gradient]))
    assert expansion.gradient_norm == pytest.approx(expansion.gradient.norm().item())


def test_products_are_those_of_the_dense_hessian(task, expansion):
    hessian = dense_hessian(task, task.test())
    for seed in range(5):
        v = noise(203, seed)
        torch.testing.assert_close(expansion.product(v), hessian @ v, rtol=1e-9, atol=1e-12)


# torch itself calls torch.jit.script when it first takes a derivative forwards.
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
def test_going_back_twice_equals_forward_over_reverse(task, expansion):
    v = noise(203, 1)
    torch.testing.assert_close(
        expansion.product(v), forward_over_reverse(task, v), rtol=1e-9, atol=1e-12
    )


def test_products_are_the_differences_of_gradients():
    task = small_task()
    theta, v, h = parameter_vector(task.model), noise(203, 2), 1e-5
    expected = expand_task(task, task.test()).product(v)
    gradients = []
    for sign in (1, -1):
        fill(task.model, theta + sign * h * v)
        gradients.append(expand_task(task, task.test()).gradient)
    torch.testing.assert_close(
        (gradients[0] - gradients[1]) / (2 * h), expected, rtol=1e-6, atol=1e-8
    )


def test_dropout_is_off_and_batch_normalisation_keeps_its_means():
    torch.manual_seed(0)
    layers = nn.Linear(5, 6), nn.BatchNorm1d(6), nn.Tanh(), nn.Dropout(0.5), nn.Linear(6, 3)
    task = small_task(nn.Sequential(*layers).double().train())
    before = {k: v.clone() for k, v in task.model.state_dict().items()}
    expansion = expand_task(task, task.test())
    v = noise(len(expansion.gradient), 0)
    assert torch.equal(expansion.product(v), expansion.product(v))
    assert task.model.training
    assert all(torch.equal(before[k], w) for k, w in task.model.state_dict().items())
    assert all(p.grad is None for p in task.model.parameters())


def test_a_recurrent_net_has_products_too():
    class Recurrent(nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = nn.LSTM(1, 4, batch_first=True)
            self.output = nn.Linear(4, 3)

        def forward(self, x):
            return self.output(self.cell(x[..., None])[0][:, -1])

    torch.manual_seed(0)
    task = small_task(Recurrent().double())
    theta = parameter_vector(task.model)
    v, h, gradients = noise(len(theta), 0), 1e-5, []
    expected = expand_task(task, task.test()).product(v)
    for sign in (1, -1):
        fill(task.model, theta + sign * h * v)
        gradients.append(expand_task(task, task.test()).gradient)
    torch.testing.assert_close(
        (gradients[0] - gradients[1]) / (2 * h), expected, rtol=1e-6, atol=1e-8
    )


def test_a_linear_loss_has_no_curvature():
    expansion = expand(lambda x: 3 * x.sum() + 1, noise(4, 0))
    assert expansion.gradient.tolist() == [3, 3, 3, 3]
    assert expansion.product(noise(4, 1)).tolist() == [0, 0, 0, 0]


def test_parameters_that_the_loss_does_not_reach_count_as_flat():
    task = small_task()
    task.model.register_parameter("idle", nn.Parameter(torch.ones(2, dtype=torch.float64)))
    expansion = expand_task(task, task.test())
    idle = slice(0, 2)  # a module's own parameters come before those of its parts
    assert expansion.gradient[idle].tolist() == [0, 0]
    assert expansion.product(noise(205, 0))[idle].tolist() == [0, 0]
    assert expansion.gradient[2:].all()


@given(seed=st.integers(0, 1000), scale=st.floats(0.01, 100))
def test_the_curvature_along_a_direction_is_that_of_its_unit_vector(seed, scale):
    matrix, d = symmetric(5, seed), noise(5, seed + 1)
    unit = d / d.norm()
    found = curvature_along(expand(quadratic(matrix), noise(5, seed + 2)), scale * d)
    assert found == pytest.approx((unit @ matrix @ unit).item(), rel=1e-9, abs=1e-9)


def test_the_curvature_is_the_second_derivative_along_the_line(task, expansion):
    d = noise(203, 4)
    d, h, x = d / d.norm(), 1e-4, parameter_vector(task.model)
    other = small_task()
    losses = []
    for t in (-h, 0, h):
        fill(other.model, x + t * d)
        losses.append(evaluate_exactly(other))
    second = (losses[0] - 2 * losses[1] + losses[2]) / h**2
    assert curvature_along(expansion, d) == pytest.approx(second, rel=1e-4)


def evaluate_exactly(task):
    x, y = task.test().tensors
    return cross_entropy(task.model(x), y).item()


@pytest.mark.parametrize(
    ("direction", "words"),
    [(torch.zeros(3), "not be zero"), (torch.ones(4), "must have 3 numbers, got 4")],
)
def test_directions_that_lead_nowhere_are_refused(direction, words):
    with pytest.raises(UsageError, match=words):
        curvature_along(expand(quadratic(torch.eye(3)), torch.ones(3)), direction)


@given(seed=st.integers(0, 1000))
def test_the_prediction_is_exact_on_quadratics(seed):
    matrix, slope, x = symmetric(6, seed), noise(6, seed + 1), noise(6, seed + 2)
    function = quadratic(matrix, slope)
    expansion = expand(function, x)
    rates = np.linspace(-2, 2, 9)
    expected = [function(x - rate * expansion.gradient).item() for rate in rates]
    np.testing.assert_allclose(
        gradient_step(expansion).predict(rates), expected, rtol=1e-9, atol=1e-9
    )


@given(seed=st.integers(0, 1000))
def test_the_best_step_ends_lowest_along_the_gradient(seed):
    matrix = symmetric(6, seed)
    matrix = matrix @ matrix + 0.1 * torch.eye(6)  # curves up in every direction
    function, x = quadratic(matrix, noise(6, seed + 1)), noise(6, seed + 2)
    expansion = expand(function, x)
    rate = gradient_step(expansion).best
    ends = [function(x - r * expansion.gradient).item() for r in (0.99 * rate, rate, 1.01 * rate)]
    assert ends[1] < min(ends[0], ends[2])
    there = expand(function, x - rate * expansion.gradient)
    overlap = (there.gradient @ expansion.gradient).item() / expansion.gradient_norm**2
    assert overlap == pytest.approx(0, abs=1e-9)  # nothing is left to gain along g


def test_the_best_step_by_hand():
    # E = ½(x² + 9y²) at (3, 1): g = (3, 9), gᵀg = 90, gᵀHg = 9 + 729 = 738.
    expansion = expand(quadratic(torch.diag(torch.tensor([1.0, 9.0]))), torch.tensor([3.0, 1.0]))
    assert expansion.value == 9
    step = gradient_step(expansion)
    assert (step.value, step.slope, step.bend) == (9, 90, 738)
    assert step.best == pytest.approx(90 / 738)
    assert step.predict(np.array([0.1]))[0] == pytest.approx(9 - 9 + 0.005 * 738)


def test_without_curvature_up_there_is_no_best_step():
    point = torch.tensor([1.0, 1.0])
    assert gradient_step(expand(quadratic(-torch.eye(2)), point)).best == np.inf
    assert gradient_step(expand(lambda x: x.sum(), point)).best == np.inf
    assert np.isnan(gradient_step(expand(quadratic(torch.eye(2)), torch.zeros(2))).best)
