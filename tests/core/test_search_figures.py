"""gradus.core.search_figures: what the figures of a search say; which settings matter."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gradus.core.recipe import FitConfig
from gradus.core.search_figures import figures, history, importance, parallel_coordinates, slices
from gradus.core.search_summary import Summary, Trial, importances
from gradus.core.space import Range, grid
from tests.figures import assert_readable
from tests.tiny import TINY


def summary(space, value, *, points=None, **more):
    """A study whose trials have the value that a function of their point gives."""
    points = grid(space) if points is None else points
    trials = tuple(
        Trial(n, "complete", point, value(**point), 3, 2, 0.1) for n, point in enumerate(points)
    )
    given = {"sampler": "grid", "objective": "validation/accuracy", "better": "max", **more}
    return Summary(Path("s"), TINY, FitConfig(), space, trials=trials, **given)


def with_importance(found):
    return replace(found, importance=importances(found))


def text_of(fig):
    return " ".join(t.get_text().replace("\n", " ").replace("\u00a0", " ") for t in fig.texts)


SPACE = {"lr": (0.01, 0.1), "batch_size": (10, 20, 40)}
DRAWN = {
    "lr": Range(1e-4, 1.0, log=True),
    "dropout": Range(0.0, 0.5),
    "optimizer": ("sgd", "adam"),
    "hidden": ((), (64,), (256, 256)),
    "batch_size": Range(16, 256, log=True),
}


def drawn(count=30, **more):
    """A sampled study in which the learning rate decides, with pruned and failed trials."""
    draw = np.random.default_rng(0)
    points = [
        {
            "lr": float(10 ** draw.uniform(-4, 0)),
            "dropout": float(draw.uniform(0, 0.5)),
            "optimizer": str(draw.choice(["sgd", "adam"])),
            "hidden": DRAWN["hidden"][draw.integers(3)],
            "batch_size": int(draw.integers(16, 257)),
        }
        for _ in range(count)
    ]

    def value(lr, dropout, **rest):
        return 0.9 - 0.1 * abs(np.log10(lr) + 2) - 0.02 * dropout

    found = summary(DRAWN, value, points=points, sampler="tpe", **more)
    trials = list(found.trials)
    for n in range(3, count, 7):
        trials[n] = replace(trials[n], state="pruned")
    for n in range(5, count, 11):
        trials[n] = replace(trials[n], state="failed", value=None, error="the loss became inf")
    return replace(found, trials=tuple(trials))


def test_over_a_grid_the_shares_are_the_analysis_of_variance():
    """Worked by hand: a + b has main effects only; a · b with mean 0 has none."""
    found = summary(SPACE, lambda lr, batch_size: 100 * lr + batch_size / 10)
    a, b = np.var([1, 10]), np.var([1, 2, 4])
    assert importances(found) == pytest.approx({"lr": a / (a + b), "batch_size": b / (a + b)})
    signs = {"momentum": (-1.0, 1.0), "lr": (-1.0, 1.0)}
    together = importances(summary(signs, lambda lr, momentum: lr * momentum))
    assert together == pytest.approx({"momentum": 0.0, "lr": 0.0})


def test_where_importance_cannot_be_told():
    assert importances(summary({"lr": (0.1, 0.2)}, lambda lr: lr)) == {}
    assert importances(summary(SPACE, lambda **_: 0.5)) == {}
    assert importances(drawn(9)) == {}
    failed = drawn(40)
    assert importances(replace(failed, trials=failed.trials[:1] * 12)) == {}


def test_a_forest_finds_the_setting_that_decides():
    found = drawn(60)
    shares = importances(found)
    assert next(iter(shares)) == "lr"
    assert shares["lr"] > 0.8
    assert set(shares) == set(DRAWN)
    assert sum(shares.values()) <= 1 + 1e-9
    assert importances(found) == shares, "the same forest every time"


@pytest.mark.parametrize(
    "found",
    [
        with_importance(summary(SPACE, lambda lr, batch_size: lr + batch_size / 100)),
        with_importance(drawn()),
        replace(drawn(), better="min", objective="validation/loss", sampler="random"),
        summary({"lr": (0.1,)}, lambda lr: 0.5),
        summary({f"setting_{n}": (1, 2) for n in range(10)}, lambda **_: 0.5),
        summary(
            {"lr": tuple(n / 100 for n in range(1, 41))},
            lambda lr: 10**lr,
            better="min",
            objective="validation/loss",
        ),
    ],
    ids=["grid", "drawn", "loss", "single", "many settings", "many values"],
)
def test_every_figure_is_readable(found):
    made = figures(found)
    assert set(made) >= {"history", "parallel-coordinates", "slices"}
    assert ("importance" in made) == bool(found.importance)
    for fig in made.values():
        assert_readable(fig)


def test_titles_say_what_was_found():
    found = with_importance(drawn())
    best = max((t for t in found.trials if t.state == "complete"), key=lambda t: t.value)
    title = text_of(history(found))
    assert f"Trial {best.number} is best: validation accuracy {best.value:.2%}" in title
    assert f"lr {best.point['lr']:.4g}" in title
    assert "TPE, 30 trials, 4 pruned, 3 failed, seed 0" in title
    assert "The best of 23 complete trials" in text_of(parallel_coordinates(found))
    good = sorted((t for t in found.trials if t.state == "complete"), key=lambda t: -t.value)[:6]
    rates = [t.point["lr"] for t in good]
    assert (
        f"The best 6 of 23 complete trials have lr between {min(rates):.4g} and {max(rates):.4g}"
        in text_of(slices(found))
    )
    share = 100 * found.importance["lr"]
    assert f"lr alone explains {share:.3g} % of the differences" in text_of(importance(found))
    assert "a random forest fitted to 23 complete trials" in text_of(importance(found))


def test_a_grid_names_its_values():
    found = summary(SPACE, lambda lr, batch_size: lr + batch_size / 1000)
    assert "The best 2 of 6 complete trials have lr 0.1" in text_of(slices(found))
    only = replace(found, trials=found.trials[:3])
    assert "The best of 3 complete trials has lr 0.01" in text_of(slices(only))
    assert found.best.words == "lr 0.1, batch_size 40"


def test_lines_go_through_the_settings_to_the_value():
    found = summary(SPACE, lambda lr, batch_size: lr + batch_size / 100)
    (ax,) = parallel_coordinates(found).axes
    lines = [line.get_ydata() for line in ax.get_lines() if len(line.get_ydata()) == 3]
    values = np.array([t.value for t in found.ranked[::-1]])
    expected = (values - values.min()) / (values.max() - values.min())
    assert [line[2] for line in lines] == pytest.approx(expected)
    assert lines[-1][:2] == pytest.approx([1, 1]), "the best: lr 0.1, batch_size 40, on top"
    assert {tuple(line[:2]) for line in lines} == {(x, y) for x in (0, 1) for y in (0, 0.5, 1)}
