"""What every module keeps to: it says what it is for, its examples run, a test knows it."""

import ast
import doctest
import importlib
import importlib.util
import re
import textwrap
from pathlib import Path

import pytest

import gradus

PACKAGE = Path(gradus.__file__).parent
ROOT = PACKAGE.parent
FILES = sorted(PACKAGE.rglob("*.py"))
UNNAMED = {
    "gradus.core": "holds nothing but its docstring",
    "gradus.data": "holds nothing but its docstring",
    "gradus.nn": "holds nothing but its docstring",
    "gradus.verbs": "holds nothing but its docstring",
    "gradus.vision.figures_convolution": "its figures are drawn by their numbers in its test",
    "gradus.vision.style": "holds nothing but its docstring",
    "gradus.vision.beyond": "holds nothing but its docstring",
    "gradus.vision.beyond.build": "every network of the smoke trainings comes from it",
    "gradus.vision.beyond.parts": "test_clips asks its generator for a part that is none",
    "gradus.vision.beyond.recipes": "named by string in the catalogue",
    "gradus.vision.beyond.train": "named by string in the recipes; the smoke trainings run it",
    "gradus.vision.beyond.predict": "named by string in the recipes",
    "gradus.vision.beyond.run_figures": "named by string; the smoke trainings draw it",
    "gradus.memory.build": "every network of the smoke trainings comes from it",
    "gradus.memory.drawing": "the figures of runs in test_predict are drawn with it",
    "gradus.memory.predict": "named by string in the recipes",
    "gradus.memory.run_figures": "named by string in the recipes; test_predict draws it",
    "gradus.verbs.play": "the agents' test_runs calls the verb",
    "gradus.agents.recipes": "named by string in the catalogue",
    "gradus.agents.predict": "named by string in the recipes",
    "gradus.agents.run_figures": "named by string in the recipes; the smoke trainings draw it",
    "gradus.agents.drawing": "the figures of test_figures and of the smoke trainings use it",
    "gradus.__main__": "run by every test that starts a process of its own",
    "gradus.api": "what gradus.train and gradus.open are",
    "gradus.core.curves": "test_advise reads every curve through it",
    "gradus.core.lazy": "test_cli imports gradus and its domains without torch",
    "gradus.core.optim": "test_fit and the smoke trainings go through every optimiser's name",
    "gradus.neurons.build": "every net of the smoke trainings comes from it",
    "gradus.neurons.figures_nets": "its figures are drawn by their numbers in test_figures",
    "gradus.neurons.recipes": "named by string in the catalogue",
    "gradus.neurons.data": "the planar and image recipes of the smoke trainings read it",
    "gradus.neurons.train": "named by string in the recipes; the smoke trainings run it",
    "gradus.neurons.predict": "named by string in the recipes",
    "gradus.embed.words": "holds nothing but its docstring",
    "gradus.embed.words.recipes": "named by string in the catalogue",
    "gradus.neurons.run_figures": "named by string in the recipes; the smoke trainings draw it",
}
"""Modules that no test names, each with what tests it all the same."""


def dotted(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for path in FILES}


@pytest.mark.parametrize("name", MODULES)
def test_every_module_says_what_it_is_for(name):
    text = ast.get_docstring(ast.parse(MODULES[name].read_text()))
    assert text, "a module begins with what it is for"
    assert text.split("\n")[0].endswith((".", ":")), "in one line"


def test_every_module_is_known_to_a_test():
    texts = [p.read_text() for p in (ROOT / "tests").rglob("*.py") if p != Path(__file__)]
    named = set()
    for text in texts:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.ImportFrom) and node.module:
                named |= {node.module, *(f"{node.module}.{a.name}" for a in node.names)}
            elif isinstance(node, ast.Import):
                named |= {a.name for a in node.names}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                named |= set(re.findall(r"gradus(?:\.\w+)+", node.value))
    unknown = MODULES.keys() - named - UNNAMED.keys()
    assert not unknown, f"no test names {', '.join(sorted(unknown))}"
    assert UNNAMED.keys() <= MODULES.keys(), "the list of exceptions is kept short"


@pytest.mark.parametrize("name", MODULES)
def test_imports_have_no_side_effects_on_annotations(name):
    assert "from __future__ import annotations" not in MODULES[name].read_text()


def test_docstring_examples_run():
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for name in [name for name, path in MODULES.items() if ">>>" in path.read_text()]:
        found = doctest.testmod(importlib.import_module(name), optionflags=flags)
        assert found.attempted, name
        assert not found.failed, name


def code_blocks(text):
    """The indented blocks of a docstring that are Python statements."""
    for block in re.findall(r"(?:^    .*\n|^\n)+", text + "\n", re.MULTILINE):
        code = textwrap.dedent(block).strip()
        if re.search(r"^(import|from|@|with) ?\w", code, re.MULTILINE):
            yield code


BLOCKS = [
    (name, code)
    for name, path in MODULES.items()
    for code in code_blocks(ast.get_docstring(ast.parse(path.read_text())) or "")
]


@pytest.mark.parametrize(("name", "code"), BLOCKS, ids=[name for name, _ in BLOCKS])
def test_code_in_module_docstrings_uses_what_exists(name, code):
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            module = importlib.import_module(node.module)
            for alias in node.names:
                inside = f"{node.module}.{alias.name}"
                assert hasattr(module, alias.name) or importlib.util.find_spec(inside)
        elif isinstance(node, ast.Import):
            assert all(importlib.util.find_spec(a.name) for a in node.names)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            owner = {"gradus": gradus, name.rpartition(".")[2]: importlib.import_module(name)}
            if node.value.id in owner:
                assert hasattr(owner[node.value.id], node.attr), node.attr


def test_the_example_of_the_package_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = next(code for name, code in BLOCKS if name == "gradus")
    assert "quick=True" in code
    found: dict = {}
    exec(code.replace("quick=True", "epochs=1, hidden=(8,)"), found)
    assert found["run"].path == Path("runs/digits-mlp-1")
    assert set(found["run"].evaluate()) == {"loss", "accuracy"}
