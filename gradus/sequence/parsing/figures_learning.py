"""The book's figures 7-10 and 7-12: from a state to its action, and training with a beam."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from gradus.core import plot
from gradus.core.fit import fit
from gradus.sequence.globally import global_loss
from gradus.sequence.parsing.course import Course, Part, make_course
from gradus.sequence.parsing.figures import name_of
from gradus.sequence.parsing.parser import ActionScores, Parser
from gradus.sequence.parsing.recipes import PARSER_GREEDY
from gradus.sequence.parsing.train import greedy
from gradus.sequence.parsing.transitions import begin
from gradus.sequence.parsing.treebank import several
from gradus.sequence.search import NOTHING

PLACES = (
    "stack 1",
    "stack 2",
    "stack 3",
    "buffer 1",
    "buffer 2",
    "buffer 3",
)
"""The first six of the 18 words that a state is described by."""
SHOWN = 6
"""Actions whose probability is drawn."""
BEAM = 4
"""Hypotheses followed in figure 7-12."""
EPOCHS = {"7-10": 3, "7-12": 1}
"""Passes over the made-up treebank before each figure."""


@dataclass(frozen=True)
class Pupil:
    """A parser that has learned a while from the made-up treebank, and what it learned from."""

    model: Parser
    course: Course
    part: Part


@cache
def pupil(epochs: int) -> Pupil:
    """Train a small parser for so many epochs; a second or two."""
    config: Any = PARSER_GREEDY.configure(
        data="toy", min_count=1, vector=16, tag_vector=8, hidden=(32,), batch_size=10,
        epochs=epochs, lr=0.003, dropout=0.0, forget=0.0, checkpoint_seconds=60.0,
    )  # fmt: skip
    torch.manual_seed(config.seed)
    task, course = greedy(config), make_course(config)
    fit(task, config)
    model: Any = task.model.eval()
    return Pupil(model, course, course.part(1, torch.device("cpu")))


@plot.style()
def network() -> Figure:
    """Figure 7-10: a state as words and labels, and the probabilities of its actions."""
    from_toy = pupil(EPOCHS["7-10"])
    number = int(from_toy.part.bank.lengths.argmax())
    words = [row.form for row in from_toy.part.sentences[number].words]
    here = several(from_toy.part.bank, torch.tensor([number]))
    states = begin(here.lengths.numpy(), from_toy.model.arc_labels)
    start = int(from_toy.part.lessons.starts[number])
    right = from_toy.part.lessons.actions[start:]
    scores = ActionScores(from_toy.model, here)
    for taken in right[: len(words) // 2]:
        states.advance(np.array([int(taken)], np.int32))
    places, seen = (torch.from_numpy(a) for a in states.describe())
    p = scores(places, seen, torch.tensor([0])).softmax(1)[0].detach()
    wanted = int(right[len(words) // 2])

    fig, (left, ax) = plot.new_figure(1, 2, (9, 3.9))
    _draw_state(left, [words[i - 1] if i else "–" for i in places[0, : len(PLACES)].tolist()])
    top = p.topk(SHOWN)
    names = [name_of(int(a), from_toy.course.vocabulary.labels) for a in top.indices]
    colours = [plot.PALETTE[0] if int(a) == wanted else plot.GREY for a in top.indices]
    ax.barh(names, top.values.tolist(), color=colours)
    ax.invert_yaxis()
    for y, value in enumerate(top.values.tolist()):
        ax.text(value + 0.01, y, f"{value:.3f}", va="center", size=8.5)
    ax.set(xlabel="probability", xlim=(0, 1.12))
    plot.title(
        fig,
        f"From what a state looks like to an action: {names[0]}, p = {float(top.values[0]):.2f}",
        f"“{' '.join(words)}” after {len(words) // 2} actions; right: the likeliest of "
        f"{len(p)} actions, the oracle's in blue; a parser after {EPOCHS['7-10']} epochs on 100 "
        "made-up sentences. Six of the 18 words that it looks at; the others are children of these",
    )
    return fig


def _draw_state(ax: Axes, words: list[str]) -> None:
    """The words in the first places, each in a box."""
    for y, (place, word) in enumerate(zip(PLACES, words, strict=True)):
        colour = plot.PALETTE[2 if place.startswith("stack") else 0]
        box = {"facecolor": colour if word != "–" else plot.FAINT, "edgecolor": "none", "pad": 2.5}
        ax.text(0.0, -y, place, va="center", size=9.5)
        ax.text(
            0.55, -y, word, va="center", size=9.5, color=plot.ink_on(box["facecolor"]), bbox=box
        )
    ax.set(xlim=(0, 1.2), ylim=(-len(words) + 0.4, 0.6))
    ax.set_axis_off()


@plot.style()
def early_update() -> Figure:
    """Figure 7-12: a beam in training, and where the right sequence falls off it."""
    from_toy = pupil(EPOCHS["7-12"])
    number, found, loss = _first_fall(from_toy)
    words = [row.form for row in from_toy.part.sentences[number].words]
    start = int(from_toy.part.lessons.starts[number])
    right = from_toy.part.lessons.actions[start : start + len(found.steps)].tolist()
    labels = from_toy.course.vocabulary.labels
    fig, (ax,) = plot.new_figure(1, 1, (9, 4.4))
    at = 0
    for step, done in enumerate(found.steps):
        parents, actions = done.parents[0], done.actions[0]
        after = [
            k for k in range(BEAM) if parents[k] == at and actions[k] == right[step]
        ]  # where the right sequence went on
        for k in np.flatnonzero(actions != NOTHING):
            own = k in after
            colour = plot.PALETTE[0] if own else plot.FAINT
            ax.plot([step, step + 1], [-parents[k], -k], "-", color=colour, lw=2 if own else 1,
                    zorder=2 if own else 1)  # fmt: skip
            ax.plot(step + 1, -k, "o", ms=8, color=colour, zorder=3)
        if after:
            text = name_of(right[step], labels).replace(" ARC ", "\n")
            ax.text(step + 0.5, -(at + after[0]) / 2 + 0.16, text, size=7.5, ha="center")
            at = after[0]
        else:
            ax.plot([step, step + 1], [-at, -BEAM], "--", color=plot.PALETTE[0], lw=2)
            ax.plot(step + 1, -BEAM, "x", ms=9, mew=2.5, color=plot.PALETTE[1])
            ax.text(step + 1.08, -BEAM, name_of(right[step], labels), va="center", size=8.5)
    ax.plot(0, 0, "o", ms=8, color=plot.PALETTE[0])
    ax.set(xlabel="actions taken", ylabel="place on the beam", ylim=(-BEAM - 0.5, 0.7),
           xlim=(-0.2, len(found.steps) + 1.0), xticks=range(len(found.steps) + 1),
           yticks=[-k for k in range(BEAM)])  # fmt: skip
    ax.set_yticklabels([str(k + 1) for k in range(BEAM)])
    ax.grid(visible=False)
    plot.title(
        fig,
        f"After {len(found.steps)} of {2 * len(words) - 3} actions the right sequence falls off "
        f"the beam of {BEAM}: there the loss is taken, {loss:.2f}",
        f"“{' '.join(words)}”; blue: the right actions. A softmax over the {BEAM} sequences on the "
        f"beam and the right one gives it p = {np.exp(-loss):.2f}, which training raises; a parser "
        f"after {EPOCHS['7-12']} epoch on 100 made-up sentences",
    )
    return fig


@torch.no_grad()
def _first_fall(from_toy: Pupil) -> tuple[int, Any, float]:
    """The sentence whose right sequence stays on the beam longest and then falls; beam and loss."""
    chosen = []
    for number in range(len(from_toy.part.sentences)):
        here = several(from_toy.part.bank, torch.tensor([number]))
        states = begin(here.lengths.numpy(), from_toy.model.arc_labels)
        bounds = from_toy.part.lessons.starts[number : number + 2].tolist()
        gold = from_toy.part.lessons.actions[bounds[0] : bounds[1]].numpy()[None]
        scores = ActionScores(from_toy.model, here)

        def potentials(*described: Tensor, scores: ActionScores = scores) -> Tensor:
            return scores(*described).log_softmax(1)

        losses, beam = global_loss(states, gold, potentials, BEAM)
        if beam.fallen[0]:
            chosen.append((number, beam, float(losses[0])))
    return max(chosen, key=lambda one: len(one[1].steps))


FIGURES = {"7-10": network, "7-12": early_update}
"""Number of a figure -> what draws it."""
