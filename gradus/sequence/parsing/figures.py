"""The book's figures 7-5 to 7-9 and 7-11, drawn from what runs here."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gradus.core import plot
from gradus.sequence.parsing.drawing import draw_tree
from gradus.sequence.parsing.oracle import oracle
from gradus.sequence.parsing.transitions import States, begin
from gradus.sequence.parsing.trees import Tree, linearise, sentence_of_tree, tree_of
from gradus.sequence.search import NOTHING, beam_search

WORDS = ["I", "took", "the", "taxi", "home"]
TAGS = ["PRP", "VBD", "DT", "NN", "RB"]
HEADS = [2, 0, 4, 2, 2]
LABELS = ["nsubj", "root", "det", "obj", "advmod"]
NAMES = ["nsubj", "det", "obj", "advmod"]
"""The labels of arcs, numbered from 1."""
B = Tree("B", (("b_d", Tree("D")), ("b_e", Tree("E"))))
FLAT = Tree("R", (("r_a", Tree("A")), ("r_b", Tree("B")), ("r_c", Tree("C"))))
DEEP = Tree("R", (("r_a", Tree("A")), ("r_b", B), ("r_c", Tree("C"))))


@plot.style()
def parse_tree() -> Figure:
    """Figure 7-5: a sentence and the tree of its words."""
    fig, (ax,) = plot.new_figure(1, 1, (7, 3.4))
    draw_tree(ax, WORDS, TAGS, HEADS, LABELS)
    plot.title(
        fig,
        "“I” and “taxi” hang on “took”: its subject and its object",
        "An arrow goes from a head to the word that depends on it; tags of the Penn Treebank",
    )
    return fig


@plot.style()
def linearised() -> Figure:
    """Figure 7-6: two trees as sequences, with the labels of the edges."""
    fig, axes = plot.new_figure(1, 2, (8, 3.6))
    for ax, tree in zip(axes, (FLAT, DEEP), strict=True):
        _draw_downwards(ax, tree)
        ax.set_title("(" + ", ".join(linearise(tree)) + ")", size=8.5, family="DejaVu Sans Mono")
    plot.title(
        fig,
        "A tree as a sequence: a node, then for each child the edge and the child",
        "A child with children of its own stands in brackets, so that the tree comes back from it",
    )
    return fig


def _draw_downwards(ax: Axes, tree: Tree) -> None:
    """A tree of at most three levels, its root on top."""
    places: dict[str, tuple[float, float]] = {}
    free = [0.0]

    def place(node: Tree, depth: int) -> float:
        below = [place(child, depth + 1) for _, child in node.children]
        if not below:
            free[0] += 1.0
        x = sum(below) / len(below) if below else free[0]
        places[node.name] = x, -float(depth)
        return x

    def draw(node: Tree) -> None:
        x, y = places[node.name]
        for edge, child in node.children:
            a, b = places[child.name]
            ax.plot([x, a], [y, b], "-", color=plot.GREY, lw=1.2, zorder=1)
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
            ax.text((x + a) / 2, (y + b) / 2, edge, ha="center", va="center", size=8, bbox=box)
            draw(child)
        ax.plot(x, y, "o", ms=22, color=plot.PALETTE[0], zorder=2)
        ax.text(x, y, node.name, ha="center", va="center", color="white", weight="bold", zorder=3)

    place(tree, 0)
    draw(tree)
    ax.set(xlim=(0.4, free[0] + 0.6), ylim=(-2.4, 0.4))
    ax.set_axis_off()


@plot.style()
def linearised_parse() -> Figure:
    """Figure 7-7: the sentence's tree as a sequence, and back."""
    sequence = linearise(tree_of(WORDS, HEADS, LABELS))
    assert sentence_of_tree(tree_of(WORDS, HEADS, LABELS)) == (WORDS, HEADS, LABELS)
    fig, (ax,) = plot.new_figure(1, 1, (8, 4.0))
    draw_tree(ax, WORDS, TAGS, HEADS, LABELS)
    text = "(" + ", ".join(sequence) + ")"
    ax.set_title(text, size=8, family="DejaVu Sans Mono", loc="center")
    plot.title(
        fig,
        f"The tree of {len(WORDS)} words as a sequence of {len(sequence)} tokens",
        "A word is written with its number, so that the order of the sentence comes back too",
    )
    return fig


@plot.style()
def options() -> Figure:
    """Figure 7-8: what each kind of action makes of a state."""
    states = begin(np.array([len(WORDS)]), len(NAMES))
    for action in (1 + NAMES.index("nsubj"), 0, 0):
        states.advance(np.array([action]))
    rows = [(*_row(states, "the state")[:3], "")]
    for action in (0, 1 + NAMES.index("det"), 1 + len(NAMES) + NAMES.index("obj")):
        after = states.take(np.array([0]))
        after.advance(np.array([action]))
        rows.append(_row(after, name_of(action, NAMES)))
    fig, (ax,) = plot.new_figure(1, 1, (9, 3.3))
    _draw_rows(ax, rows)
    plot.title(
        fig,
        "Three kinds of action: bring the next word, or join the stack's last two",
        "The dependent leaves the stack. Only LEFT ARC (det) is right here: “the” hangs on “taxi”",
    )
    return fig


@plot.style()
def actions() -> Figure:
    """Figure 7-9: the actions that build the sentence's tree, state by state."""
    numbers = [NAMES.index(label) + 1 if label in NAMES else 0 for label in LABELS]
    taken = oracle(HEADS, numbers, len(NAMES)) or []
    states = begin(np.array([len(WORDS)]), len(NAMES))
    fig, (ax,) = plot.new_figure(1, 1, (9, 0.42 * len(taken) + 2.0))
    rows = [_row(states, "begin")]
    for action in taken:
        states.advance(np.array([action]))
        rows.append(_row(states, name_of(action, NAMES)))
    _draw_rows(ax, rows)
    plot.title(
        fig,
        f"{len(taken)} actions build the tree of {len(WORDS)} words: 2n − 3, whatever the tree",
        "The arc-standard system from the book's first state, two words on the stack; the new arc "
        "of each action on the right; actions from the static oracle",
    )
    return fig


def _draw_rows(ax: Axes, rows: list[tuple[str, list[str], list[str], str]]) -> None:
    """States below one another: the action, the stack, the buffer, the new arc."""
    for x, head in zip((0.0, 2.3, 5.6, 8.0), ("action", "stack", "buffer", "arcs"), strict=True):
        ax.text(x, 0.8, head, weight="bold", size=9.5)
    for y, (name, stack, buffer, arcs) in enumerate(rows):
        ax.text(0, -y, name, size=9, va="center")
        for start, words, colour in ((2.3, stack, 2), (5.6, buffer, 0)):
            x = start
            for word in words:
                box = {"facecolor": plot.PALETTE[colour], "edgecolor": "none", "pad": 2.2}
                ax.text(x, -y, word, size=8.5, va="center", color="white", bbox=box)
                x += 0.115 * len(word) + 0.22
        ax.text(8.0, -y, arcs, size=8.5, va="center")
    ax.set(xlim=(0, 11.6), ylim=(-len(rows) + 0.4, 1.3))
    ax.set_axis_off()


def name_of(action: int, labels: Sequence[str]) -> str:
    """What an action is called, with the labels that are numbered from 1."""
    if not action:
        return "SHIFT"
    side, number = ("LEFT", action) if action <= len(labels) else ("RIGHT", action - len(labels))
    return f"{side} ARC ({labels[number - 1]})"


def _row(states: States, name: str) -> tuple[str, list[str], list[str], str]:
    """The action that led to a state, its stack and buffer, and how many arcs it has."""
    links, (depth, front, words) = states.links[0], states.sizes[0]
    stack = [WORDS[i - 1] for i in links[0, :depth]]
    buffer = [WORDS[i - 1] for i in range(front, words + 1)]
    heads, labels = states.tree(0)
    drawn = [
        f"{NAMES[label - 1]}({WORDS[head - 1]}, {WORDS[i]})"
        for i, (head, label) in enumerate(zip(heads, labels, strict=True))
        if label and WORDS[head - 1] in stack
    ]
    return name, stack, buffer, drawn[-1] if drawn and name != "SHIFT" else ""


class Paths:
    """The states of a made-up search: which actions were taken, two to choose from."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows

    def take(self, rows: np.ndarray) -> "Paths":
        """Copies of some rows."""
        return Paths(self.rows[rows])

    def advance(self, taken: np.ndarray) -> None:
        """Take an action in each state."""
        went = taken != NOTHING
        self.rows[went] = self.rows[went] * 2 + 1 + taken[went]

    def describe(self) -> tuple[np.ndarray]:
        """The number of the state in a tree of two branches."""
        return (self.rows,)


CHANCES = np.array([0.55, 0.52, 0.95, 0.6, 0.5, 0.9, 0.5])
"""p(SHIFT) in the seven states of a search of three actions; what is left is that of LEFT ARC."""


def search_tree(chances: Float[np.ndarray, "states"], beam: int) -> tuple[list[set[int]], float]:
    """The states on the beam after each of three actions, and the best sequence's probability."""
    both = torch.from_numpy(np.log(np.stack([chances, 1 - chances], 1)))
    kept: list[set[int]] = [{0}]
    for steps in (1, 2, 3):
        found = beam_search(
            Paths(np.array([0])),
            np.array([steps]),
            lambda rows, _: both[rows],
            beam,
            normalise=True,
        )
        there = np.isfinite(found.scores[0].numpy())
        kept.append(set(found.states.rows[there].tolist()))
    return kept, float(found.scores[0, 0].exp())


@plot.style()
def beam() -> Figure:
    """Figure 7-11: greedy search and a beam of 2 on the same probabilities."""
    fig, axes = plot.new_figure(1, 2, (9, 4.4))
    best = {}
    for ax, width in zip(axes, (1, 2), strict=True):
        kept, best[width] = search_tree(CHANCES, width)
        _draw_search(ax, kept)
        ax.set_title(f"beam {width}: the best sequence has p = {best[width]:.2f}")
    plot.title(
        fig,
        f"Greedy search ends at {best[1]:.2f}; a beam of 2 finds {best[2]:.2f} behind a first "
        "action that looked worse",
        "Probabilities of actions on the edges, made up; blue: kept after each step; SHIFT goes "
        "up, LEFT ARC down",
    )
    return fig


def _draw_search(ax: Axes, kept: list[set[int]]) -> None:
    """The tree of states, what was kept in colour."""
    at = {0: (0.0, 0.0)}
    for state, chance in enumerate(CHANCES):
        x, y = at[state]
        for action, p in enumerate((chance, 1 - chance)):
            child = 2 * state + 1 + action
            at[child] = x + 1, y + (1.2 if action == 0 else -1.2) / 2 ** int(x)
            on = child in kept[int(x) + 1] and state in kept[int(x)]
            colour = plot.PALETTE[0] if on else plot.FAINT
            ax.plot([x, x + 1], [y, at[child][1]], "-", color=colour, lw=2 if on else 1, zorder=1)
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
            ax.text(x + 0.55, y + 0.55 * (at[child][1] - y), f"{p:.2f}", size=8, ha="center",
                    va="center", bbox=box)  # fmt: skip
    for state, (x, y) in at.items():
        on = state in kept[int(x)]
        ax.plot(x, y, "o", ms=9, color=plot.PALETTE[0] if on else plot.FAINT, zorder=2)
    ax.set(xlim=(-0.2, 3.2), ylim=(-2.4, 2.4), xticks=range(4), yticks=[], xlabel="actions taken")
    ax.grid(visible=False)
    ax.spines["left"].set_visible(False)


FIGURES: dict[str, Callable[[], Figure]] = {
    "7-5": parse_tree,
    "7-6": linearised,
    "7-7": linearised_parse,
    "7-8": options,
    "7-9": actions,
    "7-11": beam,
}
"""Number of a figure -> what draws it."""
