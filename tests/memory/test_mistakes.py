"""A user's mistakes with chapter 8, at the command line: one line and an exit code."""

import pytest

from tests.commands import call, offline, one_line

STORY = "1 Ann is in the hall.\n2 Where is Ann?\thall\t1\n"


def files(folder, train):
    """A folder of files like bAbI's, with this training file of task 1."""
    for name, text in (("train", train), ("test", STORY)):
        path = folder / "en" / f"qa1_single-supporting-fact_{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("ntm-copy", "--locations", "0"), "locations must be ≥ 1, got 0"),
        (("ntm-copy", "--longest", "0"), "longest must be ≥ shortest, got 0"),
        (("ntm-copy", "--reads", "0"), "reads must be ≥ 1, got 0"),
        (("dnc-copy", "--width", "-3"), "width must be ≥ 1, got -3"),
        (("ntm-recall", "--shortest", "1"), "shortest must be ≥ 2 for recall, got 1"),
        (("babi-dnc", "--tasks", "21"), "tasks must be numbers in [1, 20], got (21,)"),
        (("babi-dnc", "--data", "generated"), "tasks must be among 1, 7 and 8"),
    ],
)
def test_settings(capsys, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    one_line(call(capsys, "train", *words), 2, said)
    assert not list(tmp_path.iterdir())


def test_stories_that_are_not_there(capsys, tmp_path, monkeypatch):
    offline(monkeypatch, tmp_path)
    line = one_line(call(capsys, "train", "babi-dnc"), 1, "bAbI is not on this machine")
    assert "--data generated" in line


@pytest.mark.parametrize(
    ("train", "said"),
    [
        (
            "1 Ann is in the hall.\n2 Where is Ann?\n",
            "fact_train.txt:2: the question has no answer",
        ),
        ("Ann is in the hall.\n", "fact_train.txt:1: a line must begin with 1"),
        ("", "fact_train.txt: no story with a question"),
    ],
)
def test_malformed_stories(capsys, tmp_path, train, said):
    folder = files(tmp_path / "made", train)
    words = ("train", "babi-lstm", "--data", folder, "--tasks", "1", "--run-dir", tmp_path / "run")
    one_line(call(capsys, *words), 1, said)


def test_no_stories_of_a_task(capsys, tmp_path):
    folder = files(tmp_path / "made", STORY)
    words = ("train", "babi-lstm", "--data", folder, "--tasks", "2", "--run-dir", tmp_path / "run")
    one_line(call(capsys, *words), 1, "no file qa2_…_train.txt")
