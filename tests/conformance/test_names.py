"""Every name in the code is defined somewhere.

ruff's F821 looks for names that are not, and takes the shapes of jaxtyping (`Float[Tensor, "n"]`)
for such. So it is off in `make lint`; here it runs, and what it says of shapes is left out.
"""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conformance.pages import ROOT

RUFF = ["ruff", "check", "--isolated", "--ignore-noqa", "--select", "F821", "--output-format=json"]


def undefined(place):
    """The undefined names in a file or folder: "file:line name"."""
    done = subprocess.run(
        [sys.executable, "-m", *RUFF, str(place)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode < 2, done.stderr
    hits = json.loads(done.stdout)
    shapes = {file: shapes_of(file) for file in {hit["filename"] for hit in hits}}
    return [
        f"{Path(hit['filename']).name}:{hit['location']['row']} {hit['message'].split('`')[1]}"
        for hit in hits
        if (hit["location"]["row"], hit["location"]["column"]) not in shapes[hit["filename"]]
    ]


def shapes_of(file):
    """Line and column, both from 1, of every character in the quotes of a jaxtyping shape."""
    source = Path(file).read_text()
    tree, lines, types, found = ast.parse(source), source.splitlines(), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "jaxtyping":
            types |= {alias.asname or alias.name for alias in node.names}
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(
                value=ast.Name(id=name), slice=ast.Tuple(elts=[_, ast.Constant(value=str()) as s])
            ) if name in types:
                before = lines[s.lineno - 1].encode()[: s.col_offset].decode()  # ast counts bytes
                found |= {(s.lineno, len(before) + 2 + i) for i in range(len(s.value))}
    return found


def test_every_name_is_defined():
    assert undefined(".") == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("def f(x: Float[Tensor, 'n']) -> int: return nowhere(x)", "nowhere"),
        ("def f(x: 'Nowhere') -> Float[Tensor, 'n']: return x", "Nowhere"),
        ("def f(x: list['n']) -> Float[Tensor, 'n']: return x", "n"),
        ("def f(x: Float[Nowhere, 'n']): return x", "Nowhere"),
        ("'×', f(y), (lambda x: y)  # noqa: F821", "f"),
    ],
)
def test_a_name_that_is_nowhere_is_found(tmp_path, line, name):
    file = tmp_path / "planted.py"
    file.write_text(f"from jaxtyping import Float\nfrom torch import Tensor\ny = 1\n{line}\n")
    assert undefined(file) == [f"planted.py:4 {name}"]


def test_shapes_are_no_names(tmp_path):
    file = tmp_path / "planted.py"
    shapes = "é: Float[Tensor, 'n'], ü: Float[Tensor, 'n *m']) -> B[Tensor, '_ n+1'] | None"
    file.write_text(
        f"from jaxtyping import Bool as B, Float\nfrom torch import Tensor\ndef f({shapes}: ...\n"
    )
    assert undefined(file) == []
