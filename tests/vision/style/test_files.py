"""From two picture files to a third, as a library and as `gradus stylize`."""

import json
import shlex
import signal
import time

import numpy as np
import pytest
import torch
from PIL import Image

from gradus.cli import main
from gradus.core.errors import Interrupted, UsageError
from gradus.core.experiment import train
from gradus.vision import ConvNet
from gradus.vision.recipes import DIGITS_CNN
from gradus.vision.style import files
from gradus.vision.style.config import StyleConfig
from gradus.vision.style.files import paint
from gradus.vision.style.networks import network_of
from tests.commands import call, contents, offline, one_line, run, start

QUICK = StyleConfig(size=128, steps=4, keep_every=3)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return network_of(ConvNet("conv 3x3x6 relu pool 2, conv 3x3x8 relu", (3, 8, 8), 3), "small")


@pytest.fixture(scope="module")
def trained_run(tmp_path_factory):
    """A small run of a recipe for images, trained in a second."""
    path = tmp_path_factory.mktemp("run") / "digits"
    return train(DIGITS_CNN, DIGITS_CNN.configure(**DIGITS_CNN.smoke), path=path).path


def size_of(path):
    with Image.open(path) as picture:
        return picture.size


def levels(path, **options):
    """The grey levels of a picture file."""
    with Image.open(path) as picture:
        return np.asarray(picture.resize(options.get("size", picture.size)).convert("L"), float)


def waves(height, width, speed):
    y, x = np.indices((height, width))
    return np.stack([127 + 120 * np.sin((x + speed * y) / (c + 3)) for c in range(3)], -1)


@pytest.fixture
def pictures(tmp_path, monkeypatch):
    """photo.png and art.png in an empty working folder."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(waves(60, 80, 1).astype(np.uint8)).save("photo.png")
    Image.fromarray(waves(50, 50, 7).astype(np.uint8)).save("art.png")
    return tmp_path


def test_a_picture_is_painted_and_what_came_between_is_kept(pictures, network):
    painting = paint("photo.png", "art.png", "new/out.png", network, QUICK)
    assert painting.size == (96, 128)
    assert size_of("new/out.png") == (128, 96)
    assert 0 < painting.fall < 1
    names = [p.name for p in painting.frames]
    assert names == [
        "1-64x48-0003.png",
        "1-64x48-0004.png",
        "2-128x96-0003.png",
        "2-128x96-0004.png",
    ]
    assert [size_of(p) for p in painting.frames] == [(64, 48)] * 2 + [(128, 96)] * 2
    np.testing.assert_array_equal(levels(painting.frames[-1]), levels(painting.path))


def test_the_same_again_gives_the_same_bytes_and_clears_what_was_kept(pictures, network):
    paint("photo.png", "art.png", "out.png", network, QUICK)
    before = contents(pictures)
    (pictures / "out-steps" / "9-9x9-0009.png").write_bytes(b"old")
    (pictures / "out-steps" / "notes.txt").write_text("mine")
    paint("photo.png", "art.png", "out.png", network, QUICK)
    after = contents(pictures)
    assert after.pop("out-steps/notes.txt") == b"mine"
    pngs = {k: v for k, v in after.items() if k.endswith(".png")}
    assert pngs == {k: v for k, v in before.items() if k.endswith(".png")}


@pytest.mark.parametrize("ending", ["jpg", "JPEG", "tif"])
def test_formats_by_ending(pictures, network, ending):
    paint("photo.png", "art.png", f"out.{ending}", network, StyleConfig(size=32, steps=1))
    with Image.open(f"out.{ending}") as picture:
        assert picture.size == (32, 24)
        assert picture.format == {"tif": "TIFF"}.get(ending, "JPEG")


class Stopping:
    """Sends a signal at the n-th step, as a user would with Ctrl-C."""

    def __init__(self, at):
        self.left = at

    def step(self, loss):
        self.left -= 1
        if self.left == 0:
            signal.raise_signal(signal.SIGINT)

    def __getattr__(self, name):
        return lambda *_: None


@pytest.mark.parametrize("at", [1, 4, 6])
def test_a_signal_leaves_the_best_so_far_and_it_goes_on(pictures, network, at):
    with pytest.raises(Interrupted, match="go on like this") as caught:
        paint(
            "photo.png",
            "art.png",
            "out.png",
            network,
            QUICK,
            go_on="go on like this",
            reporter=Stopping(at),
        )
    assert caught.value.signum == signal.SIGINT
    assert size_of("out.png") == (128, 96), "the preview has the size of the result"
    before = len(list((pictures / "out-steps").glob("*.png")))
    painting = paint("photo.png", "art.png", "out.png", network, QUICK, resume=True)
    assert len(painting.frames) >= before
    assert painting.frames[-1].name == "2-128x96-0004.png"
    assert painting.fall > 0


def test_what_is_done_stays_and_more_steps_go_on(pictures, network):
    first = paint("photo.png", "art.png", "out.png", network, QUICK)
    before = contents(pictures)
    again = paint("photo.png", "art.png", "out.png", network, QUICK, resume=True)
    assert contents(pictures) == before
    assert (again.before, again.after) == (first.before, first.after)
    more = paint(
        "photo.png",
        "art.png",
        "out.png",
        network,
        StyleConfig(**{**vars(QUICK), "steps": 9}),
        resume=True,
    )
    assert more.frames[-1].name == "2-128x96-0009.png"
    assert more.after["total"] < first.after["total"]


def test_going_on_with_other_settings_is_refused(pictures, network):
    paint("photo.png", "art.png", "out.png", network, QUICK)
    other = StyleConfig(**{**vars(QUICK), "style_weight": 7.0})
    with pytest.raises(UsageError, match=r"style_weight was 100.0 in out-steps, got 7.0"):
        paint("photo.png", "art.png", "out.png", network, other, resume=True)
    with pytest.raises(UsageError, match="style picture was"):
        paint("photo.png", "photo.png", "out.png", network, QUICK, resume=True)
    with pytest.raises(UsageError, match="other-steps holds nothing to go on from"):
        paint("photo.png", "art.png", "other.png", network, QUICK, resume=True)


def test_previews_come_by_the_clock_too(pictures, network, monkeypatch):
    monkeypatch.setattr(files, "PREVIEW_SECONDS", 0.0)
    seen = []

    class Watching(Stopping):
        def step(self, loss):
            seen.append((pictures / "out.png").exists())

    config = StyleConfig(size=64, steps=3, keep_every=100)
    paint("photo.png", "art.png", "out.png", network, config, reporter=Watching(0))
    assert seen == [False, True, True]


# Pictures of all kinds ----------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["RGB", "L", "LA", "RGBA", "P", "1", "CMYK", "I;16"])
def test_modes_are_converted(pictures, network, mode):
    name = "odd.jpg" if mode == "CMYK" else "odd.png"
    with Image.open("photo.png") as photo:
        grey = photo.convert("L")
        if mode == "I;16":
            Image.fromarray(np.asarray(grey).astype(np.uint16) << 8).save(name)
        else:
            (grey if mode == "LA" else photo).convert(mode).save(name)
    with Image.open(name) as odd:
        assert odd.mode == mode
    paint(name, "art.png", "out.png", network, StyleConfig(size=32, steps=1))
    found, small = levels("out.png"), levels("photo.png", size=(32, 24))
    assert np.corrcoef(found.ravel(), small.ravel())[0, 1] > 0.8


def test_a_very_large_picture_is_scaled_down_on_reading(pictures, network, monkeypatch):
    monkeypatch.setattr(files, "LARGEST", 50)
    notes = []

    class Listening(Stopping):
        def note(self, text):
            notes.append(text)

    config = StyleConfig(size=32, steps=1)
    paint("photo.png", "art.png", "out.png", network, config, reporter=Listening(0))
    assert "photo.png is 80×60 pixels: scaled down to 50×38 on reading" in notes


def test_a_picture_of_twenty_thousand_pixels(pictures, network):
    Image.new("L", (20_000, 5_000), 90).save("huge.png", compress_level=1)
    notes = []

    class Listening(Stopping):
        def note(self, text):
            notes.append(text)

    config = StyleConfig(size=32, steps=1)
    paint("huge.png", "art.png", "out.png", network, config, reporter=Listening(0))
    assert notes[0] == "huge.png is 20,000×5,000 pixels: scaled down to 4096×1024 on reading"
    assert size_of("out.png") == (32, 8)


# Mistakes -----------------------------------------------------------------------------------------


def refused(capsys, trained_run, *words, out="out.png"):
    """The one line that `gradus stylize` says of a mistake, exit code 2."""
    said = call(
        capsys,
        "stylize",
        *words,
        "--out",
        out,
        "--network",
        trained_run,
        "--steps",
        1,
        "--size",
        32,
    )
    return one_line(said, 2)


def test_pictures_that_cannot_be(pictures, trained_run, capsys):
    Image.new("RGB", (1, 1)).save("dot.png")
    Image.fromarray(np.ones((20, 20), np.float32)).save("float.tif")
    (pictures / "text.png").write_text("no picture")
    (pictures / "half.png").write_bytes((pictures / "photo.png").read_bytes()[:300])
    before = contents(pictures)
    for name, words in {
        "dot.png": "dot.png is 1×1 pixels, each side must be ≥ 16",
        "text.png": "text.png: not a picture",
        "half.png": "half.png: damaged or unreadable",
        "float.tif": "float.tif: damaged or unreadable picture (expected 8 or 16 bits",
        "nowhere.png": "nowhere.png: no such file",
        ".": "damaged or unreadable",
    }.items():
        assert words in refused(capsys, trained_run, name, "art.png")
        assert words in refused(capsys, trained_run, "photo.png", name)
    assert contents(pictures) == before


def test_results_that_cannot_be_written(pictures, trained_run, capsys):
    (pictures / "folder.png").mkdir()
    before = contents(pictures)
    for out, words in {
        "out.gif": "out must end in one of .png, .jpg",
        "out": "out must end in one of",
        "folder.png": "cannot write folder.png: it is a folder",
        "photo.png": "photo.png is one of the two pictures",
        "/dev/null/x.png": "cannot write /dev/null/x.png",
        "art.png/x.png": "cannot write art.png/x.png",
        "/proc/x.png": "cannot write /proc/x.png",
    }.items():
        assert words in refused(capsys, trained_run, "photo.png", "art.png", out=out)
    assert contents(pictures) == before


def test_networks_that_cannot_be(pictures, trained_run, capsys, monkeypatch):
    offline(monkeypatch, pictures)
    words = ["stylize", "photo.png", "art.png", "--out", "out.png"]
    line = one_line(call(capsys, *words), 2)
    assert "VGG-19's weights" in line
    assert "--network RUN" in line
    (pictures / "w.pth").write_text("x")
    for options, said in (
        (["--weights", "w.pth"], "w.pth: not a file of weights"),
        (["--weights", "nowhere.pth"], "nowhere.pth: "),
        (["--network", "nowhere"], "nowhere is not a run folder"),
        (["--weights", "w.pth", "--network", trained_run], "drop one of the two"),
        (["--network", trained_run, "--style-layers", "relu9_9"], "layer 'relu9_9' is unknown"),
        (["--network", trained_run, "--device", "cuda:77"], "cuda:77"),
        (["--network", trained_run, "--size", "5"], "size must be 0 or in [32, 4096], got 5"),
        (["--network", trained_run, "--colours", "red"], "--colours"),
    ):
        assert said in one_line(call(capsys, *words, *options), 2)


def test_a_run_of_another_kind(pictures, trained_run, capsys):
    assert main(["train", "planar-net", "--epochs", "1", "--run-dir", "plane"]) == 0
    line = one_line(
        call(capsys, "stylize", "photo.png", "art.png", "--out", "o.png", "--network", "plane"), 2
    )
    assert "plane is a run of planar-net, which is no convolutional network for images" in line


# The command --------------------------------------------------------------------------------------


def test_the_command_with_a_network_trained_here(pictures, trained_run, capsys):
    words = ["photo.png", "art.png", "--out", "out.png", "--network", trained_run]
    words += ["--size", "64", "--steps", "40"]
    said = call(capsys, "stylize", *words)
    assert said.code == 0, said
    assert said.out.startswith("out.png: 64×48 pixels, the loss fell by ")
    said = call(capsys, "stylize", *words, "--json")
    found = json.loads(said.out)
    assert found["size"] == [48, 64]
    assert found["fall"] == pytest.approx(1 - found["after"]["total"] / found["before"]["total"])
    assert found["fall"] > 0.9
    assert found["frames"] == ["out-steps/1-64x48-0040.png"]


def test_ctrl_c_says_how_to_go_on_and_it_does(pictures, trained_run, capsys):
    words = ["photo.png", "art.png", "--out", "my out.png", "--network", str(trained_run)]
    words += ["--size", "200", "--steps", "100000", "--style-layers", "relu_1", "conv_1"]
    process = start("stylize", *words, cwd=pictures)
    deadline = time.monotonic() + 100
    while not (pictures / "my out.png").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    line = err.splitlines()[-1]
    assert line.startswith("gradus: stopped; go on with: gradus stylize ")
    command = shlex.split(line.split("go on with: ")[1])
    assert command[1:] == ["stylize", *words[:2], *command[4:-1], "--resume"]
    at = command.index("--steps") + 1
    command[at] = "51"
    said = run(*command[1:], cwd=pictures)
    assert said.code == 0, said
    assert "my out.png: 200×150 pixels" in said.out
