import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy

from gradus.core.errors import UsageError
from gradus.core.task import evaluate
from gradus.surface import evaluation
from gradus.surface.evaluation import chunk_size, losses_at, parameter_vector
from tests.surface.small import classify, fill, small_task


def all_at(task, coordinates, basis, **options):
    chunks = list(losses_at(task, task.test(), coordinates, basis, **options))
    return {name: np.concatenate([c[name] for c in chunks]) for name in chunks[0]}


@torch.no_grad()
def naive(task, coordinates, basis):
    """The mean over all examples with each point's parameters put into the model."""
    kept, training = parameter_vector(task.model), task.model.training
    task.model.eval()
    found = {"loss": [], "accuracy": []}
    for point in torch.from_numpy(coordinates).to(basis) @ basis:
        fill(task.model, point)
        sums = {"loss": 0.0, "accuracy": 0.0}
        for batch, _ in task.test().epoch(0):
            loss, metrics = task.loss(task.model, batch)
            sums["loss"] += loss.item() * len(batch[0])
            sums["accuracy"] += metrics["accuracy"]().double().sum().item()
        for name, value in sums.items():
            found[name].append(value / task.test().examples)
    fill(task.model, kept)
    task.model.train(training)
    return {name: np.array(values) for name, values in found.items()}


def random_points(task, points=11, k=2, seed=0):
    generator = torch.Generator().manual_seed(seed)
    theta = parameter_vector(task.model)
    basis = torch.randn(k, len(theta), generator=generator).to(theta)
    return torch.rand(points, k, generator=generator, dtype=torch.float64).numpy(), basis


def assert_same(found, expected, tolerance):
    assert found.keys() == expected.keys()
    for name in expected:
        np.testing.assert_allclose(found[name], expected[name], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("method", ["auto", "vmap", "loop"])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_the_losses_are_those_of_the_model_with_the_parameters_put_in(method, dtype, tolerance):
    task = small_task(dtype=dtype)
    coordinates, basis = random_points(task)
    expected = naive(task, coordinates, basis)
    assert expected["loss"].std() > 0.1
    assert_same(all_at(task, coordinates, basis, method=method), expected, tolerance)


def test_the_numbers_are_those_of_evaluate():
    task = small_task(dtype=torch.float32)
    theta = parameter_vector(task.model)
    found = all_at(task, np.ones((1, 1)), theta[None])
    assert {n: v[0] for n, v in found.items()} == pytest.approx(evaluate(task, task.test()))


@pytest.mark.parametrize("method", ["vmap", "loop"])
def test_a_metric_may_be_a_mean_already(method):
    def loss(model, batch):
        value, metrics = classify(model, batch)
        return value, {"accuracy": lambda: metrics["accuracy"]().double().mean()}

    coordinates, basis = random_points(small_task())
    expected = all_at(small_task(), coordinates, basis, method=method)
    found = all_at(small_task(loss=loss), coordinates, basis, method=method)
    assert_same(found, expected, 1e-6)


def test_the_models_parameters_and_modes_stay_as_they_were():
    task = small_task()
    task.model.train()
    task.model[1].eval()
    before, modes = parameter_vector(task.model), [m.training for m in task.model.modules()]
    all_at(task, *random_points(task))
    assert torch.equal(parameter_vector(task.model), before)
    assert [m.training for m in task.model.modules()] == modes


def convolutional():
    layers = nn.Unflatten(1, (1, 5)), nn.Conv1d(1, 4, 3), nn.BatchNorm1d(4), nn.ReLU()
    return nn.Sequential(*layers, nn.Dropout(0.5), nn.Flatten(), nn.Linear(12, 3))


class Recurrent(nn.Module):
    """vmap cannot follow torch's LSTM."""

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTM(1, 4, batch_first=True)
        self.output = nn.Linear(4, 3)

    def forward(self, x):
        return self.output(self.cell(x[..., None])[0][:, -1])


class Tied(nn.Module):
    """One weight in two places."""

    def __init__(self):
        super().__init__()
        self.code = nn.Linear(5, 5, bias=False)
        self.decode = nn.Linear(5, 5, bias=False)
        self.decode.weight = self.code.weight

    def forward(self, x):
        return self.decode(torch.tanh(self.code(x)))


@pytest.mark.parametrize("method", ["auto", "vmap", "loop"])
@pytest.mark.parametrize("build", [convolutional, Recurrent, Tied])
def test_any_model_will_do(build, method):
    torch.manual_seed(1)
    task = small_task(build().double())
    for _ in range(3):  # batch normalisation gets means of its own
        task.model(task.test().tensors[0])
    coordinates, basis = random_points(task)
    expected = naive(task, coordinates, basis)
    assert_same(all_at(task, coordinates, basis, method=method), expected, 1e-9)


def test_batch_normalisation_in_training_mode_is_not_touched():
    task = small_task(convolutional().double().train())
    before = {k: v.clone() for k, v in task.model.state_dict().items()}
    all_at(task, *random_points(task))
    assert all(torch.equal(before[k], v) for k, v in task.model.state_dict().items())


def test_a_loss_that_asks_for_values_falls_back_to_the_loop():
    def loss(model, batch):
        value, metrics = classify(model, batch)
        return (value * 2 if value.item() > 1 else value), metrics

    task = small_task(loss=loss)
    coordinates, basis = random_points(task)
    assert_same(all_at(task, coordinates, basis), naive(task, coordinates, basis), 1e-12)


def test_a_fault_of_the_models_own_is_told():
    task = small_task(
        loss=lambda model, batch: (cross_entropy(model(batch[0][:, :4]), batch[1]), {})
    )
    with pytest.raises(RuntimeError, match="shape"):
        all_at(task, *random_points(task))


def test_frozen_parameters_are_no_coordinates():
    task = small_task()
    task.model[0].weight.requires_grad_(False)
    assert len(parameter_vector(task.model)) == 203 - 60
    coordinates, basis = random_points(task)
    assert_same(all_at(task, coordinates, basis), naive(task, coordinates, basis), 1e-12)


def test_a_basis_of_another_model_is_refused():
    with pytest.raises(UsageError, match=r"must have the model's 203 parameters, got 7"):
        all_at(small_task(), np.ones((1, 1)), torch.zeros(1, 7))


@given(first=st.integers(0, 4), points=st.integers(1, 40))
def test_points_come_in_the_same_chunks_wherever_one_begins(first, points):
    task = small_task(n=6, batch_size=6)
    size = chunk_size(task.model)
    coordinates, basis = random_points(task, points=first * size + points)
    whole = all_at(task, coordinates, basis)
    rest = all_at(task, coordinates, basis, first=first * size)
    assert all(np.array_equal(rest[name], whole[name][first * size :]) for name in whole)


def test_the_memory_of_a_chunk_is_bounded(monkeypatch):
    model = nn.Linear(1000, 1000, bias=False)
    assert chunk_size(model) == evaluation.CHUNK
    monkeypatch.setattr(evaluation, "CHUNK_BYTES", 3 * 4 * 1000**2 + 5)
    assert chunk_size(model) == 3
    monkeypatch.setattr(evaluation, "CHUNK_BYTES", 1)
    assert chunk_size(model) == 1


def test_batches_of_unequal_size_weigh_by_their_examples():
    task = small_task(n=14, batch_size=13)  # the last batch has one example
    theta = parameter_vector(task.model)
    (loss,) = all_at(task, np.ones((1, 1)), theta[None])["loss"]
    x, y = task.test().tensors
    assert loss == pytest.approx(cross_entropy(task.model(x), y).item(), rel=1e-12)
