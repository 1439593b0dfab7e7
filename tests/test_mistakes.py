"""Every mistake gets one clear line and its exit code: 2 for wrong use, 1 for what failed."""

import contextlib
import gzip
import hashlib
import json
import os
import resource
import shutil
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import gradus
from gradus import catalog
from gradus.cli import main
from gradus.core import experiment
from gradus.core.errors import UsageError
from gradus.core.run import create
from gradus.data.idx import PARTS
from tests.commands import PROGRAM, call, contents, epochs_done, is_root, offline, one_line, run
from tests.tiny import TINY

LONG = 200

USES = {
    "evalute": ("evaluate",),
    "train": ("which recipe?", "gradus list"),
    "train --epochs 3": ("which recipe?",),
    "train mnist-mpl": ("mnist-mlp", "gradus list"),
    "describe digit-mlp": ("digits-mlp",),
    "train digits-mlp --epochz 3": ("--epochz", "--epochs", "--help"),
    "train digits-mlp --epochs many": ("--epochs", "many"),
    "train digits-mlp --epochs 2.5": ("--epochs", "2.5"),
    "train digits-mlp --lr fast": ("--lr", "fast"),
    "train digits-mlp --hidden 16 wide": ("--hidden", "wide"),
    "train digits-mlp --optimizer sdg": ("sdg", "--optimizer", "sgd"),
    "train digits-mlp --resume": ("--run-dir",),
    "train digits-mlp --resume --run-dir nowhere": ("nowhere", "run.json"),
    "train digits-mlp more": ("more",),
    "train digits-mlp --epochs 0": ("gradus: epochs must be ≥ 1, got 0",),
    "train digits-mlp --lr -0.1": ("lr must be > 0", "-0.1"),
    "train digits-mlp --lr nan": ("lr must be > 0", "nan"),
    "train digits-mlp --lr inf": ("lr must be > 0 and finite", "inf"),
    "train digits-mlp --dropout 1": ("dropout must be in [0, 1)", "1.0"),
    "train digits-mlp --batch-size 0": ("batch_size must be ≥ 1", "0"),
    "train digits-mlp --batch-size 5000": ("batch_size", "1,237", "5,000"),
    "train digits-mlp --validation 5000": ("1,437", "5,000"),
    "train digits-mlp --hidden 0": ("hidden must be all ≥ 1",),
    "train digits-mlp --devices 0": ("gradus: devices must be ≥ 1", "0"),
    "train digits-mlp --optimizer adam --momentum 0.9": ("momentum", "adam"),
    "train digits-mlp --precision 16-mixed --device cpu": ("16-mixed", "bf16-mixed"),
    "train digits-mlp --device cuda:77": ("cuda:77", "present: cpu", "--fallback"),
    "train digits-mlp --device gpu": ("'gpu'", "present: cpu"),
    "train digits-mlp --data nowhere": ("nowhere", "mnist"),
    "train digits-mlp --run-dir /dev/null/x": ("/dev/null/x", "cannot write"),
    "evaluate": ("RUN",),
    "evaluate nowhere": ("nowhere", "not a run folder"),
    "evaluate nowhere --split tset": ("tset", "test"),
    "predict nowhere 1,2": ("nowhere",),
    "advise nowhere": ("nowhere",),
    "data mnits": ("mnits", "mnist"),
    "data --fetch": ("which data set",),
    "figure": ("which figure",),
    "figure 2-99": ("2-99", "--list"),
    "completion tcsh": ("tcsh", "bash"),
}


@pytest.mark.parametrize("words", USES)
def test_wrong_use(words, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line = one_line(call(capsys, *words.split()), 2)
    for word in USES[words]:
        assert word in line
    assert len(line) <= LONG, len(line)
    assert not contents(tmp_path), "a mistake leaves nothing behind"


def test_the_same_in_a_process_of_its_own(tmp_path):
    said = run("train", "digits-mlp", "--epochz", "3", cwd=tmp_path)
    one_line(said, 2, "did you mean --epochs")


def test_debug_shows_where(capsys, monkeypatch):
    assert call(capsys, "train", "mnist-mpl").code == 2
    with pytest.raises(UsageError):
        main(["train", "mnist-mpl", "--debug"])
    monkeypatch.setattr("gradus.cli.catalog.recipe", lambda name: 1 / 0)
    line = one_line(call(capsys, "train", "digits-mlp"), 1, "unexpected ZeroDivisionError")
    assert "--debug" in line


SETTINGS = [
    ({"epoch": 3}, "no setting 'epoch': did you mean epochs"),
    ({"epochs": "3"}, "epochs must be of type int, got '3'"),
    ({"epochs": 2.5}, "epochs must be of type int, got 2.5"),
    ({"epochs": True}, "epochs must be of type int, got True"),
    ({"lr": None}, "lr must be of type float, got None"),
    ({"optimizer": "sdg"}, "optimizer must be one of sgd, momentum"),
    ({"precision": "fp16"}, "precision must be one of float32"),
    ({"activation": "rely"}, "activation must be one of relu"),
    ({"hidden": 16}, "hidden must be a tuple of int, got 16"),
    ({"hidden": (16, "8")}, "hidden must be a tuple of int"),
    ({"fallback": 1}, "fallback must be of type bool, got 1"),
]


def test_wrong_settings_from_python():
    """In a process of its own: here the tests' own check of types would speak first."""
    program = f"""
import gradus
for settings in {[settings for settings, _ in SETTINGS]!r}:
    try:
        gradus.train("digits-mlp", run_dir="/dev/null/x", **settings)
    except gradus.UsageError as refused:
        print(str(refused).replace(chr(10), " "))
"""
    done = run(program, program=[sys.executable, "-c"])
    assert done.code == 0, done.err
    for (settings, says), line in zip(SETTINGS, done.out.splitlines(), strict=True):
        assert says in line, settings


def test_an_int_will_do_for_a_float():
    assert catalog.recipe("digits-mlp").configure(lr=1).lr == 1


# Data ---------------------------------------------------------------------------------------------


def idx(array):
    array = np.asarray(array, dtype=np.uint8)
    return (
        b"\0\0\x08"
        + bytes([array.ndim])
        + struct.pack(f">{array.ndim}I", *array.shape)
        + (array.tobytes())
    )


@pytest.fixture
def idx_folder(tmp_path):
    """Four small IDX files that fit together."""
    draw = np.random.default_rng(0)
    folder = tmp_path / "mine"
    folder.mkdir()
    for name, n in zip(PARTS, (80, 80, 20, 20), strict=True):
        values = draw.integers(0, 255, (n, 6, 6)) if "images" in name else np.arange(n) % 10
        (folder / name).write_bytes(idx(values))
    return folder


def train_on(folder):
    small = ("--validation", 10, "--epochs", 1, "--hidden", 4, "--batch-size", 10)
    return ("train", "digits-mlp", "--data", folder, *small, "--run-dir", folder.parent / "run")


def cut(data):
    return data[:-7]


DAMAGE = {
    "bad magic": (PARTS[0], lambda data: b"PK" + data[2:], "not an IDX file"),
    "truncated": (PARTS[0], cut, "truncated"),
    "truncated gzip": (PARTS[2], lambda data: gzip.compress(data)[:-20], "damaged gzip"),
    "labels for other images": (PARTS[1], lambda data: idx([1] * 79), "expected 80 labels"),
    "images of another size": (PARTS[2], lambda data: idx(np.zeros((20, 5, 5))), "6×6"),
    "a text": (PARTS[3], lambda data: b"one two three", "not an IDX file"),
    "nothing": (PARTS[0], lambda data: b"", "empty"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_corrupt_idx(kind, idx_folder, capsys):
    name, spoil, says = DAMAGE[kind]
    path = idx_folder / name
    path.write_bytes(spoil(path.read_bytes()))
    line = one_line(call(capsys, *train_on(idx_folder)), 1, says)
    assert str(path) in line
    assert len(line.replace(str(idx_folder), "…")) <= LONG
    assert not (idx_folder.parent / "run").exists()


def test_the_same_files_undamaged(idx_folder, capsys):
    said = call(capsys, *train_on(idx_folder))
    assert said.code == 0, said.err


def test_missing_data_while_offline(tmp_path, capsys, monkeypatch):
    offline(monkeypatch, tmp_path)
    said = call(capsys, "train", "mnist-mlp", "--run-dir", tmp_path / "r")
    line = one_line(said, 1, "could not be downloaded")
    for word in ("https://", "SHA-256 440fcabf", str(tmp_path / "cache" / "mnist")):
        assert word in line
    assert not (tmp_path / "r").exists()


def test_wrong_checksum(tmp_path, capsys, monkeypatch):
    offline(monkeypatch, tmp_path)
    monkeypatch.setenv("GRADUS_DATA", str(tmp_path))
    (tmp_path / "mnist").mkdir()
    path = tmp_path / "mnist" / f"{PARTS[0]}.gz"
    path.write_bytes(gzip.compress(bytes(1_000_000), mtime=0) + bytes(9_912_422))
    line = one_line(call(capsys, "train", "mnist-mlp", "--run-dir", tmp_path / "r"), 1, str(path))
    assert hashlib.sha256(path.read_bytes()).hexdigest() in line


def test_a_data_folder_that_is_not_there(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("GRADUS_DATA", str(tmp_path / "absent"))
    one_line(call(capsys, "train", "mnist-mlp"), 2, "GRADUS_DATA must name a folder")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A complete digits-mlp run."""
    folder = tmp_path_factory.mktemp("digits") / "run"
    words = ("train", "digits-mlp", "--epochs", "1", "--hidden", "4", "--run-dir", folder)
    assert main([str(w) for w in words]) == 0
    return folder


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("notes.txt", b"dear diary\n" * 50, "not a picture"),
        ("cut.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "picture"),
        ("empty.png", b"", "not a picture"),
        ("absent.png", None, "no such file"),
    ],
)
def test_what_is_no_picture(tmp_path, capsys, digits, name, content, says):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    line = one_line(call(capsys, "predict", digits, tmp_path / name), 1, says)
    assert str(tmp_path / name) in line


def test_a_folder_is_no_picture(tmp_path, capsys, digits):
    one_line(call(capsys, "predict", digits, tmp_path), 1, str(tmp_path))


@pytest.mark.parametrize("given", ["1,2", "1,2,3,4", "a,b,c", "1,2,nan", "1e60,2,3", "inf,1,1"])
def test_numbers_that_are_none(capsys, food, given):
    line = one_line(call(capsys, "predict", food, given), 2, "3 finite numbers")
    assert repr(given) in line


# Folders ------------------------------------------------------------------------------------------


def test_a_file_in_place_of_the_run_folder(tmp_path, capsys):
    (tmp_path / "file").write_text("mine")
    for path in (tmp_path / "file", tmp_path / "file" / "run"):
        one_line(call(capsys, "train", "fast-food", "--run-dir", path), 2, "cannot write")
    assert (tmp_path / "file").read_text() == "mine"


def read_only(folder):
    """Make a folder refuse new files, even ours; how to undo it."""
    if not is_root():
        folder.chmod(0o500)
        return lambda: folder.chmod(0o700)
    mounted = subprocess.run(["mount", "--bind", "-o", "ro", folder, folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("root writes everywhere, and cannot mount a folder read-only here")
    return lambda: subprocess.run(["umount", folder], check=True)


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    food = ("train", "fast-food", "--epochs", 1, "--run-dir")
    assert call(capsys, *food, tmp_path / "r").code == 0
    undo = read_only(tmp_path)
    try:
        one_line(call(capsys, *food, tmp_path / "new"), 2, "cannot write into run folder")
        one_line(call(capsys, *food, tmp_path / "r", "--resume"), 2, "cannot write into run")
        said = call(capsys, "evaluate", tmp_path / "r")
        assert said.code == 0, "what only reads goes on working"
    finally:
        undo()


@contextlib.contextmanager
def largest_file(size):
    """Within, no file can grow beyond `size` bytes, as on a disk that is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


FOOD = ("train", "fast-food", "--epochs", 20, "--checkpoint-seconds", 0, "--run-dir")
SAME = ("metrics.jsonl", "weights.safetensors")


@pytest.fixture(scope="module")
def food(tmp_path_factory):
    """A complete fast-food run, made once."""
    folder = tmp_path_factory.mktemp("food") / "run"
    assert main([str(w) for w in (*FOOD, folder)]) == 0
    return folder


@pytest.mark.parametrize(
    ("size", "file"),
    [(500, "run.json"), (15_000, "checkpoints"), (50_000, "figures")],
)
def test_no_room_on_the_disk(tmp_path, capsys, food, size, file):
    with largest_file(size):
        said = call(capsys, *FOOD, tmp_path / "r")
    assert said.code == 1
    assert "Traceback" not in said.err
    line = said.err.splitlines()[-1]
    assert line.startswith(f"gradus: cannot write {tmp_path / 'r' / file}")
    assert "(File too large)" in line
    assert "make room" in line
    if file != "run.json":
        again = call(capsys, *FOOD, tmp_path / "r", "--resume")
        assert again.code == 0, again.err
        for name in SAME:
            assert (tmp_path / "r" / name).read_bytes() == (food / name).read_bytes()


def test_no_room_for_events_in_a_process_of_its_own(tmp_path):
    """TensorBoard's writer neither hangs nor shows a traceback, not even at the end."""
    limit = (8_000, 8_000)
    said = run(
        *("train", "digits-mlp", "--hidden", 4, "--run-dir", tmp_path / "r"),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limit),
    )
    assert said.code == 1
    assert said.err.splitlines()[-1].startswith(f"gradus: cannot write {tmp_path / 'r' / 'tensor'}")
    assert len(said.err.splitlines()) <= 4


def test_a_full_disk_then_room_again(tmp_path, capsys, food):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=100k", "none", disk]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no small disk can be mounted here")
    try:
        said = call(capsys, *FOOD, disk / "r")
        assert said.code == 1
        assert "Traceback" not in said.err
        assert "No space left on device" in said.err.splitlines()[-1]
        assert epochs_done(disk / "r") > 0
        subprocess.run(["mount", "-o", "remount,size=20m", disk], check=True)
        said = call(capsys, *FOOD, disk / "r", "--resume")
        assert said.code == 0, said.err
        for name in SAME:
            assert (disk / "r" / name).read_bytes() == (food / name).read_bytes()
    finally:
        subprocess.run(["umount", disk], check=True)


def test_standard_output_that_takes_nothing(tmp_path):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*PROGRAM, "list", "--json"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr == "gradus: [Errno 28] No space left on device\n"


def test_a_reader_that_goes_away():
    done = subprocess.run(
        f"{' '.join(PROGRAM)} list --json | head -c 10",
        shell=True,
        capture_output=True,
        text=True,
    )
    assert done.stderr == ""


def test_a_terminal_that_lacks_a_sign():
    said = run("list", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert said.code == 0, said.err
    assert "digits-mlp" in said.out


def test_fallback_is_said_in_one_line(tmp_path):
    absent = ("--device", "cuda:77", "--fallback")
    said = run("train", "fast-food", "--epochs", 1, "--run-dir", tmp_path / "r", *absent)
    assert said.code == 0
    assert "gradus: no device cuda:77: computing on the CPU" in said.err.splitlines()


# Two at once, and going on otherwise --------------------------------------------------------------


def test_two_trainings_into_one_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(experiment, "LOCK_PATIENCE", 0.3)
    words = ("train", "fast-food", "--epochs", 1, "--run-dir", tmp_path / "r")
    recipe = catalog.recipe("fast-food")
    first = create(recipe, recipe.configure(epochs=1), tmp_path / "r")
    with first.lock():
        one_line(call(capsys, *words), 2, "already holds a run")
        line = one_line(call(capsys, *words, "--resume"), 2, "another training")
        assert f"process {os.getpid()}" in line
    assert call(capsys, *words, "--resume").code == 0


def test_a_new_training_gives_up_at_once(tmp_path):
    run_ = create(TINY, TINY.config, tmp_path / "r")
    with run_.lock(), pytest.raises(UsageError, match="another training"), run_.lock():
        pass


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--lr", 0.5), "lr is 0.01 in"),
        (("--epochs", 1), "epochs is 2 in"),
        (("--seed", 3), "seed is 0 in"),
        (("--quick", "--batch-size", 7), "batch_size is 10 in"),
    ],
)
def test_resumed_with_other_settings(tmp_path, capsys, more, says):
    words = ("train", "fast-food", "--lr", 0.01, "--run-dir", tmp_path / "r")
    assert call(capsys, *words, "--epochs", 2).code == 0
    before = contents(tmp_path / "r")
    resume = ("train", "fast-food", "--run-dir", tmp_path / "r", "--resume")
    one_line(call(capsys, *resume, *more), 2, says)
    assert contents(tmp_path / "r") == before


def test_resumed_as_another_recipe(tmp_path, capsys):
    food = ("train", "fast-food", "--epochs", 1, "--run-dir", tmp_path / "r")
    assert call(capsys, *food).code == 0
    other = ("train", "exam-perceptron", "--run-dir", tmp_path / "r", "--resume")
    one_line(call(capsys, *other), 2, "is a run of fast-food, not of exam-perceptron")
    with pytest.raises(UsageError, match="is a run of fast-food"):
        gradus.train("exam-perceptron", run_dir=tmp_path / "r", resume=True)
    with pytest.raises(UsageError, match="needs --run-dir"):
        experiment.train(TINY, TINY.config, resume=True)


def test_resumed_for_longer_equals_long_at_once(tmp_path):
    short, long = (replace(TINY.config, epochs=n) for n in (3, 6))
    experiment.train(TINY, short, path=tmp_path / "a")
    experiment.train(TINY, long, path=tmp_path / "a", resume=True)
    experiment.train(TINY, long, path=tmp_path / "b")
    for name in ("weights.safetensors", "metrics.jsonl"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("rate", [{"schedule": "cosine"}, {"warmup": 0.5}])
def test_longer_is_refused_where_the_rate_depends_on_the_length(tmp_path, rate):
    short = replace(TINY.config, epochs=2, **rate)
    experiment.train(TINY, short, path=tmp_path)
    with pytest.raises(UsageError, match=r"epochs is 2 in .*, got 3"):
        experiment.train(TINY, replace(short, epochs=3), path=tmp_path, resume=True)


# NaN ----------------------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite(tmp_path, capsys):
    words = ("train", "digits-mlp", "--lr", "1e20", "--run-dir", tmp_path / "r")
    said = call(capsys, *words)
    assert said.code == 1
    line = said.err.splitlines()[-1]
    for word in ("loss became", "at step 2 (epoch 1)", "hidden_", "none yet", "smaller --lr"):
        assert word in line
    assert "Traceback" not in said.err
    info = json.loads((tmp_path / "r" / "run.json").read_text())
    assert info["status"] == "failed"
    assert "loss became" in info["error"]


def test_check_numerics_names_module_and_step(tmp_path, capsys):
    words = ("train", "digits-mlp", "--lr", "1e20", "--check-numerics", "--run-dir", tmp_path / "r")
    said = call(capsys, *words)
    assert said.code == 1
    assert "gradus: step 2 (epoch 1): forward pass: output of hidden_" in said.err.splitlines()[-1]
    assert "smaller --lr" in said.err.splitlines()[-1]


def test_the_perceptron_that_cannot_converge(tmp_path, capsys):
    words = ("train", "exam-perceptron", "--flipped", 0.3, "--epochs", 3, "--examples", 20)
    said = call(capsys, *words, "--run-dir", tmp_path / "r")
    assert said.code == 1
    assert "did not converge after 3 epochs" in said.err.splitlines()[-1]


def test_a_failed_run_is_told_apart(tmp_path, capsys):
    words = ("train", "exam-perceptron", "--flipped", 0.3, "--epochs", 3, "--examples", 20)
    call(capsys, *words, "--run-dir", tmp_path / "r")
    assert "failed" in call(capsys, "runs", tmp_path).out
    for words in (("figure", tmp_path / "r"), ("advise", tmp_path / "r")):
        said = call(capsys, *words)
        assert (said.code, "Traceback" in said.err) in ((0, False), (1, False)), said
    assert "need a complete run" in call(capsys, "figure", tmp_path / "r").err


def test_paths_that_rich_would_take_for_markup(tmp_path, capsys):
    folder = Path(tmp_path, "[bold]runs[/x]")
    assert call(capsys, "train", "fast-food", "--epochs", 1, "--run-dir", folder / "r").code == 0
    said = call(capsys, "evaluate", folder / "r")
    assert said.code == 0
    assert f"{folder / 'r'} (fast-food), test set\n" in said.out
