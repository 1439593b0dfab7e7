"""`gradus compare` as its users meet it (gradus.verbs.compare)."""

import contextlib
import io
import json
import re
import time

import pytest

from gradus.cli import main
from gradus.core.rules import OPTIMISERS
from tests.commands import call, contents, one_line, start

WORDS = (
    "compare digits-mlp --optimizer sgd adam lbfgs --seeds 2 --lr adam=0.01 "
    "--epochs 3 --hidden 8 --batch-size 200 --run-dir"
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A comparison through the command line: folder and what was said."""
    path = tmp_path_factory.mktemp("compare") / "c"
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_COLOR", "1")
        patch.setenv("COLUMNS", "80")
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main([*WORDS.split(), str(path)])
    assert code == 0, err.getvalue()
    return path, out.getvalue(), err.getvalue()


def test_it_says_who_is_best_and_how_soon(made):
    path, out, _ = made
    results = json.loads((path / "compare.json").read_text())["results"]
    assert all(len(line) <= 80 for line in out.splitlines() if str(path) not in line)
    first, head, *rows = out.splitlines()
    winner = results["optimizers"][0]
    assert first.startswith(f"digits-mlp: {winner['name']} is best, validation accuracy ")
    assert f"{winner['mean']:.2%} ± {winner['sd']:.2%} (2 seeds)" in first
    assert re.fullmatch(r"optimizer +lr +accuracy ± sd +steps +seconds +in all \(s\)", head)
    for row, found in zip(rows, results["optimizers"], strict=False):
        assert row.split()[:4] == [
            found["name"], f"{found['lr']:g}", f"{found['mean']:.2%}", "±"
        ]  # fmt: skip
    assert re.search(r"^sgd +0\.01:[\d.]+% .*\[[\d.]+:[\d.]+%\]", out, re.MULTILINE)
    assert not re.search(r"^(adam|lbfgs) +[\d.]+:", out, re.MULTILINE), "these have no grid"
    (accuracy,) = re.findall(rf"test accuracy of {winner['name']}, read once: ([\d.]+)%", out)
    values = results["test"]["accuracy"]
    assert float(accuracy) == pytest.approx(100 * sum(values) / 2, abs=0.005)
    assert (path / "comparison.png").stat().st_size > 20_000


def test_it_tells_what_it_does_and_for_how_long(made):
    _, _, err = made
    assert "3 optimizers × 2 seeds: 610 parameters, 1,237 examples" in err.replace("\n", " ")
    assert "sgd: trying the rates 0.01 0.03 0.1 0.3 1 for 1 epoch" in err
    assert re.search(r"adam, lr 0.01, seed 1", err)
    assert re.search(r"\d s left", err)


def test_json(made, capsys):
    path, _, _ = made
    words = ("compare", "digits-mlp", "--run-dir", path, "--resume", "--json")
    said = call(capsys, *words)
    assert said.code == 0, said.err
    found = json.loads(said.out)
    assert found == json.loads((path / "compare.json").read_text())["results"]
    assert {o["name"] for o in found["optimizers"]} == {"sgd", "adam", "lbfgs"}
    assert all(len(o["trainings"]) == 2 for o in found["optimizers"])


def test_its_runs_can_be_looked_at(made, capsys):
    path, _, _ = made
    rows = json.loads(call(capsys, "runs", path, "--json").out)["runs"]
    assert len(rows) == 6
    assert call(capsys, "runs", path).code == 0
    assert call(capsys, "evaluate", path / "adam-seed-0", "--split", "validation").code == 0
    assert call(capsys, "advise", path / "adam-seed-0").code == 0


def test_help_is_worth_reading(capsys):
    for words in (("compare", "--help"), ("compare", "digits-mlp", "--help")):
        said = call(capsys, *words)
        assert said.code == 0
        lines = said.out.splitlines()
        assert len(lines) >= 20
        assert all(len(line) <= 80 for line in lines)
        for name in OPTIMISERS:
            assert name in said.out
        for word in ("--level", "--seeds", "--lr", "same seeds", "validation", "test set"):
            assert word in said.out
    assert "--epochs" in said.out
    assert said.out.count(" --lr ") == 1, "the recipe's own rate is no option here"


def test_killed_and_resumed_it_comes_to_the_same(made, tmp_path, capsys):
    whole = made[0]
    path = tmp_path / "my c"
    process = start(*WORDS.split(), path)
    deadline = time.monotonic() + 120
    while not (path / "adam-seed-0" / "metrics.jsonl").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.communicate(timeout=60)
    words = ("compare", "digits-mlp", "--run-dir", path, "--resume")
    said = call(capsys, *words)
    assert said.code == 0, said.err
    for folder in whole.glob("*-seed-*"):
        for file in ("metrics.jsonl", "weights.safetensors"):
            assert (path / folder.name / file).read_bytes() == (folder / file).read_bytes()
    one, other = (json.loads((p / "compare.json").read_text())["results"] for p in (whole, path))
    assert one["test"] == other["test"]
    for a, b in zip(one["optimizers"], other["optimizers"], strict=True):
        assert [a[k] for k in ("name", "lr", "lr_tried", "mean", "sd")] == [
            b[k] for k in ("name", "lr", "lr_tried", "mean", "sd")
        ]


USES = {
    "compare": ("which recipe?", "gradus list"),
    "compare digit-mlp": ("digits-mlp",),
    "compare digits-mlp --optimizer sgd adm": ("'adm'", "did you mean adam"),
    "compare digits-mlp --optimizer sgd sgd": ("different optimizers", "sgd sgd"),
    "compare digits-mlp --optimizer": ("different optimizers, got none",),
    "compare digits-mlp --seeds 0": ("gradus: seeds must be ≥ 1, got 0",),
    "compare digits-mlp --seeds two": ("--seeds", "two"),
    "compare digits-mlp --lr 0.1": ("NAME=RATE", "'0.1'"),
    "compare digits-mlp --lr sgd=fast": ("NAME=RATE", "'sgd=fast'"),
    "compare digits-mlp --lr sgd=0": ("lr must be > 0", "0.0"),
    "compare digits-mlp --lr adadelta=0.1": ("adadelta", "not compared", "sgd"),
    "compare digits-mlp --level high": ("--level", "high"),
    "compare digits-mlp --optimizer adam --momentum 0.9": ("momentum=0.9", "adam"),
    "compare digits-mlp --optimizer sgd bfgs --dropout 0.5": ("bfgs", "same loss", "--dropout"),
    "compare digits-mlp --optimizer lbfgs --max-norm 3": ("lbfgs", "projection", "--max-norm"),
    "compare digits-mlp --optimizer lbfgs --clip-norm 1": ("lbfgs", "clip_norm=1.0"),
    "compare digits-mlp --optimizer lbfgs --precision bf16-mixed": ("lbfgs", "bf16-mixed"),
    "compare digits-mlp --optimizer bfgs --hidden 256": ("10,000", "19,210", "L-BFGS"),
    "compare digits-mlp --resume": ("--run-dir",),
    "compare digits-mlp --resume --run-dir nowhere": ("nowhere", "not a comparison folder"),
    "compare digits-mlp --epochs 0": ("epochs must be ≥ 1",),
    "train digits-mlp --optimizer bfgs --dropout 0.5": ("bfgs", "same loss", "--dropout"),
    "train digits-mlp --optimizer lbfgs --l1 0.1": ("lbfgs", "projection", "--l1"),
    "train mnist-mlp --optimizer newton": ("newton", "--optimizer", "nesterov"),
}


@pytest.mark.parametrize("words", USES)
def test_wrong_use(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = one_line(call(capsys, *words.split()), 2)
    for word in USES[words]:
        assert word in line
    assert len(line) <= 200
    assert not contents(tmp_path), "a mistake leaves nothing behind"


def test_a_folder_that_is_not_empty_needs_resume(made, tmp_path, capsys):
    path, _, _ = made
    words = ("compare", "digits-mlp", "--run-dir")
    one_line(call(capsys, *words, path), 2, "already holds a comparison: go on with --resume")
    (tmp_path / "notes.txt").write_text("mine")
    one_line(call(capsys, *words, tmp_path), 2, "is not empty (notes.txt)")


def test_a_comparison_goes_on_as_it_began(made, capsys):
    path, _, _ = made
    words = ("compare", "digits-mlp", "--run-dir", path, "--resume")
    one_line(call(capsys, *words, "--seeds", 3), 2, "seeds is 2 in")
    one_line(call(capsys, *words, "--lr", "adam=0.1"), 2, "rates is {'adam': 0.01} in")
    one_line(call(capsys, "compare", "fast-food", *words[2:]), 2, "of digits-mlp, not of fast-food")
