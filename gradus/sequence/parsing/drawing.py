"""A parse drawn as arcs above the sentence: as SVG, or into a Matplotlib figure."""

from collections.abc import Sequence
from html import escape

from matplotlib.axes import Axes

from gradus.core import plot
from gradus.sequence.parsing.layout import LEVEL, MARGIN, SMALL, Layout, lay_out

KINDS = {
    "N": 0,
    "PROPN": 0,
    "V": 4,
    "AUX": 4,
    "MD": 4,
    "J": 2,
    "ADJ": 2,
    "R": 2,
    "ADV": 2,
    "PR": 3,
    "WP": 3,
    "I": 1,
    "ADP": 1,
    "TO": 1,
    "D": 5,
}
"""Beginning of a tag, of either tagset -> the colour of its kind of word in the palette."""
BELOW = 46.0
"""Room below the line on which the arcs end."""
ROUND = 8.0
"""Radius of an arc's corners."""


def colour_of(tag: str) -> str:
    """The colour of a tag's kind of word, readable on white; ink for stops and the rest."""
    for length in range(len(tag), 0, -1):
        if tag[:length] in KINDS:
            return plot.readable(plot.PALETTE[KINDS[tag[:length]]])
    return plot.INK


def draw_svg(
    forms: Sequence[str], tags: Sequence[str], heads: Sequence[int], labels: Sequence[str]
) -> str:
    """A tree as an SVG document; words in the colour of their kind, tags below.

    Args:
        forms: the words.
        tags: their tags.
        heads: for each word the number of its head, counted from 1; 0 for the root's.
        labels: for each word the label of the arc to it.
    """
    layout = lay_out(forms, tags, heads, labels)
    base = MARGIN + layout.height_of(layout.levels + 1)
    width, height = round(layout.width), round(base + BELOW)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" font-family="DejaVu Sans, Verdana, sans-serif">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for start, end, level, _ in layout.arcs:
        parts.append(_svg_arc(start, end, base, base - layout.height_of(level)))
    for x, _ in layout.roots:
        top = base - layout.height_of(layout.levels + 1)
        parts.append(f'<path d="M{x:.1f} {top + 6:.1f}V{base - 5:.1f}" {STROKE}/>')
    for x in [arc.word for arc in layout.arcs] + [x for x, _ in layout.roots]:
        tip = f"{x:.1f},{base:.1f} {x - 3.5:.1f},{base - 7:.1f} {x + 3.5:.1f},{base - 7:.1f}"
        parts.append(f'<polygon points="{tip}" fill="{plot.GREY}"/>')
    for x, y, label in label_places(layout):
        half = (SMALL * len(label) + 6) / 2
        parts.append(
            f'<rect x="{x - half:.1f}" y="{base - y - 7:.1f}" width="{2 * half:.1f}" height="14" '
            'fill="white"/>'
        )
        parts.append(_svg_text(x, base - y + 4, label, 11, plot.INK))
    for x, form, tag in zip(layout.centres, forms, tags, strict=True):
        parts.append(_svg_text(x, base + 18, form, 14, colour_of(tag)))
        parts.append(_svg_text(x, base + 34, tag, 10, plot.GREY))
    return "\n".join([*parts, "</svg>"])


STROKE = f'fill="none" stroke="{plot.GREY}" stroke-width="1.4"'


def _svg_arc(start: float, end: float, base: float, top: float) -> str:
    """The line of an arc: up from the head, along, down to the word."""
    turn = ROUND if end > start else -ROUND
    return (
        f'<path d="M{start:.1f} {base:.1f}V{top + ROUND:.1f}'
        f"Q{start:.1f} {top:.1f} {start + turn:.1f} {top:.1f}H{end - turn:.1f}"
        f'Q{end:.1f} {top:.1f} {end:.1f} {top + ROUND:.1f}V{base - 5:.1f}" {STROKE}/>'
    )


def _svg_text(x: float, y: float, text: str, size: int, colour: str) -> str:
    """A text around the place x."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="middle" '
        f'fill="{colour}">{escape(text)}</text>'
    )


def label_places(layout: Layout) -> list[tuple[float, float, str]]:
    """The middle of each label, x and height above the words, and the label."""
    places = [((a.head + a.word) / 2, layout.height_of(a.level), a.label) for a in layout.arcs]
    above = layout.height_of(layout.levels + 1)
    return places + [(x, above - 4, label) for x, label in layout.roots]


def draw_tree(
    ax: Axes,
    forms: Sequence[str],
    tags: Sequence[str],
    heads: Sequence[int],
    labels: Sequence[str],
    size: float = 1.0,
) -> None:
    """The same tree into a panel; arguments as `draw_svg`, and a factor for the letters."""
    layout = lay_out(forms, tags, heads, labels)
    for start, end, level, _ in layout.arcs:
        top, turn = layout.height_of(level), ROUND if end > start else -ROUND
        xs = [
            start,
            start,
            start + turn * 0.3,
            start + turn,
            end - turn,
            end - turn * 0.3,
            end,
            end,
        ]
        ys = [0, top - ROUND, top - ROUND * 0.3, top, top, top - ROUND * 0.3, top - ROUND, 4]
        ax.plot(xs, ys, "-", color=plot.GREY, lw=1.1)
    for x, _ in layout.roots:
        ax.plot([x, x], [layout.height_of(layout.levels + 1) - 8, 4], "-", color=plot.GREY, lw=1.1)
    tips = [arc.word for arc in layout.arcs] + [x for x, _ in layout.roots]
    ax.plot(tips, [3] * len(tips), "v", color=plot.GREY, ms=4.5 * size)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}
    for x, y, label in label_places(layout):
        ax.text(x, y, label, ha="center", va="center", size=8 * size, bbox=box)
    for x, form, tag in zip(layout.centres, forms, tags, strict=True):
        ax.text(x, -14, form, ha="center", va="center", size=10 * size, color=colour_of(tag))
        ax.text(x, -30, tag, ha="center", va="center", size=8 * size, color=plot.GREY)
    ax.set(xlim=(0, layout.width), ylim=(-BELOW, layout.height_of(layout.levels + 1) + LEVEL / 2))
    ax.set_axis_off()
