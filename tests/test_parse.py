"""Words become dataclasses; mistakes become one line. And what tables look like."""

from dataclasses import dataclass

import pytest
from tyro.conf import Positional

from gradus.core.errors import UsageError
from gradus.core.recipe import nearest
from gradus.parse import _one_line, _options, completion_script, parse
from gradus.tables import heading, say, show_json, table
from tests.commands import run


@dataclass(frozen=True)
class Inner:
    """What belongs together."""

    rate: float = 0.5
    """How fast."""
    sizes: tuple[int, ...] = (1, 2)
    """How large."""


@dataclass(frozen=True)
class Words:
    """A verb's words."""

    what: Positional[str]
    """On what."""
    inner: Inner = Inner()
    """Nested, without a prefix."""
    fast: bool = False
    """Hurry."""


def test_words_become_fields():
    parsed = parse(Words, ["thing", "--rate", "2", "--sizes", "3", "4", "--fast"], "prog")
    assert parsed == Words("thing", Inner(2.0, (3, 4)), fast=True)
    assert parse(Words, ["thing"], "prog") == Words("thing")
    assert parse(Words, ["thing", "--sizes"], "prog").inner.sizes == ()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["thing", "--rat", "2"], "prog has no option '--rat': did you mean --rate"),
        (["thing", "--rat=2"], "prog has no option '--rat=2': did you mean --rate"),
        (["thing", "other"], "prog has no argument 'other'"),
        (["thing", "--zzz"], "prog has no option '--zzz' (see: prog --help)"),
        (["thing", "--rate", "fast"], "--rate"),
        ([], "Missing from prog: STR On what."),
    ],
)
@pytest.mark.parametrize("columns", ["40", "200"])
def test_mistakes_are_one_line_however_wide_the_terminal(words, says, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", columns)
    with pytest.raises(UsageError) as refused:
        parse(Words, words, "prog")
    assert says in str(refused.value)
    assert not set("\n│╭╰") & set(str(refused.value))


def test_a_rule_of_the_dataclass_speaks_for_itself():
    @dataclass(frozen=True)
    class Ruled:
        """Has a rule."""

        n: int = 1
        """A number."""

        def __post_init__(self):
            if self.n < 1:
                raise UsageError(f"n must be ≥ 1, got {self.n}")

    with pytest.raises(UsageError, match=r"^n must be ≥ 1, got 0$"):
        parse(Ruled, ["--n", "0"], "prog")


def test_only_options_are_suggested():
    assert _options(Words) == ["rate", "sizes", "fast"]


def test_the_box_around_a_mistake_is_taken_away():
    box = "╭─ Error ─╮\n│ wrong   │\n│ word    │\n│ ─────── │\n│ For full helptext, see │\n╰───╯\n"
    assert _one_line(box) == "wrong word"
    plain = " Error   \n ------- \n  wrong  \n  word   \n  -------\n  For full helptext, see  \n"
    assert _one_line(plain) == "wrong word"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_a_mistake_reads_the_same_in_every_encoding(encoding):
    said = run("train", "digits-mlp", "--devices", "0", env={"PYTHONIOENCODING": encoding})
    assert said.code == 2
    assert said.err.startswith("gradus: devices must be ")


def test_help_is_no_mistake(capsys):
    with pytest.raises(SystemExit) as stop:
        parse(Words, ["--help"], "prog")
    assert not stop.value.code
    assert "usage: prog" in capsys.readouterr().out


def test_completion_knows_nested_verbs():
    script = completion_script("bash", "prog", {"one": Words, "two": {"in": Inner, "words": Words}})
    for word in ("one", "two", "words", "--rate"):
        assert word in script


@pytest.mark.parametrize(
    ("name", "hint"),
    [("epoch", ": did you mean epochs?"), ("xyz", ""), ("", "")],
)
def test_nearest(name, hint):
    assert nearest(name, ["epochs", "lr", "momentum"]) == hint


# Tables -------------------------------------------------------------------------------------------


def test_a_table_without_a_terminal_is_plain(capsys):
    table(["name", "n (m)"], [["a [b]c[/b]", "1"], ["d", "23"]], numbers=(1,))
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines == ["name        n (m)", "a [b]c[/b]      1", "d              23"]


def test_wide_cells_are_wrapped_at_80_columns(capsys):
    table(["name", "what"], [["a", "word " * 40]])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 2
    assert max(map(len, lines)) <= 80


def test_a_line_is_never_broken(capsys):
    for write in (say, heading):
        write("x" * 200 + " [red]y[/red]")
        assert capsys.readouterr().out == "x" * 200 + " [red]y[/red]\n"


def test_json_keeps_all_letters(capsys):
    show_json({"a": "≥ 1", "path": __import__("pathlib").Path("x")})
    assert capsys.readouterr().out == '{\n  "a": "≥ 1",\n  "path": "x"\n}\n'
