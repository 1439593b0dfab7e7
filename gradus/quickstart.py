"""A tour of a minute, nothing downloaded: train, measure, ask, judge, draw.

`python -m gradus.quickstart` (or `make quickstart`) goes through the same doors as the command
line, and shows each command before it runs it.
"""

import os
import shlex
import shutil
import sys
from importlib.resources import as_file, files
from itertools import count
from pathlib import Path

from gradus.cli import main
from gradus.tables import heading, say

FIGURES = ("1-4", "2-2", "2-3")
"""Figures of the book that take no training."""


def steps(run: Path, picture: Path) -> list[tuple[str, list[str]]]:
    """What the tour does: in words, and as words after `gradus`.

    Args:
        run: the run folder, not there yet; the second run is beside it.
        picture: an image file of one digit.
    """
    return [
        (
            "Train a net of two hidden layers on the handwritten digits of scikit-learn",
            ["train", "digits-mlp", "--quick", "--run-dir", str(run)],
        ),
        ("Measure it on images that it has never seen", ["evaluate", str(run)]),
        ("Ask it about a picture of a handwritten 3", ["predict", str(run), str(picture)]),
        ("Ask what its curves say", ["advise", str(run)]),
        (
            "Train a convolutional network on the same digits",
            ["train", "digits-cnn", "--quick", "--run-dir", f"{run}-cnn"],
        ),
        ("Redraw figures of the book from computed results", ["figure", *FIGURES]),
    ]


def tour() -> int:
    """Run the steps in the current folder; stop at the first that fails.

    Returns:
        the exit code: 0, or that of the step that failed.
    """
    run = next(p for i in count(1) if not (p := Path("runs") / f"quickstart-{i}").exists())
    gradus = _command()
    with as_file(files("gradus") / "data" / "sample_digit.png") as picture:
        for number, (what, words) in enumerate(steps(run, picture), 1):
            heading(f"\n{number}. {what}")
            say(f"$ {gradus} {shlex.join(words)}")
            code = main(words)
            if code:
                sys.stderr.write(f"quickstart: step {number} failed with exit code {code}\n")
                return code
    heading("\nDone")
    say(f"the runs, with their own report.md and figures: {run}/ and {run}-cnn/")
    say("the figures of the book: figures/")
    heading("\nThree things to try next")
    say("a digit that you drew or photographed:")
    say(f"  {gradus} predict {run} YOUR.png")
    say("the 28×28 digits of MNIST, downloaded once:")
    say(f"  {gradus} train mnist-cnn-fast --quick")
    say("all recipes, with what each needs:")
    say(f"  {gradus} list")
    return 0


def _command() -> str:
    """What the user types to call gradus from here."""
    if shutil.which("gradus"):
        return "gradus"
    return os.path.relpath(Path(sys.executable).with_name("gradus"))


if __name__ == "__main__":
    sys.exit(tour())
