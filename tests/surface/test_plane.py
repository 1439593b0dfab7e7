import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gradus.core.errors import UsageError
from gradus.core.task import evaluate
from gradus.surface import grid
from gradus.surface.evaluation import losses_at, parameter_vector
from gradus.surface.plane import (
    Plane,
    measure_plane,
    path_directions,
    path_extents,
    random_directions,
)
from tests.surface.small import fill, small_task


def filters(model, vector):
    """The rows of each weight, and the vectors, of a flat vector."""
    at = 0
    for p in model.parameters():
        part = vector[at : at + p.numel()].reshape(p.shape)
        at += p.numel()
        yield p.detach(), part


@pytest.mark.parametrize("seed", range(5))
def test_every_filter_of_a_direction_is_as_long_as_the_models_own(seed):
    torch.manual_seed(0)
    layers = nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 4)
    model = nn.Sequential(*layers).double()
    for direction in random_directions(model, seed):
        for own, part in filters(model, direction):
            if own.ndim == 1:
                assert not part.any()
            else:
                torch.testing.assert_close(part.flatten(1).norm(dim=1), own.flatten(1).norm(dim=1))


def test_a_filter_of_zeros_stays():
    model = nn.Linear(4, 3)
    with torch.no_grad():
        model.weight[1] = 0
    directions = random_directions(model)
    assert directions.isfinite().all()
    assert not directions[:, 4:8].any()


def test_random_directions_depend_on_the_seed_alone_and_differ():
    model = nn.Linear(20, 5)
    first, second = random_directions(model, 1)
    assert torch.equal(random_directions(model, 1), torch.stack([first, second]))
    assert not torch.equal(random_directions(model, 2)[0], first)
    assert abs(torch.cosine_similarity(first, second, dim=0)) < 0.5


def test_scaling_a_relu_net_leaves_its_surface_as_it_is():
    # Why filters are normalised: the same function, written with other weights, looks the same.
    torch.manual_seed(0)
    task = small_task(nn.Sequential(nn.Linear(5, 9), nn.ReLU(), nn.Linear(9, 3)).double())
    with torch.no_grad():
        task.model[0].bias.zero_()

    def surface():
        solution = parameter_vector(task.model)
        return measure_plane(
            task, solution, random_directions(task.model), task.test(), side=5
        ).losses

    before = surface()
    with torch.no_grad():
        task.model[0].weight.mul_(7)
        task.model[2].weight.div_(7)
    np.testing.assert_allclose(surface(), before, rtol=1e-9)


def test_a_model_of_vectors_alone_has_no_random_directions():
    with pytest.raises(UsageError, match="weight matrix"):
        random_directions(nn.LayerNorm(4))


@given(st.integers(0, 10_000))
def test_the_paths_directions_are_orthonormal_and_hold_a_plane_path(seed):
    generator = torch.Generator().manual_seed(seed)
    two = torch.randn(2, 40, generator=generator, dtype=torch.float64)
    solution = torch.randn(40, generator=generator, dtype=torch.float64)
    positions = solution + torch.randn(6, 2, generator=generator, dtype=torch.float64) @ two
    found = path_directions(list(positions), solution)
    gram = found.directions @ found.directions.T
    torch.testing.assert_close(gram, torch.eye(2, dtype=torch.float64), rtol=0, atol=1e-12)
    back = solution + torch.from_numpy(found.path) @ found.directions
    torch.testing.assert_close(back, positions, rtol=1e-9, atol=1e-9)
    assert sum(found.explained) == pytest.approx(1)


def test_the_paths_directions_are_the_first_singular_vectors():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(7, 30, generator=generator, dtype=torch.float64)
    found = path_directions(list(rows), torch.zeros(30, dtype=torch.float64))
    _, lengths, axes = torch.linalg.svd(rows, full_matrices=False)
    assert abs(found.directions @ axes[:2].T).diagonal() == pytest.approx(np.ones(2))
    assert found.explained == pytest.approx((lengths[:2] ** 2 / (lengths**2).sum()).tolist())


@pytest.mark.parametrize("steps", [[0.5], [0.5, 0.25, 2.0], [0.0, 0.0]])
def test_a_path_on_a_line_has_no_plane(steps):
    solution, way = torch.ones(9), torch.arange(9.0)
    with pytest.raises(UsageError, match="take random directions"):
        path_directions([solution + s * way for s in steps], solution)


@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=9))
def test_the_extents_show_the_path_and_the_solution(points):
    path = np.array([(1.0, -2.0), *points])
    for axis, (low, high) in enumerate(path_extents(path)):
        assert low < min(0, path[:, axis].min())
        assert high > max(0, path[:, axis].max())


def test_each_point_of_the_grid_is_where_it_says():
    task = small_task()
    solution, directions = parameter_vector(task.model), random_directions(task.model)
    extents = (-1.0, 2.0), (-0.5, 0.25)
    found = measure_plane(task, solution, directions, task.test(), side=5, extents=extents)
    assert found.losses.shape == (5, 5)
    assert (found.a[0], found.a[-1], found.b[0], found.b[-1]) == (-1, 2, -0.5, 0.25)
    for row, column in ((0, 0), (1, 4), (3, 2)):
        fill(task.model, solution + found.a[column] * directions[0] + found.b[row] * directions[1])
        for name, value in evaluate(task, task.test()).items():
            assert found.values[name][row, column] == pytest.approx(value, rel=1e-7)


def test_the_middle_is_the_solution():
    task = small_task(dtype=torch.float32)
    solution, directions = parameter_vector(task.model), random_directions(task.model)
    found = measure_plane(task, solution, directions, task.test(), side=5)
    assert (found.a[2], found.b[2]) == (0, 0)
    loss = evaluate(task, task.test())["loss"]
    assert found.losses[2, 2] == pytest.approx(loss, rel=1e-6)


def test_a_plane_that_was_stopped_goes_on_to_the_same_numbers(tmp_path, monkeypatch):
    task = small_task(dtype=torch.float32)
    solution, directions = parameter_vector(task.model), random_directions(task.model)
    whole = measure_plane(task, solution, directions, task.test(), side=7)
    calls = []

    def losses(*args, first=0, **options):
        calls.append(first)
        for number, values in enumerate(losses_at(*args, first=first, **options)):
            if len(calls) < 3 and number == 2:
                raise KeyboardInterrupt
            yield values

    monkeypatch.setattr(grid, "losses_at", losses)
    monkeypatch.setattr(grid, "SAVE_SECONDS", 0.0)
    file = tmp_path / "plane.npz"
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            measure_plane(task, solution, directions, task.test(), side=7, file=file)
    rest = measure_plane(task, solution, directions, task.test(), side=7, file=file)
    assert calls == [0, 16, 32]
    assert all(np.array_equal(rest.values[n], whole.values[n]) for n in whole.values)


def test_sides_and_extents_that_cannot_be_meant_are_refused():
    task = small_task()
    solution, directions = parameter_vector(task.model), random_directions(task.model)
    for side in (1, 4):
        with pytest.raises(UsageError, match=f"side must be odd and ≥ 3.*, got {side}"):
            measure_plane(task, solution, directions, task.test(), side=side)
    with pytest.raises(UsageError, match="from a lower to a higher number, got 1 to -1"):
        measure_plane(
            task, solution, directions, task.test(), side=3, extents=((-1.0, 1.0), (1.0, -1.0))
        )


def test_of_equal_losses_the_one_nearest_the_solution_is_the_lowest():
    axis = np.linspace(-1, 1, 5)
    losses = np.ones((5, 5))
    losses[[0, 1, 4], [0, 3, 4]] = 0.5
    losses[2, 2] = np.nan
    plane = Plane(axis, axis, {"loss": losses}, np.empty((0, 2)))
    assert plane.lowest == (1, 3)
