"""Clips of moving digits: what moves where, what single frames tell, and reading clips."""

import numpy as np
import pytest
import torch

from gradus.core.errors import DataError, UsageError
from gradus.vision.beyond.clips import (
    DIRECTIONS,
    SPEEDS,
    fit_clip,
    moving_digits,
    read_clip,
    save_clip,
)


def test_each_frame_is_the_one_before_moved_in_the_direction():
    clips, labels = moving_digits(64, noise=0.0)
    assert clips.shape == (64, 1, 8, 16, 16)
    seen = set()
    for clip, label in zip(clips[:, 0], labels.tolist(), strict=True):
        down, right = list(DIRECTIONS.values())[label]
        fitting = [
            speed
            for speed in SPEEDS
            if all(
                torch.equal(clip[t + 1], clip[t].roll((down * speed, right * speed), (0, 1)))
                for t in range(7)
            )
        ]
        assert len(fitting) == 1
        seen |= {(label, fitting[0])}
    assert len(seen) == 2 * len(DIRECTIONS)


def test_the_digit_is_as_likely_in_any_place_of_any_frame_whatever_the_direction():
    clips, labels = moving_digits(4000, noise=0.0)
    for frame in (0, 7):
        for i in range(len(DIRECTIONS)):
            seen = clips[labels == i, 0, frame]
            standard_error = seen.std(0) / len(seen) ** 0.5
            assert ((seen.mean(0) - clips.mean()).abs() < 5 * standard_error).all()


def test_clips_depend_on_number_noise_and_part_alone():
    once, labels = moving_digits(16, 0.5)
    assert torch.equal(once, moving_digits(16, 0.5)[0])
    assert labels.tolist() == [*range(8)] * 2
    assert not torch.equal(once, moving_digits(16, 0.5, "test")[0])
    quiet, _ = moving_digits(16, 0.0)
    assert (once - quiet).std().item() == pytest.approx(0.5, rel=0.02)
    assert quiet.min() == 0
    assert quiet.max() == 1
    with pytest.raises(UsageError, match="part must be one of train, validation, test, got 'all'"):
        moving_digits(16, part="all")


def test_no_digit_is_in_two_parts():
    def digits(part):
        clips, _ = moving_digits(1000, 0.0, part)
        start = clips[:, 0, 0]
        return {tuple(frame.flatten().sort().values.tolist()) for frame in start}

    assert not digits("train") & digits("test")
    assert not digits("train") & digits("validation")


def test_a_clip_survives_a_gif_and_an_array_file(tmp_path):
    clip = moving_digits(8, 0.0)[0][3]
    save_clip(clip, tmp_path / "clip.gif")
    np.save(tmp_path / "clip.npy", clip[0].numpy())
    for name in ("clip.gif", "clip.npy"):
        found = fit_clip(read_clip(tmp_path / name))
        assert found.shape == (1, 8, 16, 16)
        assert torch.allclose(found, clip, atol=0.5 / 255 + 1e-6)


def test_other_lengths_and_sizes_are_fitted():
    clip = moving_digits(8, 0.0)[0][0, 0].numpy()
    large = clip.repeat(2, axis=1).repeat(2, axis=2).repeat(3, axis=0)
    found = fit_clip((large * 255).astype(np.uint8))
    assert found.shape == (1, 8, 16, 16)
    np.testing.assert_allclose(found[0, 0], clip[0], atol=0.35)
    np.testing.assert_allclose(found.mean(), clip.mean(), rtol=0.05)
    np.testing.assert_array_equal(fit_clip(clip)[0], clip)


@pytest.mark.parametrize(
    ("clip", "message"),
    [
        (np.zeros((7, 4, 4)), r"frames ≥ 8, height, width\), got float64 of shape \(7, 4, 4\)"),
        (np.zeros((8, 4)), r"got float64 of shape \(8, 4\)"),
        (np.zeros((8, 4, 0)), r"got float64 of shape \(8, 4, 0\)"),
        (np.zeros((8, 4, 4), dtype=complex), "got complex128"),
        (np.full((8, 4, 4), np.nan), "a clip must be of finite numbers"),
    ],
)
def test_other_arrays_are_refused(clip, message):
    with pytest.raises(UsageError, match=message):
        fit_clip(clip)


def test_files_that_are_no_clips_are_refused_in_one_line(tmp_path):
    (tmp_path / "text.gif").write_text("hello")
    (tmp_path / "text.npy").write_text("hello")
    (tmp_path / "empty.npy").touch()
    save_clip(moving_digits(8)[0][0], tmp_path / "clip.gif")
    whole = (tmp_path / "clip.gif").read_bytes()
    (tmp_path / "cut.gif").write_bytes(whole[: len(whole) // 2])
    for name, message in (
        ("absent.gif", "no such file"),
        ("text.gif", "expected a clip, .gif or .npy"),
        ("text.npy", "damaged or unreadable clip"),
        ("empty.npy", "damaged or unreadable clip"),
        ("cut.gif", "damaged or unreadable clip"),
    ):
        with pytest.raises(DataError, match=message) as error:
            read_clip(tmp_path / name)
        assert str(tmp_path / name) in str(error.value)
        assert "\n" not in str(error.value)
