"""The figures of a finished parser: functions of the run."""

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gradus.core import plot
from gradus.core.run import Run
from gradus.sequence.parsing.drawing import draw_tree
from gradus.sequence.parsing.layout import lay_out
from gradus.sequence.parsing.predict import ParsedSentence, open_parser
from gradus.sequence.tokenise import words_of

LISTED = 30
"""Labels whose scores are drawn: the most frequent."""
GARDEN_PATH = "The complex houses married and single soldiers and their families."
"""The book's sentence that leads astray: its verb is "houses"."""
SUBJECT, VERB = 2, 3
"""The numbers of that verb and of its subject, "complex", in it."""
WIDE = 8
"""Hypotheses that are followed beside the greedy search."""


@plot.style()
def scores(run: Run) -> Figure:
    """UAS and LAS on the validation set by epoch, the best epoch marked."""
    records = run.records()
    epochs = [r["epoch"] for r in records]
    fig, (ax,) = plot.new_figure()
    for name in ("uas", "las"):
        values = [100 * r[f"validation/{name}"] for r in records]
        ax.plot(epochs, values, label=name.upper(), marker="o", ms=3.5)
    best = max(records, key=lambda r: r["validation/las"])
    ax.axvline(best["epoch"], color=plot.GREY, lw=0.8, ls=":")
    ax.set(xlabel="epoch", ylabel="words attached right (%)")
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    plot.end_labels(ax)
    plot.title(
        fig,
        f"LAS is highest, {best['validation/las']:.1%}, at epoch {best['epoch']} of {epochs[-1]}; "
        f"UAS is {best['validation/uas']:.1%} there",
        "Validation set, the treebank's own tags, punctuation counted; UAS: the head is right, "
        f"LAS: head and label are; {run.recipe.name}, seed {run.config.seed}",
    )
    return fig


@plot.style()
def label_scores(run: Run) -> Figure:
    """How well each of the frequent labels of the test set is found, head and label together."""
    rows = [row for row in run.details("test") if row["words"]][:LISTED]
    fig, (ax,) = plot.new_figure(1, 1, (7, 0.24 * len(rows) + 1.6))
    at = np.arange(len(rows))
    for name, marker, colour in (("precision", "o", 0), ("recall", "D", 1)):
        values = [100 * row[name] for row in rows]
        ax.plot(values, at, marker, ms=5, color=plot.PALETTE[colour], label=name)
    for y, row in zip(at, rows, strict=True):
        ends = [100 * row["precision"], 100 * row["recall"]]
        ax.plot(ends, [y, y], "-", color=plot.GREY, lw=1, zorder=1)
    ax.set_yticks(at, [f"{row['label']}  ({row['words']:,})" for row in rows])
    ax.invert_yaxis()
    ax.set(xlabel="share (%)", ylabel="label (words of the test set)")
    ax.legend(loc="lower left")
    best, least = (f(rows, key=lambda row: row["F1"]) for f in (max, min))
    plot.title(
        fig,
        f"{best['label']} is found best (F1 {best['F1']:.0%}), {least['label']} worst "
        f"({least['F1']:.0%}) of the {len(rows)} most frequent labels",
        "A word is right if its head and its label are. Precision: how many of those given the "
        f"label are right; recall: how many of those that have it; {run.recipe.name}, "
        f"seed {run.config.seed}",
    )
    return fig


@torch.inference_mode()
def garden_path(run: Run) -> Figure:
    """The book's garden-path sentence, parsed greedily and with a beam."""
    parser, words = open_parser(run), words_of(GARDEN_PATH)[0]
    greedy, wide = (parser.parse([words], beam=beam)[0] for beam in (1, WIDE))
    return drawn_twice(
        words,
        [("greedy", greedy), (f"beam of {WIDE}", wide)],
        f"{run.recipe.name}, seed {run.config.seed}; tags: the parser's own guesses",
    )


@plot.style()
def drawn_twice(words: list[str], parses: list[tuple[str, ParsedSentence]], how: str) -> Figure:
    """Two parses of a sentence, one above the other, and whether its verb is found."""
    layouts = [lay_out(words, p.tags, p.heads, p.labels) for _, p in parses]
    width = max(layout.width for layout in layouts)
    high = sum(layout.levels + 4 for layout in layouts)
    fig, axes = plot.new_figure(2, 1, (max(7.5, width / 85), 0.36 * high + 1.3))
    for ax, (name, parse) in zip(axes, parses, strict=True):
        draw_tree(ax, words, [t.split(" ")[-1] for t in parse.tags], parse.heads, parse.labels)
        ax.set_title(name)
        ax.set_xlim(0, width)
    right = [
        (parse.heads[SUBJECT - 1], parse.labels[SUBJECT - 1][:5]) == (VERB, "nsubj")
        for _, parse in parses
    ]
    said = {
        (True, True): "Both searches find that the complex is what houses soldiers",
        (False, True): "Greedy search goes astray; with the beam the complex houses soldiers",
        (True, False): "Greedy search finds that the complex houses soldiers, the beam does not",
        (False, False): "Neither search finds that the complex is what houses soldiers",
    }
    same = parses[0][1] == parses[1][1]
    also = " (both trees are the same)" if same else ""
    plot.title(fig, said[right[0], right[1]] + also, how)
    return fig


RUN = {"scores": scores, "labels": label_scores, "garden-path": garden_path}
"""Name -> figure of a parser's run."""
