"""Sounds: sources, resonances and spectrograms against formulas; reading sounds."""

import wave

import numpy as np
import pytest
import torch

from gradus.core.errors import DataError, UsageError
from gradus.vision.beyond.tones import (
    FRAMES,
    HOP,
    LENGTH,
    RATE,
    SOUNDS,
    VOWELS,
    WINDOW,
    fit_sound,
    glottal,
    read_sound,
    resonate,
    save_sound,
    spectrogram,
    spoken_tones,
)

TIME = np.arange(LENGTH) / RATE


def test_a_spectrogram_is_the_fourier_sum_of_each_window():
    sound = torch.randn(2, LENGTH, generator=torch.Generator().manual_seed(0))
    found = spectrogram(sound)
    assert found.shape == (2, 1, WINDOW // 2, FRAMES)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    n, k = np.arange(WINDOW), np.arange(WINDOW // 2)[:, None]
    fourier = np.exp(-2j * np.pi * k * n / WINDOW)
    for i in range(2):
        pieces = [sound[i, t * HOP : t * HOP + WINDOW].numpy() for t in range(FRAMES)]
        power = np.stack([np.abs(fourier @ (hann * piece)) ** 2 for piece in pieces], 1)
        level = np.log(power)
        expected = (level - level.mean()) / level.std()
        np.testing.assert_allclose(found[i, 0], expected, atol=2e-3)


def test_a_pure_tone_lies_at_its_frequency_whatever_its_loudness():
    tone = torch.from_numpy(np.sin(2 * np.pi * 2000 * TIME)).float()[None]
    loud, soft = spectrogram(tone), spectrogram(tone * 1e-3)
    assert (loud[0, 0].argmax(0) == 2000 // 62.5).all()
    assert torch.allclose(loud, soft, atol=1e-3)


def test_silence_gives_finite_numbers():
    assert spectrogram(torch.zeros(1, LENGTH)).isfinite().all()


def test_resonances_multiply_the_spectrum_by_their_formula():
    source = torch.randn(1, LENGTH, generator=torch.Generator().manual_seed(1))
    peaks, widths = torch.tensor([[500.0, 1500.0]]), torch.tensor([[80.0, 120.0]])
    found = np.fft.rfft(resonate(source, peaks, widths)[0].numpy())
    f = np.fft.rfftfreq(LENGTH, 1 / RATE)
    gain = 1.0
    for peak, width in ((500, 80), (1500, 120)):
        gain = gain * peak**2 / np.sqrt((f**2 - peak**2) ** 2 + (width * f) ** 2)
    expected = np.fft.rfft(source[0].numpy()) * gain
    np.testing.assert_allclose(np.abs(found), np.abs(expected), rtol=1e-3, atol=1e-2)
    assert gain[f == 500] == pytest.approx(500 / 80 * 1500**2 / np.hypot(1500**2 - 500**2, 6e4))


def test_the_voice_begins_at_its_pitch_and_glides():
    steady = glottal(torch.tensor([[200.0]]), torch.tensor([[0.0]]))[0].numpy()
    spectrum = np.abs(np.fft.rfft(steady * np.hanning(LENGTH)))
    f = np.fft.rfftfreq(LENGTH, 1 / RATE)
    assert f[spectrum.argmax()] == pytest.approx(200, abs=4)
    rising = glottal(torch.tensor([[200.0]]), torch.tensor([[0.2]]))[0].numpy()
    assert (np.diff(steady) < -1).sum() == 51  # turns in 0.256 s
    assert (np.diff(rising) < -1).sum() == 56  # a tenth more on average


def test_a_vowels_energy_lies_at_its_formants():
    sounds, labels = spoken_tones(700, noise=0.0)
    power = torch.fft.rfft(sounds).abs().square()
    f = torch.fft.rfftfreq(LENGTH, 1 / RATE)
    for name, formants in VOWELS.items():
        mean = power[labels == SOUNDS.index(name)].mean(0)
        first = formants[0]
        near = mean[(f > 0.7 * first) & (f < 1.3 * first)].sum()
        assert near > 0.5 * mean[(f > 60)].sum(), name


def test_sounds_depend_on_number_noise_and_part_alone():
    once, labels = spoken_tones(14)
    assert torch.equal(once, spoken_tones(14)[0])
    assert labels.tolist() == [*range(7)] * 2
    assert once.isfinite().all()
    assert not torch.equal(once, spoken_tones(14, part="test")[0])


@pytest.mark.parametrize(("width", "channels"), [(1, 1), (2, 1), (2, 2), (4, 1)])
def test_wave_files_of_any_width_are_read(tmp_path, width, channels):
    tone = 0.5 * np.sin(2 * np.pi * 440 * TIME)
    whole = np.round(tone * (2 ** (8 * width - 1) - 1)).astype(np.int64)
    whole = whole + 128 if width == 1 else whole
    data = np.repeat(whole[:, None], channels, 1).astype("u1" if width == 1 else f"<i{width}")
    with wave.open(str(tmp_path / "tone.wav"), "wb") as file:
        file.setparams((channels, width, RATE, 0, "NONE", ""))
        file.writeframes(data.tobytes())
    samples, rate = read_sound(tmp_path / "tone.wav")
    assert rate == RATE
    np.testing.assert_allclose(samples, tone, atol=1.01 / 2 ** (8 * width - 1))


def test_a_sound_survives_its_file(tmp_path):
    sound = spoken_tones(3)[0][2]
    save_sound(sound, tmp_path / "sound.wav")
    samples, rate = read_sound(tmp_path / "sound.wav")
    again = fit_sound(samples, rate)
    apart = spectrogram(again) - spectrogram(sound[None])
    assert apart.abs().mean() < 0.02


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100])
def test_other_rates_keep_the_pitch(rate):
    t = np.arange(int(0.3 * rate)) / rate
    found = fit_sound(np.sin(2 * np.pi * 1000 * t), rate)
    assert found.shape == (1, LENGTH)
    middle = found[0, 400:3600].numpy()
    assert np.abs(np.fft.rfft(middle)).argmax() == 200  # of 5 Hz each
    assert np.abs(middle).max() == pytest.approx(1, abs=0.05)


def test_of_a_long_sound_the_loudest_part_is_taken_and_a_short_one_filled_up():
    long = np.zeros(3 * LENGTH)
    long[5000 : 5000 + LENGTH] = np.sin(2 * np.pi * 500 * TIME)
    np.testing.assert_allclose(fit_sound(long, RATE)[0], np.sin(2 * np.pi * 500 * TIME), atol=1e-4)
    short = fit_sound(np.ones(100), RATE)
    assert short[0, :100].sum() == pytest.approx(100)
    assert not short[0, 100:].any()


@pytest.mark.parametrize(
    "sound", [np.zeros(99), np.ones((5, 2)), np.ones(1), np.array([1, np.nan])]
)
def test_what_cannot_be_heard_is_refused(sound):
    with pytest.raises(UsageError, match="a sound must be samples that are not all 0"):
        fit_sound(sound, RATE)


def test_files_that_are_no_sounds_are_refused_in_one_line(tmp_path):
    (tmp_path / "text.wav").write_text("hello")
    (tmp_path / "empty.wav").touch()
    with wave.open(str(tmp_path / "24.wav"), "wb") as file:
        file.setparams((1, 3, RATE, 0, "NONE", ""))
        file.writeframes(b"\x00" * 30)
    for name, message in (
        ("absent.wav", "no such file"),
        ("text.wav", "not a .wav file of whole numbers"),
        ("empty.wav", "not a .wav file of whole numbers"),
        ("24.wav", "expected samples of 8, 16 or 32 bits, found 24"),
    ):
        with pytest.raises(DataError, match=message) as error:
            read_sound(tmp_path / name)
        assert "\n" not in str(error.value)
