"""A parser's answers as lines of text: a tree to read, CoNLL-U, or a drawing."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.text import Text

from gradus.data.answers import Answer
from gradus.sequence.conllu import NONE, Row, Sentence, write_sentence
from gradus.sequence.parsing.drawing import draw_svg
from gradus.sequence.tagging.output import colour_of

Words = list[dict[str, Any]]


def plain(answers: Sequence[Answer]) -> Iterator[Text]:
    """Each sentence as a tree from its root down, the words below a word in their order."""
    for words in _sentences(answers):
        below: list[list[int]] = [[] for _ in range(len(words) + 1)]
        for number, word in enumerate(words, 1):
            below[word["head"]].append(number)
        waiting = [(number, "", "") for number in reversed(below[0])]
        while waiting:
            number, before, here = waiting.pop()
            yield _line(words[number - 1], here)
            for child in reversed(below[number]):
                last = child == below[number][-1]
                lead, more = ("└─ ", "   ") if last else ("├─ ", "│  ")
                waiting.append((child, before + more, before + lead))
        yield Text()


def _line(word: dict[str, Any], lead: str) -> Text:
    """A word in its colour, with tag and label."""
    line = Text(lead, "dim")
    line.append(word["word"], colour_of(word["tag"]) or "default")
    line.append(f"  {word['tag']}", "dim")
    line.append(f"  {word['label']}")
    return line


def conllu(answers: Sequence[Answer]) -> Iterator[Text]:
    """CoNLL-U, with each sentence's text as a comment."""
    number = 0
    for answer in answers:
        for words in answer["sentences"]:
            number += 1
            text = " ".join(answer["input"][words[0]["start"] : words[-1]["end"]].split())
            rows = tuple(_row(words, i) for i in range(len(words)))
            made = Sentence(rows, (f"# sent_id = {number}", f"# text = {text}"))
            yield from map(Text, write_sentence(made).split("\n")[:-1])


def _row(words: Words, at: int) -> Row:
    """A word of an answer as a row."""
    word = words[at]
    tags = word["tag"].split(" ")
    joined = at + 1 < len(words) and words[at + 1]["start"] == word["end"]
    return Row(
        str(at + 1),
        word["word"],
        upos=tags[0] if len(tags) == 2 else NONE,
        xpos=tags[-1] or NONE,
        head=str(word["head"]),
        deprel=word["label"],
        misc="SpaceAfter=No" if joined else NONE,
    )


def svg(answers: Sequence[Answer]) -> Iterator[Text]:
    """One SVG document that draws the trees, one below the other."""
    drawings = [
        draw_svg(
            [w["word"] for w in words],
            [w["tag"].split(" ")[-1] for w in words],
            [w["head"] for w in words],
            [w["label"] for w in words],
        )
        for words in _sentences(answers)
    ]
    yield from map(Text, stacked(drawings).split("\n"))


def stacked(drawings: Sequence[str]) -> str:
    """SVG documents in one, one below the other."""
    sizes = [[int(part.split('"')[1]) for part in _sizes(drawing)] for drawing in drawings]
    width, height = max((w for w, _ in sizes), default=0), sum(h for _, h in sizes)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}">'
    ]
    top = 0
    for drawing, (_, high) in zip(drawings, sizes, strict=True):
        parts.append(drawing.replace("<svg ", f'<svg y="{top}" ', 1))
        top += high
    return "\n".join([*parts, "</svg>"])


def _sizes(drawing: str) -> list[str]:
    """The width and height of a document, as they are written."""
    return [f"{name}{drawing.split(name, 1)[1]}" for name in ("width=", "height=")]


def _sentences(answers: Sequence[Answer]) -> Iterator[Words]:
    """The sentences of all answers."""
    return (words for answer in answers for words in answer["sentences"])


FORMATS = {"plain": plain, "conllu": conllu, "svg": svg}
"""Name -> function that makes lines of answers."""
