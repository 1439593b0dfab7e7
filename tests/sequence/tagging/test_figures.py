"""The book's figures of tagging that need no data, and those of a run.

The rooms: gradus.sequence.tagging.figures, gradus.sequence.tagging.run_figures.
"""

import numpy as np
import pytest

from gradus.core.run import Run
from gradus.sequence.tagging.figures import FIGURES, rests_on
from gradus.sequence.tagging.run_figures import RUN
from tests.figures import assert_readable


@pytest.mark.parametrize("name", RUN)
def test_figures_of_a_run_are_readable(run: Run, name):
    assert_readable(RUN[name](run))


def test_figure_7_3_is_readable(run: Run, monkeypatch):
    monkeypatch.setattr("gradus.sequence.tagging.figures.trained", lambda *_, **__: run)
    fig = FIGURES["7-3"]()
    assert_readable(fig)
    assert "of what the tags rest on" in fig.texts[0].get_text()


def test_figure_7_2_is_readable(run: Run, monkeypatch):
    monkeypatch.setattr("gradus.sequence.tagging.figures.trained", lambda *_, **__: run)
    assert_readable(FIGURES["7-2"]())


def test_tags_rest_on_the_words_of_the_window_alone(tagger):
    words = ["the", "dref", "soaned", "a", "blick", "."]
    falls, tags = rests_on(tagger, words)
    assert tags == [tag for tag, _ in tagger.tag([words])[0]]
    rows, columns = np.nonzero(np.isfinite(falls))
    assert set(rows - columns) == {0, 1, 2}
    assert np.isfinite(falls).sum() == 6 + 5 + 4
