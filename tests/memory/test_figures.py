"""The figures of chapter 8 that need no training; those that do are drawn of the smoke runs."""

import pytest

from gradus.memory.figures import FIGURES
from tests.figures import assert_readable


@pytest.mark.parametrize("name", ["8-3", "8-4", "8-11"])
def test_figure(name):
    assert_readable(FIGURES[name]())


def test_numbers_in_the_titles_are_computed():
    assert "gets 0.8 of the allocation" in FIGURES["8-11"]().texts[0].get_text().replace("\n", " ")
    assert "lowers it to 0.48" in FIGURES["8-4"]().texts[0].get_text().replace("\n", " ")
