"""What an extra has is named with the way to get it where it is missing."""

import sys

import pytest

from gradus import cli
from gradus.core.errors import UsageError
from gradus.core.extras import extra


def test_a_package_that_is_there():
    assert extra("json.decoder", "text").JSONDecoder


def test_a_package_that_is_missing():
    with pytest.raises(
        UsageError, match=r'^no_such is not installed: pip install "gradus-dl\[text\]"'
    ):
        extra("no_such.part", "text")


@pytest.mark.parametrize(
    ("package", "words"),
    [
        ("tokenizers", ("train", "translate-best", "--data", "toy", "--quick")),
        ("sacrebleu", ("train", "translate-book", "--data", "toy", "--quick")),
        ("gymnasium", ("train", "cartpole-a2c", "--quick")),
    ],
)
def test_a_recipe_says_before_it_trains_what_is_missing(
    package, words, capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, package, None)
    assert cli.main(words) == 2
    said = capsys.readouterr().err.splitlines()
    assert said == [f'gradus: {package} is not installed: pip install "gradus-dl[{group(words)}]"']
    assert not (tmp_path / "runs").exists(), "no folder is made"


def group(words):
    return "agents" if words[1].startswith("cartpole") else "text"
