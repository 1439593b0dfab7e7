"""Looking at pictures through a run, as a library and as `gradus look`."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

import gradus
from gradus.cli import main
from gradus.core.errors import UsageError
from gradus.core.experiment import train
from gradus.vision import look
from gradus.vision.gradcam import grad_cam
from gradus.vision.predict import classifier
from gradus.vision.recipes import DIGITS_CNN
from tests.commands import ROOT, call, contents, one_line
from tests.figures import assert_readable

DIGIT = ROOT / "gradus" / "data" / "sample_digit.png"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run that whitens the middle 6×6 of each digit, seen twice: what `look` must undo."""
    settings = {
        **DIGITS_CNN.smoke,
        "layers": "conv 3x3x4 norm relu pool 2, conv 3x3x6 relu, dense 8 relu",
        "size": 6,
        "whiten": True,
        "views": "shifts",
    }
    path = tmp_path_factory.mktemp("run") / "digits"
    return train(DIGITS_CNN, DIGITS_CNN.configure(**settings), path=path)


@pytest.fixture
def view(run):
    return look.see(run, DIGIT)


def test_a_picture_as_the_network_sees_it(run, view):
    assert view.name == "sample_digit"
    assert view.inputs.shape == (1, 1, 6, 6)
    assert view.picture.shape == (1, 6, 6)
    assert 0 <= view.picture.min() <= view.picture.max() <= 1
    assert view.inputs.mean().item() == pytest.approx(0, abs=1e-6)
    assert [view.answer] == run.predict(DIGIT)
    pixels = np.arange(64, dtype=np.uint8).reshape(8, 8)
    shown = look.see(run, pixels)
    np.testing.assert_allclose(shown.picture[0], pixels[1:7, 1:7] / 255, atol=1e-7)
    whole = torch.from_numpy(pixels)[None, None].float() / 255
    model = classifier(run)
    torch.testing.assert_close(view.net(shown.inputs), model.net(model.prepared(whole)))


def test_layers_to_show(view):
    assert look.layers_to_show(view) == ["relu_1", "relu_2"]
    assert look.layers_to_show(view, ["conv_2", "pool_1"]) == ["conv_2", "pool_1"]
    with pytest.raises(UsageError, match="'dense_1' has no spatial maps; those with maps: conv_1"):
        look.layers_to_show(view, ["conv_1", "dense_1"])


def test_the_figures_are_readable(view):
    for fig in (look.draw_maps(view, "conv_2"), look.draw_evidence(view, "relu_2", of="3")):
        assert_readable(fig)
    with pytest.raises(UsageError, match="no class is called 'three'"):
        look.draw_evidence(view, "relu_2", of="three")


def test_the_title_says_where_half_of_the_evidence_lies(view):
    heat = grad_cam(view.net, view.inputs, torch.tensor([3]), "conv_1")[0]
    rising = sorted(heat.flatten().tolist(), reverse=True)
    held, places = 0.0, 0
    while held < sum(rising) / 2:
        held, places = held + rising[places], places + 1
    said = look.draw_evidence(view, "conv_1", of="3").texts[0].get_text().replace("\n", " ")
    if held:
        assert said == f"Half of what speaks for 3 lies on {places / 36:.0%} of the picture"
    else:
        assert said == "Nothing at conv_1 speaks for 3"


def test_no_evidence_is_said(view):
    with torch.no_grad():
        view.net.output.weight.zero_()
    said = look.draw_evidence(view, "relu_2").texts[0].get_text()
    assert said.startswith("Nothing at relu_2 speaks for")


def test_the_command_draws_and_changes_nothing_in_the_run(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    before = contents(run.path)
    said = call(capsys, "look", run.path, DIGIT, "--layer", "conv_2", "--of", "8", "--out", "seen")
    assert said.code == 0, said
    names = ["filters", "sample_digit-conv_2", "sample_digit-evidence"]
    assert sorted(p.stem for p in (tmp_path / "seen").glob("*.png")) == names
    for name in names:
        assert f"seen/{name}.png" in said.out
    assert said.out.startswith(f"{DIGIT}: ")
    assert contents(run.path) == before


def test_as_json_and_without_pictures(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    found = json.loads(call(capsys, "look", run.path, "--json").out)
    assert found == {"run": str(run.path), "answers": [], "figures": ["figures/filters.png"]}
    found = json.loads(call(capsys, "look", run.path, DIGIT, "--json").out)
    assert found["answers"][0]["input"] == str(DIGIT)
    assert len(found["figures"]) == 4


def test_tensorboard_gets_the_pictures(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    own = train(DIGITS_CNN, DIGITS_CNN.configure(**DIGITS_CNN.smoke), path=tmp_path / "run")
    before = set((own.path / "tensorboard").iterdir())
    look.look(own, [DIGIT], tmp_path / "out", tensorboard=True)
    (new,) = set((own.path / "tensorboard").iterdir()) - before
    events = EventAccumulator(str(new), size_guidance={"images": 0}).Reload()
    tags = {tag.removesuffix("/0") for tag in events.Tags()["images"]}
    assert tags >= {"first filters", "sample_digit: relu_1 for an image"}
    assert gradus.open(own.path).status == "complete"


def test_mistakes(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", "planar-net", "--epochs", "1", "--run-dir", "plane"]) == 0
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "sub").mkdir()
    Image.open(DIGIT).save("sub/sample_digit.png")
    before = contents(tmp_path)
    for words, said in (
        ((run.path, "text.png"), "text.png: not a picture"),
        ((run.path, "nowhere.png"), "nowhere.png: no such file"),
        ((run.path, DIGIT, "--layer", "dense_1"), "'dense_1' has no spatial maps"),
        ((run.path, DIGIT, "--layer", "conv_9"), "'conv_9' is unknown: did you mean conv_"),
        ((run.path, DIGIT, "--of", "eight"), "no class is called 'eight'"),
        ((run.path, DIGIT, "sub/sample_digit.png"), "two pictures have the same name"),
        (("plane", DIGIT), "plane is a run of planar-net"),
        (("nowhere", DIGIT), "not a run folder"),
        ((), "RUN"),
    ):
        assert said in one_line(call(capsys, "look", *words), 2)
    assert contents(tmp_path) == before
