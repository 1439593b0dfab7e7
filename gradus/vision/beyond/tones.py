"""Sounds like those of speech, and their spectrograms (book ch. 5, other domains).

A vowel is made as the voice makes it: a source rich in harmonics (the vocal folds) is filtered by
resonances (the mouth). The resonances, or formants F₁, F₂, F₃, tell the vowels apart, the pitch
does not. A hiss is noise through one broad resonance.

Sources: Fant 1960, "Acoustic Theory of Speech Production"; formants: means of the male speakers of
Peterson and Barney 1952, "Control Methods Used in a Study of the Vowels", table II.
"""

import wave
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradus.core.errors import DataError, UsageError
from gradus.vision.beyond.parts import generator_of

RATE = 16_000  # samples in a second
LENGTH = 4096  # samples of a sound: 0.256 s
WINDOW, HOP = 256, 128  # samples of a spectrum (16 ms) and between two
FREQUENCIES = WINDOW // 2
FRAMES = (LENGTH - WINDOW) // HOP + 1

VOWELS = {
    "ee": (270.0, 2290.0, 3010.0),  # heed
    "eh": (530.0, 1840.0, 2480.0),  # head
    "ah": (730.0, 1090.0, 2440.0),  # hod
    "oo": (300.0, 870.0, 2240.0),  # who'd
    "er": (490.0, 1350.0, 1690.0),  # heard
}
"""Vowel -> formants, in Hz."""
HISSES = {"sh": 3000.0, "s": 6000.0}
"""Hiss -> where it is strongest, in Hz: our choice."""
SOUNDS = (*VOWELS, *HISSES)

Waves = Float[Tensor, "n samples"]


def spoken_tones(
    n: int, noise: float = 0.1, part: str = "train"
) -> tuple[Waves, Int64[Tensor, "n"]]:
    """Sounds of 0.256 s, and the number of each one's kind.

    Each has a speaker of its own (formants up to 12 % lower or higher, pitch 90 to 300 Hz), a
    pitch that glides by up to 20 %, its own loudness, beginning and length.

    Args:
        n: how many sounds, ≥ 1; the kinds take turns.
        noise: standard deviation of the background beside a sound of standard deviation 1 where
            it is loudest, ≥ 0.
        part: `train`, `validation` or `test`; the sounds depend on it, n and noise alone.

    Returns:
        pressure over time, 4,096 samples each, and indices into `SOUNDS`.
    """
    generator = generator_of(part)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(n, *shape, generator=generator)

    labels = torch.arange(n) % len(SOUNDS)
    voiced = (labels < len(VOWELS))[:, None]
    folds = glottal(uniform(90, 300, 1), uniform(-0.2, 0.2, 1))
    source = torch.where(voiced, folds, torch.randn(n, LENGTH, generator=generator))
    peaks = torch.tensor([*VOWELS.values(), *((f, f, f) for f in HISSES.values())])[labels]
    widths = torch.where(voiced, uniform(60, 120, 1), 1500.0).expand(n, 3)
    sound = resonate(source, peaks * uniform(0.88, 1.12, 1), widths)
    sound = sound / sound.std(1, keepdim=True)
    begin, end = uniform(0, 0.25, 1), uniform(0.7, 1, 1)
    t = torch.linspace(0, 1, LENGTH)
    envelope = ((t - begin) * 20).clamp(0, 1) * ((end - t) * 20).clamp(0, 1)
    background = noise * torch.randn(n, LENGTH, generator=generator)
    return uniform(0.2, 1, 1) * (sound * envelope + background), labels


def glottal(pitch: Float[Tensor, "n 1"], glide: Float[Tensor, "n 1"]) -> Waves:
    """The voice's source: a sawtooth, whose harmonics fall by 6 dB an octave.

    Args:
        pitch: at the beginning, in Hz.
        glide: how much higher the pitch is at the end, as a share of it.
    """
    t = torch.linspace(0, 1, LENGTH)
    seconds = LENGTH / RATE
    turns = pitch * seconds * (t + glide * t.square() / 2)
    return 2 * (turns % 1) - 1


def resonate(source: Waves, peaks: Float[Tensor, "n k"], widths: Float[Tensor, "n k"]) -> Waves:
    """Filter by k resonances in a row: |H(f)| = ∏ F² / √((f² - F²)² + (B f)²).

    Args:
        source: pressure over time.
        peaks: F of each resonance, in Hz.
        widths: B, its bandwidth, in Hz.
    """
    f = torch.fft.rfftfreq(source.shape[1], 1 / RATE)
    peak, width = peaks[..., None], widths[..., None]
    gain = peak.square() / ((f.square() - peak.square()).square() + (width * f).square()).sqrt()
    return torch.fft.irfft(torch.fft.rfft(source) * gain.prod(1), source.shape[1])


def spectrogram(sound: Waves) -> Float[Tensor, "n 1 128 frames"]:
    """How strong each frequency is at each time: the logarithm of the short-time power spectrum.

    Each is brought to mean 0 and standard deviation 1, so that loudness does not matter.

    Args:
        sound: pressure over time, 256 samples or more.

    Returns:
        128 frequencies, 0 to 7,937.5 Hz in steps of 62.5, in each 8 ms.
    """
    window = torch.hann_window(WINDOW)
    spectrum = torch.stft(sound, WINDOW, HOP, window=window, center=False, return_complex=True)
    power = spectrum[:, :-1].abs().square()
    level = (power + 1e-9 * power.amax((1, 2), keepdim=True) + 1e-30).log()
    mean, std = level.mean((1, 2), keepdim=True), level.std((1, 2), keepdim=True)
    return ((level - mean) / (std + 1e-6))[:, None]


def fit_sound(sound: np.ndarray, rate: int) -> Float[Tensor, "1 4096"]:
    """A sound of any rate and length, as the network takes it: its loudest 0.256 s at 16 kHz.

    A shorter one is filled up with silence.

    Args:
        sound: pressure over time, "samples".
        rate: samples in a second.

    Raises:
        UsageError: there is nothing to hear.
    """
    if sound.ndim != 1 or len(sound) < 2 or not np.isfinite(sound).all() or not sound.any():
        raise UsageError(f"a sound must be samples that are not all 0, got shape {sound.shape}")
    length = round(len(sound) * RATE / rate)
    spectrum = np.fft.rfft(sound)[: length // 2 + 1]  # what 16 kHz cannot carry is left out
    resampled = np.fft.irfft(spectrum, length) * (length / len(sound))
    padded = np.pad(resampled, (0, max(0, LENGTH - length)))
    energy = np.convolve(padded**2, np.ones(LENGTH), "valid")
    start = int(energy.argmax())
    return torch.from_numpy(padded[start : start + LENGTH].astype(np.float32))[None]


def read_sound(path: str | Path) -> tuple[Float[np.ndarray, "samples"], int]:
    """Samples in [-1, 1] and their rate from a .wav file of whole numbers; channels are averaged.

    Raises:
        DataError: the file is missing, damaged or of another kind.
    """
    path = Path(path)
    try:
        with wave.open(str(path)) as file:
            channels, width, rate, frames, _, _ = file.getparams()
            raw = file.readframes(frames)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except (OSError, wave.Error, EOFError) as error:
        raise DataError(f"{path}: not a .wav file of whole numbers ({error})") from error
    if width not in (1, 2, 4):
        raise DataError(f"{path}: expected samples of 8, 16 or 32 bits, found {8 * width}")
    samples = np.frombuffer(raw, f"<i{width}" if width > 1 else "u1").astype(np.float64)
    samples = (samples - 128) / 128 if width == 1 else samples / 2 ** (8 * width - 1)
    return samples[: len(samples) // channels * channels].reshape(-1, channels).mean(1), rate


def save_sound(sound: Float[Tensor, "samples"], path: str | Path) -> None:
    """Write a sound as a 16-bit .wav file at 16 kHz, its loudest sample at 0.9."""
    loudest = float(sound.abs().max()) or 1.0
    samples = (sound / loudest * 0.9 * 32767).round().to(torch.int16).numpy()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.astype("<i2").tobytes())
