"""What stands in the documentation: its fenced blocks, inline commands and names of code."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "recipes").glob("*.md")),
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^(?:\.venv/bin/)?(gradus .*)$", re.MULTILINE)
INLINE = re.compile(r"`(?:\.venv/bin/)?gradus ([^`<]+)`")
CODE = re.compile(r"\b(gradus/[\w/]+\.py)(?::([A-Za-z_][\w.]*\w))?")


@dataclass(frozen=True)
class Step:
    """A command line, or a Python block, to be run in the order of its page."""

    text: str
    python: bool

    @property
    def needs_mnist(self) -> bool:
        """Whether it reads MNIST or Fashion-MNIST, or a run that did."""
        return "mnist" in self.text and not self.text.startswith(("gradus data", "gradus list"))

    @property
    def exit_code(self) -> int:
        """0, unless a comment on the line says otherwise."""
        said = re.search(r"# exit code (\d+)", self.text)
        return int(said[1]) if said else 0


def steps(page: Path) -> Iterator[Step]:
    """Everything on a page that a reader would type; blocks marked `text` are not."""
    for language, body in FENCE.findall(page.read_text()):
        if language == "python":
            yield Step(body, python=True)
        elif language in ("", "sh"):
            for line in COMMAND.findall(body):
                yield Step(line, python=False)


def name(page: Path) -> str:
    """The page's path from the root of the project."""
    return str(page.relative_to(ROOT))
