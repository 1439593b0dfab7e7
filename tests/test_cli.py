"""Every verb through the front door: what it prints, JSON too, its exit code.

The rooms: gradus.verbs.recipes (list, describe), gradus.verbs.training (train), gradus.verbs.runs
(runs, evaluate, advise), gradus.verbs.predict, gradus.verbs.data, gradus.verbs.figures,
gradus.verbs.search (searches are tested in tests/core), gradus.verbs.look and gradus.verbs.stylize
(in tests/vision); gradus.verbs.words has the words that they share.
"""

import io
import json
import os
import pty
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gradus
from gradus import catalog, cli
from gradus.core.experiment import trained
from tests.commands import PROGRAM, ROOT, call, run

VERBS = sorted(cli.VERBS)
LIGHT = ("--help", "--version", "list", "list --json", "runs", "evaluate --help")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A short digits-mlp run, made through the command line."""
    folder = tmp_path_factory.mktemp("cli") / "runs" / "digits"
    words = ("train", "digits-mlp", "--epochs", 2, "--hidden", 16, "--run-dir", folder)
    assert cli.main([str(w) for w in words]) == 0
    return folder


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """A 5 as a photo: dark ink on grey paper, larger than the data's."""
    from gradus.data.digits import read_digits

    digits = read_digits()
    image = digits.test_images[list(digits.test_labels).index(5)]
    path = tmp_path_factory.mktemp("pictures") / "five.png"
    large = Image.fromarray(255 - image).resize((160, 160), Image.Resampling.BICUBIC)
    Image.fromarray(np.pad(np.asarray(large), 40, constant_values=255)).save(path)
    return path


def document(said):
    """The one JSON document on standard output; an error if there is more or less."""
    assert said.code == 0, said.err
    return json.loads(said.out)


# Light --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", LIGHT)
def test_answers_without_importing_torch(words, tmp_path):
    program = (
        "import sys; from gradus.cli import main; main(sys.argv[1:]); "
        "sys.exit(99 if {'torch', 'numpy', 'matplotlib'} & set(sys.modules) else 0)"
    )
    said = run(*words.split(), program=[sys.executable, "-c", program], cwd=tmp_path)
    assert said.code == 0, said.err
    assert said.out


def test_help_answers_at_once():
    """Under half a second of processor time, whatever else the machine does."""
    times = []
    for _ in range(5):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert run("--help").code == 0
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        times.append(sum(after[:2]) - sum(before[:2]))
    assert min(times) < 0.5


def test_importing_gradus_does_nothing():
    program = "import sys, gradus, gradus.neurons; sys.exit('torch' in sys.modules)"
    said = run(program=[sys.executable, "-c", program])
    assert said == (0, "", "")


def test_the_installed_command_is_this_one():
    command = Path(sys.executable).with_name("gradus")
    if not command.exists():
        pytest.skip("Gradus is not installed as a command here")
    assert run("--version", program=[command]).out == f"gradus {gradus.__version__}\n"


# Help ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [(), ("--help",), ("-h",), ("help",)])
def test_the_overview_names_every_verb(words, capsys):
    said = call(capsys, *words)
    assert (said.code, said.err) == (0, "")
    named = re.findall(r"^  (\S+) ", said.out, re.MULTILINE)
    assert sorted(named) == VERBS
    assert all(len(line) <= 80 for line in said.out.splitlines())


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself(verb, capsys):
    said = call(capsys, verb, "--help")
    assert (said.code, said.err) == (0, "")
    assert f"usage: gradus {verb}" in said.out
    arguments = cli.VERBS[verb].arguments
    assert arguments.__doc__.split("\n")[0].split(":")[0][:40] in re.sub(r"\s+", " ", said.out)


@pytest.mark.parametrize("name", catalog.RECIPES)
def test_every_setting_is_an_option_with_its_help(name, capsys):
    said = call(capsys, "train", name, "--help")
    assert said.code == 0
    for setting in vars(catalog.recipe(name).config):
        name = setting.replace("_", "-")
        assert f"--{name}" in said.out or f"--no-{name}" in said.out
    assert "Learning rate" in said.out


def test_defaults_are_those_of_python(capsys):
    config = catalog.recipe("digits-mlp").config
    text = call(capsys, "train", "digits-mlp", "--help").out
    for setting in ("epochs", "batch_size", "lr"):
        option = f"--{setting.replace('_', '-')}"
        found = re.search(rf"{option} .*?\(default: ([^)]*)\)", text, re.DOTALL)
        assert float(found[1]) == getattr(config, setting)


# Verbs --------------------------------------------------------------------------------------------


def test_list(capsys):
    said = call(capsys, "list")
    assert said.code == 0
    for name in catalog.RECIPES:
        assert name in said.out
    assert "[mnist]" in said.out
    assert "\x1b" not in said.out
    assert all(len(line) <= 80 for line in said.out.splitlines())
    rows = document(call(capsys, "list", "--json"))["recipes"]
    assert [row["name"] for row in rows] == list(catalog.RECIPES)
    for row in rows:
        assert row["summary"]
        assert row["data"]
        assert row["source"]


def test_describe(capsys, tmp_path):
    said = call(capsys, "describe", "digits-mlp", "--draw", tmp_path / "net.png")
    assert said.code == 0, said.err
    assert re.search(r"hidden_1 +Linear +\(64,\) +4,160 +8,192", said.out)
    assert (tmp_path / "net.png").stat().st_size > 5000
    rows = document(call(capsys, "describe", "digits-mlp", "--hidden", 8, "--json"))["layers"]
    assert sum(row["parameters"] for row in rows) == (64 + 1) * 8 + (8 + 1) * 10
    assert rows[0]["output_shape"] == [8]


def test_train_says_what_came_of_it(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = call(capsys, "train", "fast-food", "--quick", "--epochs", 3)
    assert said.code == 0
    assert re.match(r"fast-food: test loss [\d.e-]+ \(30 updates in [\d.]+ s\)\n", said.out)
    assert "runs/fast-food-1/report.md" in said.out
    assert "band" in said.out or "no score was measured" in said.out
    assert "epoch 3/3" in said.err
    call(capsys, "train", "fast-food", "--epochs", 1)
    assert {p.name for p in (tmp_path / "runs").iterdir()} == {"fast-food-1", "fast-food-2"}


def test_python_and_command_line_give_the_same_run(digits, tmp_path):
    run_ = gradus.train("digits-mlp", run_dir=tmp_path / "r", epochs=2, hidden=(16,))
    for name in ("weights.safetensors", "metrics.jsonl"):
        assert (run_.path / name).read_bytes() == (digits / name).read_bytes()


def test_evaluate(capsys, digits):
    said = call(capsys, "evaluate", digits)
    assert (said.code, said.err) == (0, "")
    stored = json.loads((digits / "run.json").read_text())["results"]
    for split in ("test", "validation"):
        found = document(call(capsys, "evaluate", digits, "--split", split, "--json"))
        assert found[split] == pytest.approx(stored[split], abs=1e-6)
        assert found["recipe"] == "digits-mlp"
    assert f"{stored['test']['accuracy']:.2%}" in said.out


def test_predict(capsys, digits, picture, monkeypatch):
    said = call(capsys, "predict", digits, picture, picture)
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{picture}: 5 (")
    answers = document(call(capsys, "predict", digits, picture, "--json"))["answers"]
    assert answers[0]["label"] == "5"
    assert answers[0]["probability"] == max(t["probability"] for t in answers[0]["top"])
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{picture}\n\n"))
    assert call(capsys, "predict", digits).out == f"{lines[0]}\n"
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert call(capsys, "predict", digits).code == 2


def test_predict_takes_negative_numbers(capsys, tmp_path):
    words = ("train", "planar-net", "--epochs", 1, "--examples", 20, "--run-dir", tmp_path / "r")
    assert call(capsys, *words).code == 0
    answers = document(call(capsys, "predict", tmp_path / "r", "-1,-.5", "0.5,1", "--json"))
    assert [a["input"] for a in answers["answers"]] == [[-1.0, -0.5], [0.5, 1.0]]


def test_data(capsys, tmp_path, monkeypatch):
    monkeypatch.delenv("GRADUS_DATA", raising=False)
    monkeypatch.setenv("GRADUS_CACHE", str(tmp_path))
    said = call(capsys, "data")
    assert said.code == 0
    assert re.search(r"mnist +Handwritten", said.out)
    assert "0 of 4" in said.out
    one = call(capsys, "data", "mnist").out
    assert "https://" in one
    assert "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609" in one
    files = document(call(capsys, "data", "mnist", "--json"))["mnist"]
    assert [f["ok"] for f in files] == [False] * 4
    assert "https://" in call(capsys, "data", "vgg19").out


@pytest.mark.data
def test_data_that_is_here(capsys, real_data):
    files = document(call(capsys, "data", "mnist", "--fetch", "--json"))["mnist"]
    assert [f["ok"] for f in files] == [True] * 4
    assert all(f["path"].startswith(str(real_data)) for f in files)


def test_runs(capsys, digits, tmp_path):
    said = call(capsys, "runs", digits.parent)
    assert said.code == 0
    assert re.search(r"digits +complete +accuracy [\d.]+% +[12]/2 ", said.out)
    found = document(call(capsys, "runs", digits.parent, "--json"))["runs"]
    assert [r["path"] for r in found] == [str(digits)]
    assert found[0]["config"]["hidden"] == [16]
    assert document(call(capsys, "runs", digits.parent, "--recipe", "x", "--json")) == {"runs": []}
    assert "no runs in" in call(capsys, "runs", tmp_path / "none").out


def test_thousands_of_runs_are_listed_at_once(capsys, digits, tmp_path):
    text = (digits / "run.json").read_text()
    for number in range(5000):
        (tmp_path / f"r{number}").mkdir()
        (tmp_path / f"r{number}" / "run.json").write_text(text)
    started = time.process_time()
    assert len(document(call(capsys, "runs", tmp_path, "--json"))["runs"]) == 5000
    assert time.process_time() - started < 2


def test_figure_of_a_run(capsys, digits):
    before = {p.name: p.read_bytes() for p in (digits / "figures").iterdir()}
    for path in (digits / "figures").iterdir():
        path.unlink()
    said = call(capsys, "figure", digits)
    assert said.code == 0, said.err
    for line in said.out.splitlines():
        assert Path(line).is_file()
    after = {p.name: p.read_bytes() for p in (digits / "figures").iterdir()}
    assert after == before, "the same run gives the same picture"


def test_figure_of_the_book(capsys, tmp_path):
    rows = document(call(capsys, "figure", "--list", "--json"))["figures"]
    assert {"1-4", "2-3", "3-7"} <= {row["figure"] for row in rows}
    assert all(row["what"] for row in rows)
    assert "1-12" in call(capsys, "figure", "--list").out
    drawn = document(call(capsys, "figure", "1-12", "--out", tmp_path, "--json"))["figures"]
    assert drawn == [str(tmp_path / "figure-1-12.png")]
    with Image.open(drawn[0]) as image:
        assert image.size[0] > 800


def test_advise(capsys, digits):
    said = call(capsys, "advise", digits)
    assert said.code == 0
    assert said.out.startswith(f"{digits}: too short\n")
    found = document(call(capsys, "advise", digits, "--json"))
    assert found["verdict"] == "too short"
    assert found["next_steps"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(capsys, shell, tmp_path):
    said = call(capsys, "completion", shell)
    assert (said.code, said.err) == (0, "")
    for word in (*VERBS, "digits-mlp", "--run-dir" if shell != "fish" else "run-dir"):
        assert word in said.out
    if shell == "bash":
        done = subprocess.run(["bash", "-n"], input=said.out, text=True, capture_output=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_version(capsys):
    assert call(capsys, "--version") == (0, f"gradus {gradus.__version__}\n", "")


# The library's front door -------------------------------------------------------------------------


def test_open_evaluate_predict_figure(digits, picture):
    run_ = gradus.open(digits)
    assert run_.status == "complete"
    assert set(run_.evaluate()) == {"loss", "accuracy"}
    assert run_.predict(picture)[0]["label"] == "5"
    assert run_.figure("confusion").is_file()
    assert "digits-mlp" in repr(run_)
    with pytest.raises(gradus.UsageError, match="did you mean confusion"):
        run_.figure("confused")
    with pytest.raises(gradus.UsageError, match="split must be"):
        run_.evaluate("tests")


def test_a_kept_run_is_not_trained_twice(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first = trained(catalog.recipe("fast-food"), epochs=2)
    created = first.info["created"], (first.path / "weights.safetensors").stat().st_mtime_ns
    again = trained(catalog.recipe("fast-food"), epochs=2)
    assert (again.info["created"], (again.path / "weights.safetensors").stat().st_mtime_ns) == (
        created
    )
    assert trained(catalog.recipe("fast-food"), epochs=3).path != first.path


def test_the_digit_of_another_set_is_only_scaled(tmp_path, capsys):
    """A folder of pictures by class: they are not brought into the form of digits."""
    draw = np.random.default_rng(0)
    for name, low in (("dark", 0), ("light", 180)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(20):
            image = draw.integers(low, low + 60, (6, 9)).astype(np.uint8)
            Image.fromarray(image).save(tmp_path / "set" / name / f"{number}.png")
    words = ("--data", tmp_path / "set", "--validation", 5, "--hidden", 8, "--batch-size", 4)
    said = call(capsys, "train", "digits-mlp", *words, "--epochs", 20, "--run-dir", tmp_path / "r")
    assert said.code == 0, said.err
    for name in ("dark", "light"):
        level = 30 if name == "dark" else 210
        Image.fromarray(np.full((40, 60), level, np.uint8)).save(tmp_path / f"{name}.png")
        answer = gradus.open(tmp_path / "r").predict(tmp_path / f"{name}.png")[0]
        assert answer["label"] == name


# A terminal ---------------------------------------------------------------------------------------


def on_a_terminal(*words, **environment):
    """What a command writes when a terminal is attached, and its exit code."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *map(str, words)],
        cwd=ROOT,
        env={"TERM": "xterm-256color", **os.environ, **environment},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    written = bytearray()
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # the other side is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    return process.wait(timeout=60), written.decode()


def test_colours_only_on_a_terminal_that_wants_them(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    code, text = on_a_terminal("list")
    assert code == 0
    assert "\x1b[" in text
    code, text = on_a_terminal("list", NO_COLOR="1")
    assert code == 0
    assert "\x1b" not in text
    said = run("list", env={**os.environ, "FORCE_COLOR": "1"})
    assert said.code == 0
    assert "\x1b" not in said.out


def test_a_bar_on_a_terminal(tmp_path, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    words = ("train", "digits-mlp", "--hidden", 4, "--epochs", 60, "--run-dir", tmp_path / "r")
    code, text = on_a_terminal(*words)
    assert code == 0, text
    assert re.search(r"steps/s", text)
    assert re.search(r"\d+/2340", text)
    assert "test accuracy" in text
    assert "\x1b[?25h" in text, "the cursor is given back"


def test_sigint_before_training_is_one_line(monkeypatch, capsys):
    monkeypatch.setattr(cli.catalog, "recipe", lambda name: signal.raise_signal(signal.SIGINT))
    assert call(capsys, "train", "digits-mlp") == (130, "", "gradus: stopped\n")
