"""The figures of chapter 9 that need no long training."""

import pytest

from gradus.agents.figures import FIGURES
from tests.figures import assert_readable


@pytest.mark.parametrize("name", ["9-4", "9-5"])
def test_figure(name):
    assert_readable(FIGURES[name]())


def test_numbers_in_the_titles_are_computed():
    def title(name):
        return FIGURES[name]().texts[0].get_text().replace("\n", " ")

    assert "a0 in S1 (7.30)" in title("9-4")
    assert "stays at +1; the 0.5-greedy one learns the way to +100" in title("9-5")
