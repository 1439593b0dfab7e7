"""The figures of a finished run of chapter 5: name -> a function of the run."""

from matplotlib.figure import Figure

from gradus.core.run import Run
from gradus.nn import run_figures
from gradus.vision.filters import draw_filters, first_filters


def filters(run: Run) -> Figure:
    """What each filter of the first convolution looks for (figure 5-18)."""
    return draw_filters(first_filters(run.task().model), str(run.path))


IMAGE_RUN = {**run_figures.IMAGE_RUN, "filters": filters}
