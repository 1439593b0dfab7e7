import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import DataError, UsageError
from gradus.core.task import evaluate
from gradus.surface import grid, interpolation
from gradus.surface.evaluation import losses_at, parameter_vector
from gradus.surface.interpolation import Interpolation, alpha_grid, interpolate
from tests.surface.small import fill, small_task


@pytest.fixture
def task():
    return small_task(dtype=torch.float32)


def ends_of(task, seed=0):
    generator = torch.Generator().manual_seed(seed)
    solution = parameter_vector(task.model)
    return torch.randn(len(solution), generator=generator).to(solution), solution


def test_alpha_0_is_the_start_and_alpha_1_the_solution(task):
    start, solution = ends_of(task)
    found = interpolate(task, start, solution, np.array([-0.5, 0.0, 1.0]), task.test())
    at_solution = evaluate(task, task.test())
    fill(task.model, start)
    at_start = evaluate(task, task.test())
    for name in ("loss", "accuracy"):
        assert found.values[name][1] == pytest.approx(at_start[name], rel=1e-6)
        assert found.values[name][2] == pytest.approx(at_solution[name], rel=1e-6)
    assert abs(at_start["loss"] - at_solution["loss"]) > 0.1


def test_together_and_one_by_one_are_equal(task):
    start, solution = ends_of(task)
    alphas = alpha_grid(-2, 2, 23)
    both = [
        interpolate(task, start, solution, alphas, task.test(), method=method)
        for method in ("vmap", "loop")
    ]
    for name in ("loss", "accuracy"):
        np.testing.assert_allclose(both[0].values[name], both[1].values[name], rtol=1e-5)


@given(low=st.floats(-5, 5), width=st.floats(0.01, 5), points=st.integers(2, 50))
def test_the_grid_rises_from_end_to_end_and_holds_start_and_solution(low, width, points):
    alphas = alpha_grid(low, low + width, points)
    assert (alphas[0], alphas[-1]) == (low, low + width)
    assert (np.diff(alphas) > 0).all()
    assert points <= len(alphas) <= points + 2
    assert all((end in alphas) == (low <= end <= low + width) for end in (0, 1))


@pytest.mark.parametrize(
    ("low", "high", "points", "words"),
    [
        (2, -2, 400, "from a lower to a higher number, got 2 to -2"),
        (1, 1, 400, "from a lower to a higher number"),
        (0, float("nan"), 400, "from a lower to a higher number"),
        (-2, 2, 1, "points must be ≥ 2, got 1"),
    ],
)
def test_a_range_that_cannot_be_meant_is_refused(low, high, points, words):
    with pytest.raises(UsageError, match=words):
        alpha_grid(low, high, points)


@pytest.mark.parametrize("alphas", [[1.0, 0.0], [0.0, 0.0], [0.0, np.inf], []])
def test_alphas_must_rise(task, alphas):
    with pytest.raises(UsageError, match="rise"):
        interpolate(task, *ends_of(task), np.array(alphas, dtype=float), task.test())


def test_start_and_solution_must_be_of_this_model(task):
    start, solution = ends_of(task)
    with pytest.raises(UsageError, match=r"the model's 203 parameters, got 202"):
        interpolate(task, start[1:], solution[1:], alpha_grid(), task.test())


def line(losses, alphas=None):
    alphas = np.linspace(-1, 2, len(losses)) if alphas is None else np.array(alphas, dtype=float)
    return Interpolation(alphas, {"loss": np.array(losses, dtype=float)})


@pytest.mark.parametrize("losses", [[9, 4, 3, 2, 5, 8], [9, 4, 1, 2, 5, 8], [9, 2, 3, 4, 5, 6]])
def test_a_loss_that_falls_and_then_rises_has_no_barrier(losses):
    way = line(losses, [-1, 0, 0.5, 1, 1.5, 2])
    assert (way.hill, way.barrier) == (0, False)


def test_the_hill_is_what_stands_between_two_lower_places():
    way = line([9, 4, 1, 3, 2, 2.5, 0, 8], [-1, 0, 0.2, 0.4, 0.6, 0.8, 1, 2])
    assert (way.hill, way.barrier) == (2, True)
    way = line([4, 1, 3, 2.5, 8], [0, 0.2, 0.4, 1, 2])  # half a unit down on its far side
    assert (way.hill, way.barrier) == (0.5, True)


@given(st.lists(st.floats(0, 10), min_size=1, max_size=12))
def test_the_hill_is_the_highest_by_search(losses):
    n = range(len(losses))
    triples = ((losses[i], losses[j], losses[k]) for j in n for i in n[: j + 1] for k in n[j:])
    expected = max(min(top - before, top - after) for before, top, after in triples)
    assert line(losses, np.linspace(0, 1, len(losses) + 1)[1:]).hill == pytest.approx(expected)


def test_a_hill_below_1_percent_is_no_barrier():
    assert not line([4, 1, 1.02, 0], [0, 0.3, 0.6, 1]).barrier
    assert line([4, 1, 1.05, 0], [0, 0.3, 0.6, 1]).barrier


def test_a_loss_that_is_not_finite_on_the_way_is_a_barrier():
    assert line([4, np.nan, 0], [0, 0.5, 1]).barrier


def test_a_line_that_leaves_start_and_solution_out_has_no_barrier():
    assert not line([4, 8], [2, 3]).barrier


# The file that grows


class Stop(Exception):
    pass


def interrupted_after(chunks):
    def losses(*args, **options):
        for number, values in enumerate(losses_at(*args, **options)):
            if number == chunks:
                raise Stop
            yield values

    return losses


@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_what_was_stopped_goes_on_and_ends_in_the_same_numbers(task, tmp_path, monkeypatch, chunks):
    start, solution = ends_of(task)
    alphas, file = alpha_grid(-1, 1.5, 37), tmp_path / "deep" / "line.npz"
    whole = interpolate(task, start, solution, alphas, task.test())
    monkeypatch.setattr(grid, "SAVE_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(grid, "losses_at", interrupted_after(chunks))
        with pytest.raises(Stop):
            interpolate(task, start, solution, alphas, task.test(), file=file)
    assert file.exists() == (chunks > 0)

    begun = []

    class Listener:
        def begin(self, total, done, what):
            begun.append((total, done))

        def step(self, loss):
            begun.append(loss)

        def end(self):
            begun.append("end")

        def epoch(self, record, epochs): ...

        def note(self, text): ...

    def again():
        begun.clear()
        return interpolate(
            task, start, solution, alphas, task.test(), file=file, reporter=Listener()
        )

    rest = again()
    assert begun[0] == (39, 8 * chunks)
    assert begun[1:] == [*whole.losses[8 * chunks :], "end"]
    assert all(np.array_equal(rest.values[n], whole.values[n]) for n in whole.values)
    assert np.array_equal(np.load(file)["loss"], whole.losses)

    kept = again()  # nothing is left to do
    assert begun == [(39, 39), "end"]
    assert all(np.array_equal(kept.values[n], whole.values[n]) for n in whole.values)


def test_a_file_of_other_points_or_other_weights_is_replaced(task, tmp_path):
    start, solution = ends_of(task)
    file = tmp_path / "line.npz"

    def measure(alphas, solution=solution):
        return interpolate(task, start, solution, alphas, task.test(), file=file).losses

    alphas, others = alpha_grid(0, 1, 9), alpha_grid(0, 2, 11)
    first = measure(alphas)
    assert len(measure(others)) == 11
    assert np.array_equal(measure(alphas), first)
    assert not np.array_equal(measure(alphas, solution * 1.01), first)


def test_a_damaged_file_is_named(task, tmp_path):
    file = tmp_path / "line.npz"
    interpolate(task, *ends_of(task), alpha_grid(0, 1, 9), task.test(), file=file)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(DataError, match=r"line\.npz is damaged .*: delete it"):
        interpolate(task, *ends_of(task), alpha_grid(0, 1, 9), task.test(), file=file)


def test_the_barriers_share_is_what_the_words_say():
    assert interpolation.BARRIER == 0.01
