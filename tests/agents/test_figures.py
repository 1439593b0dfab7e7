"""The figures of chapter 9 that need no long training."""

import pytest

from gradus.agents.explore import BOOK
from gradus.agents.figures import FIGURES, compare_explorations, draw_explorations
from tests.figures import assert_readable


@pytest.mark.parametrize("name", ["9-4", "9-5"])
def test_figure(name):
    assert_readable(FIGURES[name]())


def test_numbers_in_the_titles_are_computed():
    def title(name):
        return FIGURES[name]().texts[0].get_text().replace("\n", " ")

    assert "a0 in S1 (7.30)" in title("9-4")
    assert "stays at +1; the 0.5-greedy one learns the way to +100" in title("9-5")


def test_eight_explorations_are_compared_by_one_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gradus.core.experiment.write_report", lambda run: None)
    monkeypatch.setattr("gradus.core.run.Run.figures", lambda run: {})
    found = compare_explorations(2, epochs=2, steps=8, test_episodes=1)
    assert list(found) == list(BOOK)
    assert all(runs.shape == (2, 2) and (runs > 1).all() for runs in found.values())
    assert_readable(draw_explorations(found, 8))
