"""The book's figures of word2vec, and the map of a run: what they say is what was computed.

The rooms: gradus.embed.words.figures, gradus.embed.words.run_figures.
"""

import re

import numpy as np
import pytest

from gradus import catalog
from gradus.core.experiment import train
from gradus.embed.words.figures import FIGURES, LOOKED_AT, WINDOW
from gradus.embed.words.run_figures import groups_of, neighbours_kept, word_map
from gradus.embed.words.toy import toy_text
from tests.commands import offline
from tests.figures import assert_readable

OFFLINE = ["6-17", "6-18", "6-19", "6-20"]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    with pytest.MonkeyPatch.context() as patch:
        offline(patch, folder)
        patch.chdir(folder)
        yield {name: FIGURES[name]() for name in OFFLINE}


def heading(figure):
    return figure.texts[0].get_text().replace("\n", " ")


@pytest.mark.parametrize("name", OFFLINE)
def test_it_is_readable(drawn, name):
    assert_readable(drawn[name])
    assert heading(drawn[name])


def test_6_17_has_a_one_in_each_row(drawn):
    (image,) = drawn["6-17"].axes[0].get_images()
    np.testing.assert_array_equal(image.get_array().sum(1), 1)
    assert "their cosines are 0 and 1" in heading(drawn["6-17"])


def test_6_18_counts_neighbours(drawn):
    axes = drawn["6-18"].axes
    counts = axes[0].get_images()[0].get_array()
    columns = [t.get_text() for t in axes[0].get_xticklabels()]
    row, column = LOOKED_AT.index("paris"), 0
    seen = 0
    for words, _ in toy_text():
        for i, word in enumerate(words):
            if word == "paris":
                near = words[max(0, i - WINDOW) : i] + words[i + 1 : i + 1 + WINDOW]
                seen += near.count(columns[column])
    assert counts[row, column] == seen
    like, unlike = (float(x) for x in re.findall(r"\d\.\d\d", heading(drawn["6-18"])))
    assert like > unlike + 0.3


def test_6_20_learning_tells_neighbours_from_noise(drawn):
    true, noise = (int(x) / 100 for x in re.findall(r"(\d+)%", heading(drawn["6-20"])))
    assert true > noise + 0.3


def test_6_21_maps_a_run(tmp_path, monkeypatch):
    offline(monkeypatch, tmp_path)
    recipe = catalog.recipe("word2vec")
    config = recipe.configure(**{**recipe.smoke, "epochs": 10, "lr": 0.1})
    run = train(recipe, config, path=tmp_path / "run", test=False)
    figure = word_map(run)
    assert_readable(figure)
    (ax,) = figure.axes
    words = {t.get_text() for t in ax.texts}
    assert len(words) > 20
    assert words <= set((run.path / "vocabulary.tsv").read_text().split())


def test_neighbours_that_are_kept():
    angle = np.linspace(0, 3, 40) ** 1.5
    unit = np.stack([np.cos(angle), np.sin(angle)], 1)
    assert neighbours_kept(unit, np.stack([angle, angle * 0], 1), k=1) == 1
    shuffled = np.random.default_rng(0).permutation(unit)
    assert neighbours_kept(unit, shuffled, k=1) < 0.3
    assert len(set(groups_of(unit))) == 8
