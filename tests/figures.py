"""What every figure must be: within its picture, headed, in letters that can be read."""

from matplotlib.figure import Figure
from matplotlib.text import Text


def assert_readable(fig: Figure) -> None:
    """All that is drawn lies inside the picture, there is a heading, no text is under 8 pt."""
    fig.draw_without_rendering()
    everything = fig.get_tightbbox()  # inches
    assert everything.x0 >= 0
    assert everything.y0 >= 0
    assert everything.x1 <= fig.get_figwidth()
    assert everything.y1 <= fig.get_figheight()
    assert fig.texts[0].get_text()
    assert all(text.get_size() >= 8 for text in fig.findobj(Text) if text.get_text())
