"""The figures of a finished tagger: functions of the run."""

import numpy as np
from matplotlib.figure import Figure

from gradus.core import plot
from gradus.core.charts import confusion
from gradus.core.run import Run
from gradus.nn.run_figures import curves
from gradus.sequence.tagging.scores import answers, confusions, per_tag

SHOWN = 16
"""Tags of the confusion matrix: those with the most mistakes, missed or called so."""
LISTED = 30
"""Tags whose scores are drawn: the most frequent."""


def shown_tags(run: Run) -> list[str]:
    """The tags as Matplotlib is to show them: what stands between two $ would be a formula."""
    return [tag.replace("$", r"\$") for tag in run.info["facts"]["classes"]]


def confused(run: Run) -> Figure:
    """Which tags of the test set are taken for which, for those with the most mistakes."""
    task, tags = run.task(), shown_tags(run)
    true, predicted, _ = answers(task.model.eval(), task.test())
    matrix = confusions(true, predicted, len(tags))
    mistakes = matrix - np.diag(np.diag(matrix))
    worst = np.argsort(-(mistakes.sum(0) + mistakes.sum(1)), kind="stable")[:SHOWN]
    chosen = worst[np.argsort(-matrix[worst].sum(1), kind="stable")]
    return confusion(matrix, tags, chosen.tolist())


@plot.style()
def tag_scores(run: Run) -> Figure:
    """How well each of the frequent tags of the test set is found."""
    task = run.task()
    rows = per_tag(task.model.eval(), task.test(), shown_tags(run))
    rows = [row for row in rows if row["words"]][:LISTED]
    fig, (ax,) = plot.new_figure(1, 1, (7, 0.24 * len(rows) + 1.6))
    at = np.arange(len(rows))
    for name, marker, colour in (("precision", "o", 0), ("recall", "D", 1)):
        values = [100 * row[name] for row in rows]
        ax.plot(values, at, marker, ms=5, color=plot.PALETTE[colour], label=name)
    for y, row in zip(at, rows, strict=True):
        ends = [100 * row["precision"], 100 * row["recall"]]
        ax.plot(ends, [y, y], color=plot.GREY, ls="-", lw=1, zorder=1)
    ax.set_yticks(at, [f"{row['tag']}  ({row['words']:,})" for row in rows])
    ax.invert_yaxis()
    ax.set(xlabel="share (%)", ylabel="tag (words of the test set)")
    ax.legend(loc="lower left")
    least = min(rows, key=lambda row: row["F1"])
    well = sum(row["F1"] >= 0.95 for row in rows)
    plot.title(
        fig,
        f"{well} of the {len(rows)} most frequent tags have an F1 of 95% or more; "
        f"{least['tag']} has the least, {least['F1']:.0%}",
        "Precision: how many of those called so are; recall: how many of those that are were "
        f"called so; {run.recipe.name}, seed {run.config.seed}",
    )
    return fig


RUN = {"learning-curves": curves, "confusion": confused, "tags": tag_scores}
"""Name -> figure of a tagger's run."""
