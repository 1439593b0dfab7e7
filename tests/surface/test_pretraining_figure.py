import numpy as np
import pytest

from gradus import catalog
from gradus.core.experiment import train
from gradus.surface import figures_pretraining
from gradus.surface.figures_pretraining import STARTS
from tests.figures import assert_readable

RECIPE = catalog.recipe("mnist-deep-sigmoid")
SMALL = {"data": "digits", "validation": 200, "hidden": (24, 24, 24), "batch_size": 50, "epochs": 3}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """What the figure trains, on the small digits: (its figure, the trained runs by start)."""
    found, folder = {}, tmp_path_factory.mktemp("starts")

    def small(recipe, **settings):
        assert recipe is RECIPE
        config = recipe.configure(**{**SMALL, "pretrain_epochs": 2, **settings})
        start = "random start" if config.pretrain_epochs == 0 else "pre-trained"
        path = folder / f"{start} {config.seed}"
        found.setdefault(start, []).append(train(recipe, config, path=path, test=False))
        return found[start][-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(figures_pretraining, "trained", small)
        return figures_pretraining.pretraining(), found


def test_the_figure_shows_what_was_trained(runs):
    fig, found = runs
    assert_readable(fig)
    assert list(found) == list(STARTS)
    assert {len(seeds) for seeds in found.values()} == {figures_pretraining.SEEDS}
    accuracy, gradient = fig.axes
    heading = fig.texts[0].get_text().replace("\n", " ")
    for name, seeds in found.items():
        assert sorted(run.config.seed for run in seeds) == [0, 1, 2]
        curves = [[100 * r["validation/accuracy"] for r in run.records()] for run in seeds]
        mean = np.mean(curves, axis=0)
        (line,) = [x for x in accuracy.get_lines() if x.get_label() == name]
        assert list(line.get_ydata()) == pytest.approx(list(mean))
        assert f"{mean[-1]:.1f} %" in heading
        (line,) = [x for x in gradient.get_lines() if x.get_label() == name]
        norms = [run.info["pretraining"]["gradients"] for run in seeds]
        assert list(line.get_ydata()) == pytest.approx(np.mean(norms, axis=0).tolist())
    assert "After 3 epochs" in heading


def test_the_band_is_the_standard_error(runs):
    fig, found = runs
    first = np.array(
        [[r["validation/accuracy"] for r in x.records()] for x in found["pre-trained"]]
    )
    error = 100 * first.std(0, ddof=1) / np.sqrt(3)
    band = fig.axes[0].collections[0].get_paths()[0].vertices
    for epoch in (1, 2, 3):
        heights = band[band[:, 0] == epoch, 1]
        assert np.ptp(heights) == pytest.approx(2 * error[epoch - 1], abs=1e-6)


def test_equal_epochs_and_the_recipes_own_settings():
    configs = [RECIPE.configure(**settings) for settings in STARTS.values()]
    assert len({config.epochs for config in configs}) == 1
    assert [config.pretrain_epochs > 0 for config in configs] == [True, False]
