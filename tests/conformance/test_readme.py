"""The README and the pages of the documentation run: every command and every Python block."""

import os
import shlex
import sys

import pytest

from gradus import catalog
from gradus.cli import main
from tests.conformance.pages import PAGES, ROOT, Step, name, steps

RUNNABLE = [page for page in PAGES if any(steps(page))]


def words_of(step: Step) -> list[str]:
    """What follows `gradus`; a training that should succeed is made as small as its smoke test.

    The data stay what they are, a setting that the line gives stays too, and a resumed run keeps
    its own settings.
    """
    words = shlex.split(step.text, comments=True)[1:]
    if words[0] != "train" or "--resume" in words or step.exit_code:
        return words
    for setting, value in catalog.recipe(words[1]).smoke.items():
        option = "--" + setting.replace("_", "-")
        if option not in words and setting not in ("data", "validation"):
            given = () if value is True else value if isinstance(value, tuple) else (value,)
            words += [option, *map(str, given)]
    return words


@pytest.mark.timeout(600)
@pytest.mark.parametrize("page", RUNNABLE, ids=name)
def test_page_runs(page, tmp_path, monkeypatch, capfd):
    (tmp_path / "gradus").symlink_to(ROOT / "gradus")  # pages name files from the project's root
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")
    names: dict = {}
    left_out = []
    for step in steps(page):
        if step.needs_mnist and not os.environ.get("GRADUS_DATA"):
            left_out.append(step.text)
        elif step.python:
            exec(compile(step.text, str(page), "exec"), names)
        else:
            words = words_of(step)
            monkeypatch.setattr(sys, "argv", ["gradus", *words])
            code = main(words)
            said = capfd.readouterr()
            assert code == step.exit_code, f"gradus {shlex.join(words)}: exit {code}: {said.err}"
            assert said.out or code, f"gradus {shlex.join(words)}: printed nothing"
    if left_out:
        pytest.skip(f"{len(left_out)} lines need MNIST (set GRADUS_DATA); the others ran")


def test_pages_hold_steps_of_both_kinds():
    found = [step for page in RUNNABLE for step in steps(page)]
    assert sum(step.python for step in found) >= 4
    assert sum(not step.python for step in found) >= 30
    assert {step.exit_code for step in found} == {0, 1}
