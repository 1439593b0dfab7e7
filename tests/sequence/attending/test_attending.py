"""Attention beyond text: the scenes and tunes, the network that describes them, its answers."""

import numpy as np
import pytest
import torch
from PIL import Image

import gradus
from gradus import UsageError
from gradus.sequence.attending import scenes as scene_module
from gradus.sequence.attending import tunes as tune_module
from gradus.sequence.attending.describer import Describer, PictureRegions, SoundFrames
from gradus.sequence.attending.predict import load_describer
from gradus.sequence.attending.recipes import REGION_ATTENTION
from gradus.sequence.attending.scenes import CELL, GRID, STEPS, scenes
from gradus.sequence.attending.train import described, landed
from gradus.sequence.attending.tunes import FRAMES, FREQUENCIES, HOP, RATE, WINDOW, tunes
from tests.commands import call, offline, one_line


@pytest.fixture(scope="module", params=["regions", "frames"])
def run(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("described")
    with pytest.MonkeyPatch.context() as patch:
        offline(patch, folder)
        settings = {**REGION_ATTENTION.smoke, "epochs": 1, "over": request.param}
        return gradus.train("region-attention", run_dir=folder / "run", **settings)


# Data


@pytest.mark.parametrize("make", [scenes, tunes], ids=["scenes", "tunes"])
def test_two_to_four_things_are_named_then_the_end(make):
    names, there = make(40)[1:]
    end = len(scene_module.NAMES if make is scenes else tune_module.NAMES)
    for row, place in zip(names.tolist(), there, strict=True):
        n = row.index(end)
        assert 2 <= n <= 4
        assert all(0 <= word < end for word in row[:n])
        assert row[n + 1 :] == [-1] * (STEPS - n - 1)
        assert place.any(1).tolist() == [True] * n + [False] * (STEPS - n)
        assert place.sum(0).max() == 1  # no region belongs to two
        first = [int(p.nonzero()[0]) for p in place[:n]]
        assert first == sorted(first)  # reading order, or order in time
    assert set((names == end).int().argmax(1).tolist()) == {2, 3, 4}


def test_a_digit_stands_where_it_is_said_to():
    pictures, _, there = scenes(20)
    ink = pictures.unfold(2, CELL, CELL).unfold(3, CELL, CELL).mean((1, 4, 5)).flatten(1)
    assert ink[there.any(1)].min() > ink[~there.any(1)].max()


def test_a_note_sounds_where_it_is_said_to():
    sounds, names, there = tunes(20)
    for spectrum, row, place in zip(sounds, names.tolist(), there, strict=True):
        for word, frames in zip(row, place, strict=True):
            if frames.any():
                hertz = list(tune_module.NOTES.values())[word]
                bins = slice(round(hertz / RATE * WINDOW) - 1, round(hertz / RATE * WINDOW) + 2)
                assert spectrum[bins, frames].amax(0).min() > spectrum.mean() + 0.5
    assert (FRAMES - 1) * HOP + WINDOW <= tune_module.LENGTH


@pytest.mark.parametrize("make", [scenes, tunes], ids=["scenes", "tunes"])
def test_parts_differ_and_come_again(make):
    assert torch.equal(make(6, "test")[0], make(6, "test")[0])
    assert not torch.equal(make(6, "test")[1], make(6, "validation")[1])
    with pytest.raises(UsageError, match="part must be one of"):
        make(6, "training")


# The network


def network():
    torch.manual_seed(0)
    return Describer(PictureRegions(CELL, 6), GRID * GRID, 6, 11, STEPS).eval()


def test_a_region_s_vector_tells_of_that_region_alone():
    regions = PictureRegions(CELL, 6)
    pictures = torch.randn(2, 1, GRID * CELL, GRID * CELL)
    before = regions(pictures)
    pictures[:, :, CELL : 2 * CELL, :CELL] += 1  # the first region of the second row
    changed = (regions(pictures) != before).any(2).any(0)
    assert changed.nonzero().flatten().tolist() == [GRID]
    frames, sounds = SoundFrames(FREQUENCIES, 6), torch.randn(2, FREQUENCIES, FRAMES)
    before = frames(sounds)
    sounds[:, :, 3] += 1
    assert (frames(sounds) != before).any(2).any(0).nonzero().flatten().tolist() == [3]


def test_its_own_words_are_what_it_reads_in_evaluation():
    model, pictures = network(), scenes(3)[0]
    logits, looked = model(pictures)
    torch.testing.assert_close(looked.sum(2), torch.ones(3, STEPS))
    again, _ = model(pictures, logits.argmax(2))
    torch.testing.assert_close(again, logits)
    other, _ = model(pictures, (logits.argmax(2) + 1) % 11)
    torch.testing.assert_close(other[:, 0], logits[:, 0])
    assert not torch.allclose(other[:, 1], logits[:, 1])


def test_what_is_measured():
    class Fixed(torch.nn.Module):
        def forward(self, inputs, said=None):
            logits = torch.zeros(1, 3, 4)
            logits[0, [0, 1, 2], [2, 0, 3]] = 9.0
            return logits, torch.tensor([[[0.7, 0.3], [0.6, 0.4], [0.5, 0.5]]])

    names = torch.tensor([[2, 1, 3]])
    there = torch.tensor([[[True, False], [False, True], [False, False]]])
    loss, metrics = described(Fixed().eval(), (torch.zeros(1), names, there))
    assert metrics["accuracy"]().tolist() == [False]
    assert metrics["accuracy, attention"]().tolist() == [0.5]
    assert metrics["mass"]().item() == pytest.approx((0.7 + 0.4) / 2)
    assert loss > 2
    assert landed(torch.tensor([[[0.2, 0.8]]]), there[:, 1:2]).tolist() == [[True]]


# A run


def test_answers_say_what_and_where(run):
    found = run.predict(0, "7")
    assert [a["input"] for a in found] == ["0", "7"]
    for one in found:
        assert len(one["said"]) == len(one["at"]) == len(one["attention"]) <= STEPS
        assert all(0 < share <= 1 for share in one["attention"])


def test_a_picture_of_your_own(run, tmp_path, capsys):
    if run.config.over != "regions":
        pytest.skip("this run is of sounds")
    pixels = np.zeros((80, 80), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "black.png")
    from_file, from_array = (run.predict(i)[0] for i in (str(tmp_path / "black.png"), pixels))
    assert from_file["said"] == from_array["said"]
    one_line(call(capsys, "predict", run.path, tmp_path / "none.png"), 1)
    one_line(call(capsys, "predict", run.path, "20"), 2, "must be in [0, 20)")
    with pytest.raises(UsageError, match="must be bytes"):
        run.predict(np.zeros((4, 4)))


def test_a_sound_of_your_own(run, tmp_path, capsys):
    if run.config.over != "frames":
        pytest.skip("this run is of pictures")
    np.save(tmp_path / "a.npy", np.sin(np.arange(9000) * 0.7))
    assert "said" in run.predict(str(tmp_path / "a.npy"))[0]
    (tmp_path / "b.npy").write_text("no array")
    one_line(call(capsys, "predict", run.path, tmp_path / "b.npy"), 1, "not a .npy file")
    with pytest.raises(UsageError, match="finite samples"):
        run.predict(np.array([np.nan]))


def test_predictor_has_a_name():
    assert REGION_ATTENTION.load.endswith(load_describer.__name__)


@pytest.mark.learn
@pytest.mark.parametrize("over", ["regions", "frames"])
def test_attention_lands_on_what_is_named(over, tmp_path):
    run = gradus.train("region-attention", quick=True, over=over, run_dir=tmp_path / "run")
    assert run.results["test"]["accuracy, attention"] > 0.9
