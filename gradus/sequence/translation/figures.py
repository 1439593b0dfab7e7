"""The figures of chapter 7 on seq2seq by their number in the book, drawn from real runs."""

from collections.abc import Callable

from matplotlib.figure import Figure

from gradus.core.experiment import trained
from gradus.sequence.translation.recipes import REVERSE_ATTENTION, TRANSLATE_BEST, TRANSLATE_BOOK
from gradus.sequence.translation.run_figures import attention, perplexities, reversal_attention


def figure_7_27() -> Figure:
    """Attention that follows the decoder: a sequence is said backwards, the right place seen."""
    return reversal_attention(trained(REVERSE_ATTENTION))


def figure_7_31() -> Figure:
    """Perplexity of the book's translator by bucket, with the learning rate of figure 7-32."""
    return perplexities(trained(TRANSLATE_BOOK))


def figure_7_33() -> Figure:
    """Where a translator looks in a sentence whose words change places."""
    return attention(trained(TRANSLATE_BEST))


FIGURES: dict[str, Callable[[], Figure]] = {
    "7-27": figure_7_27,
    "7-31": figure_7_31,
    "7-33": figure_7_33,
}
"""Number in the book -> function that draws it."""
