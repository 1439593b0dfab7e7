import numpy as np
import pytest
from matplotlib.text import Text

from gradus.surface.curvature import Step
from gradus.surface.drawing import draw_interpolation, draw_plane, draw_spectrum, draw_step
from gradus.surface.interpolation import Interpolation, alpha_grid
from gradus.surface.lanczos import Spectrum
from gradus.surface.plane import Plane

PATH = np.array([[1.5, 0.4], [0.2, 0.9], [0.0, 0.0]])


def line(low=-2.0, high=2.0, bump=0.0, lowest=0.1):
    alphas = alpha_grid(low, high, 81)
    losses = lowest + 2 * (alphas - 1) ** 2 + bump * np.exp(-40 * (alphas - 0.6) ** 2)
    return Interpolation(alphas, {"loss": losses})


def plane(path=PATH, lowest=0.05, centre=(0.0, 0.0)):
    a, b = np.linspace(-1, 2, 31), np.linspace(-1, 1, 31)
    x, y = np.meshgrid(a, b)
    losses = lowest + (x - centre[0]) ** 2 + 4 * (y - centre[1]) ** 2
    return Plane(a, b, {"loss": losses}, path)


def spectrum():
    return Spectrum(np.array([[-0.1, 0.0, 4.0]]), np.array([[0.1, 0.8, 0.1]]))


DRAWN = {
    "line": lambda: draw_interpolation(line(), "words"),
    "barrier": lambda: draw_interpolation(line(bump=1.0)),
    "flat line": lambda: draw_interpolation(line(lowest=50.0)),
    "part of the line": lambda: draw_interpolation(line(2.0, 3.0)),
    "plane": lambda: draw_plane(plane(), "words"),
    "plane without path": lambda: draw_plane(plane(np.empty((0, 2)))),
    "flat plane": lambda: draw_plane(plane(lowest=50.0)),
    "spectrum": lambda: draw_spectrum(spectrum(), np.array([4.0, 0.0]), np.array([-0.1]), "words"),
    "step": lambda: draw_step(Step(2.0, 1.0, 2.0), *steps(), "words"),
}


def steps():
    rates = np.linspace(0, 1, 41)
    return rates, 2 - rates + rates**2 + 0.1 * rates**3


@pytest.mark.parametrize("name", DRAWN)
def test_all_words_are_inside_the_figure_and_large_enough(name):
    fig = DRAWN[name]()
    fig.draw_without_rendering()
    everything = fig.get_tightbbox()  # inches
    assert everything.x0 >= 0
    assert everything.y0 >= 0
    assert everything.x1 <= fig.get_figwidth()
    assert everything.y1 <= fig.get_figheight()
    assert fig.texts[0].get_text()
    assert all(text.get_size() >= 8 for text in fig.findobj(Text) if text.get_text())
    assert all(ax.get_xlabel() for ax in fig.axes)


def heading(fig):
    return fig.texts[0].get_text().replace("\n", " ")


def test_the_line_says_whether_there_is_a_barrier():
    found = heading(draw_interpolation(line()))
    assert found.endswith("falls from 2.1 to 0.1 at the solution, without a barrier")
    assert "stands a hill" in heading(draw_interpolation(line(bump=1.0)))
    assert "lies between" in heading(draw_interpolation(line(2.0, 3.0)))


def test_the_line_says_where_it_is_lowest():
    alphas = alpha_grid(0.0, 1.0, 11)
    losses = 1 + (alphas - 0.7) ** 2
    found = heading(draw_interpolation(Interpolation(alphas, {"loss": losses})))
    assert "to 1 at α = 0.70, without a barrier" in found


def test_the_line_marks_start_and_solution_where_they_are():
    (ax,) = draw_interpolation(line()).axes
    marked = [x.get_xydata()[0].tolist() for x in ax.get_lines() if len(x.get_xydata()) == 1]
    assert marked == [[0, pytest.approx(2.1)], [1, pytest.approx(0.1)]]


def test_the_plane_says_where_the_loss_is_lowest():
    assert "lowest at the solution: 0.05" in heading(draw_plane(plane()))
    found = heading(draw_plane(plane(centre=(1.0, -0.4))))
    assert "lowest at (1, −0.4), away from the solution: 0.05" in found


def test_the_path_is_drawn_from_start_to_solution():
    ax = draw_plane(plane()).axes[0]
    assert any(np.array_equal(x.get_xydata(), PATH) for x in ax.get_lines())


def test_a_plane_that_is_infinite_at_its_rim_is_drawn():
    infinite = plane()
    infinite.values["loss"][0, 0] = np.inf
    draw_plane(infinite).draw_without_rendering()


def test_the_spectrum_says_how_much_lies_near_zero():
    fig = draw_spectrum(spectrum(), np.array([4.0, 0.0]), np.array([-0.1]))
    # -0.1 is further from 0 than 1 % of 4, so only the weight at 0 counts.
    assert heading(fig).startswith("80.0 % of the eigenvalues lie near 0; the largest is 4, the")
    assert heading(fig).endswith("smallest −0.1")


def test_the_step_tells_measured_from_predicted():
    fig = draw_step(Step(2.0, 1.0, 2.0), *steps())
    assert "ε* = 0.5 takes the loss from 2 to 1.76" in heading(fig)
    assert heading(fig).endswith("to second order it was to be 1.75")


def test_a_step_without_a_best_rate_is_drawn():
    found = draw_step(Step(2.0, 1.0, -1.0), *steps())
    assert "does not curve up" in heading(found)
