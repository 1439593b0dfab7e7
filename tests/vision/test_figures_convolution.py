"""Figures on convolution and pooling: readable, and their words are what was computed."""

import functools
import re

import pytest

from gradus.vision.architectures import ARCHITECTURES
from gradus.vision.figures import FIGURES
from gradus.vision.toy import worked_example
from tests.figures import assert_readable
from tests.vision.test_vgg import PARAMETERS

SMALL = ("one convolution", "two convolutions")
NAMES = ["5-3", "5-5", "5-6", "5-11", "5-12", "5-13", "5-14"]


@functools.cache
def drawn(name):
    return FIGURES[name]()


def heading(name):
    return drawn(name).texts[0].get_text().replace("\n", " ")


@pytest.mark.parametrize("name", NAMES)
def test_it_is_readable(name):
    assert_readable(drawn(name))


def written(name):
    return [text.get_text() for ax in drawn(name).axes for text in ax.texts]


def test_headings_say_what_was_counted():
    assert re.findall(r"\d[\d,]*", heading("5-3")) == ["200", "200", "120,000", "5", "5", "75"]
    assert heading("5-5") == "A toy image: 23 of 121 pixels are black"
    assert re.findall(r"\d+", heading("5-6")) == ["8", "3"]
    assert heading("5-11").endswith("is 1 = (−1) + 1 + 0 + bias 1")
    assert heading("5-12").endswith("is −2 = 0 + (−1) + (−2) + bias 1")
    assert re.findall(r"\d+", heading("5-13")) == ["49", "9", "9", "25"]
    assert heading("5-14").startswith("From 63,562 parameters")
    assert f"{PARAMETERS[19, False]:,}" in heading("5-14")


def test_5_11_writes_every_number_of_the_output():
    outputs = [f"{v:.0f}".replace("-", "−") for v in worked_example().output.flatten()]
    assert len(written("5-11")) == 3 * 49 + 3 * (9 + 1) + 2 * 9
    assert [w for w in written("5-11") if w in outputs]


def test_5_14_draws_every_network_without_norms():
    names = [name for name in ARCHITECTURES if "norm" not in name]
    assert set(names) <= set(written("5-14"))
    assert written("5-14").count("3×3, 512") == 4 + 4 + 6 + 8


def test_parameters_of_the_small_networks_worked_by_hand():
    counts = [sum(p.numel() for p in ARCHITECTURES[n].build().parameters()) for n in SMALL]
    assert counts == [26 * 32 + (14 * 14 * 32 + 1) * 10, 3_274_634]
