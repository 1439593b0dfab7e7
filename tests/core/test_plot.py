import os
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image
from scipy.optimize import isotonic_regression

from gradus.core import plot
from gradus.core.errors import RunError


def line_figure(finding: str = "One line") -> Figure:
    fig, (ax,) = plot.new_figure()
    ax.plot([0, 1, 2], [1, 2, 4], label="squares")
    plot.title(fig, finding, "a subtitle")
    plot.end_labels(ax)
    return fig


def test_palette_is_okabe_and_ito_in_the_agreed_order():
    expected = "#0072B2 #E69F00 #009E73 #CC79A7 #D55E00 #56B4E9 #F0E442 #1B2A41"
    assert " ".join(plot.PALETTE) == expected
    assert len(set(map(str, plot.DASHES))) == len(plot.PALETTE)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0, 3_000_000], {"1,000,000", "3,000,000"}),
        ([0, 50_000], {"10,000", "50,000"}),
        ([-20_000, 20_000], {"\N{MINUS SIGN}10,000", "10,000"}),
        ([1988, 2012], {"1990", "2010"}),
        ([0, 1], {"0.2", "1.0"}),
        (["ten", "twenty"], {"ten", "twenty"}),
    ],
)
def test_ticks_have_commas_where_titles_would_have_them(values, expected):
    with plot.style():
        fig, (ax,) = plot.new_figure()
        ax.plot(values, [0, 1])
        plot.title(fig, "Two points")
        fig.draw_without_rendering()
        found = (label.get_text() for label in ax.get_xticklabels())
        bare = (text.removeprefix(r"$\mathdefault{").removesuffix("}$") for text in found)
        assert expected <= set(bare)


def test_ticks_of_logarithms_stay_powers():
    with plot.style():
        fig, (ax,) = plot.new_figure()
        ax.loglog([1, 1e6], [1, 1e6])
        plot.title(fig, "A line")
        fig.draw_without_rendering()
        assert all("10^{" in label.get_text() for label in ax.get_xticklabels())


def test_settings_are_back_after_drawing():
    before = dict(mpl.rcParams)
    plot.style()(line_figure)()
    assert dict(mpl.rcParams) == before


def test_settings_are_back_after_an_error():
    before = dict(mpl.rcParams)

    @plot.style()
    def fail():
        assert mpl.rcParams["axes.spines.top"] is False
        raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert dict(mpl.rcParams) == before


def test_nothing_leaks_into_pyplot():
    from matplotlib import _pylab_helpers

    line_figure()
    assert not _pylab_helpers.Gcf.figs


def test_figure_has_the_panels_asked_for():
    fig, panels = plot.new_figure(2, 3, (9, 5), share=True)
    assert len(panels) == 6
    assert tuple(fig.get_size_inches()) == (9, 5)
    panels[0].set_xlim(-3, 3)
    assert panels[5].get_xlim() == (-3, 3)
    assert not panels[0].spines["top"].get_visible()


WORDS = st.lists(st.text("abcdefgh", min_size=1, max_size=12), min_size=1, max_size=40)


@given(WORDS, WORDS)
def test_titles_keep_their_words_stay_inside_and_do_not_overlap(finding, subtitle):
    fig, (ax,) = plot.new_figure()
    plot.title(fig, " ".join(finding), " ".join(subtitle))
    first, second = fig.texts
    assert first.get_text().split() == finding
    assert second.get_text().split() == subtitle
    fig.draw_without_rendering()
    above, below = first.get_window_extent(), second.get_window_extent()
    assert above.x1 <= fig.bbox.x1
    assert below.x1 <= fig.bbox.x1
    assert below.y1 <= above.y0
    assert ax.get_tightbbox().y1 <= below.y0


def test_a_second_title_replaces_the_first():
    fig = line_figure("Old")
    plot.title(fig, "New")
    assert [text.get_text() for text in fig.texts] == ["New"]


@given(
    st.lists(st.floats(-1e3, 1e3), max_size=12).map(np.array),
    st.floats(0.1, 50),
)
def test_spread_equals_isotonic_regression(positions, gap):
    positions = positions.astype(float)
    moved = plot.spread(positions, gap)
    order = np.argsort(positions, kind="stable")
    assert all(b - a >= gap - 1e-6 for a, b in pairwise(moved[order]))
    if len(positions):
        ranks = gap * np.arange(len(positions))
        expected = isotonic_regression(positions[order] - ranks).x + ranks
        np.testing.assert_allclose(moved[order], expected, atol=1e-8)


def test_end_labels_do_not_overlap_and_stay_inside_the_figure():
    with plot.style():
        fig, (ax,) = plot.new_figure()
        for i, height in enumerate((1.0, 1.001, 1.002, 3.0)):
            ax.plot([0, 1], [2, height], label=f"a rather long name {i}")
        ax.plot([0, 1], [2, 1], "k")  # no label
        ax.plot([0, 1], [np.nan, np.nan], label="never finite")
        texts = plot.end_labels(ax)
        fig.draw_without_rendering()
    assert [text.get_text()[-1] for text in texts] == list("0123")
    boxes = [text.get_window_extent() for text in texts]
    assert all(below.y1 <= above.y0 for below, above in pairwise(boxes))
    assert all(box.x1 <= fig.bbox.x1 for box in boxes)


def test_end_label_stands_at_the_last_finite_point():
    fig, (ax,) = plot.new_figure()
    ax.plot([0, 1, 2], [5, 7, np.nan], label="stops early")
    (text,) = plot.end_labels(ax)
    assert text.xy == (1, 7)
    assert fig.axes == [ax]


def test_no_lines_give_no_labels():
    _, (ax,) = plot.new_figure()
    assert plot.end_labels(ax) == []


def test_contrast_of_black_and_white_and_of_itself():
    assert plot.contrast("black", "white") == pytest.approx(21)
    assert plot.contrast("#0072B2", "#0072B2") == pytest.approx(1)


@pytest.mark.parametrize("colour", [*plot.PALETTE, "white"])
def test_text_colours_are_readable(colour):
    assert plot.contrast(plot.readable(colour), "white") >= 4.5
    choices = plot.contrast(plot.INK, colour), plot.contrast("white", colour)
    assert plot.contrast(plot.ink_on(colour), colour) == max(choices)


def test_a_colour_that_reads_well_is_kept():
    assert plot.readable("#0072B2") == "#0072b2"


def test_save_writes_png_at_160_dpi_and_svg(tmp_path):
    png = plot.save(line_figure(), tmp_path / "deep" / "one.png")
    assert png == tmp_path / "deep" / "one.png"
    with Image.open(png) as image:
        assert image.size == (7 * 160, round(4.3 * 160))
    assert (tmp_path / "deep" / "one.svg").read_text().startswith("<?xml")
    assert sorted(os.listdir(tmp_path / "deep")) == ["one.png", "one.svg"]


def test_a_name_with_a_dot_keeps_it(tmp_path):
    assert plot.save(line_figure(), tmp_path / "lr-0.1").name == "lr-0.1.png"


def test_equal_figures_give_equal_bytes(tmp_path):
    one, two = (plot.save(line_figure(), tmp_path / name) for name in "ab")
    assert one.read_bytes() == two.read_bytes()
    assert one.with_suffix(".svg").read_bytes() == two.with_suffix(".svg").read_bytes()


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    png = plot.save(line_figure(), tmp_path / "one")
    before = png.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(RunError, match="No space left"):
        plot.save(line_figure("Another"), png)
    assert png.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.png", "one.svg"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    Path(tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"cannot make the folder .*file"):
        plot.save(line_figure(), tmp_path / "file" / "one.png")
