"""Sounds in which several notes are played one after the other, to be named in order."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from gradus.sequence.attending.scenes import MOST, NOISE, Described, blank, generator_of

RATE = 4000  # samples in a second
LENGTH = 4096  # samples of a tune: 1.024 s
WINDOW, HOP = 256, 128  # samples of a spectrum (64 ms) and between two (32 ms)
FRAMES = (LENGTH - WINDOW) // HOP + 1
FREQUENCIES = 128  # 0 to 1,984 Hz, in steps of 15.6
NOTES = {
    "c": 261.6,
    "d": 293.7,
    "e": 329.6,
    "f": 349.2,
    "g": 392.0,
    "a": 440.0,
    "b": 493.9,
}
"""Name -> fundamental frequency in the fourth octave, in Hz."""
NAMES = tuple(NOTES)
PARTIALS = 4  # of a note: its fundamental and three overtones, all below 2 kHz
SLOT = LENGTH // MOST
"""Samples within which a note begins and ends."""
SHORTEST = 400
"""Samples of a note: 0.1 s."""
HEARD = WINDOW // 4
"""Samples of a note that a frame must reach into to be one of its frames: 16 ms."""


def tunes(n: int, part: str = "train") -> Described:
    """Sounds of two to four notes, and where each is.

    Each note has its own loudness, length (0.1 s to 0.192 s), beginning, phases and shares of
    overtones, and is up to 1 % out of tune. Noise lies over it all.

    Args:
        n: how many, ≥ 1.
        part: `train`, `validation` or `test`; the tunes depend on it and n alone.

    Returns:
        spectrograms "n 128 31"; the notes in order, as indices into `NAMES`, then 7 for the end;
        and the frames that hear each for at least 16 of their 64 ms.
    """
    generator = generator_of(part)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(n, MOST, *shape, generator=generator)

    slots = torch.rand(n, MOST, generator=generator).argsort(1)
    many = torch.randint(2, MOST + 1, (n,), generator=generator)
    plays = slots < many[:, None]  # so many of the slots, at random
    notes = torch.randint(len(NAMES), (n, MOST), generator=generator)
    hertz = torch.tensor(list(NOTES.values()))[notes][..., None] * uniform(0.99, 1.01, 1)
    long = uniform(SHORTEST, SLOT - WINDOW, 1)  # so no frame hears two
    begin = uniform(0, 1, 1) * (SLOT - WINDOW - long)
    t = torch.arange(SLOT)
    inside = (t >= begin) & (t < begin + long) & plays[..., None]  # "n slots samples"
    waves = torch.zeros(n, MOST, SLOT)
    for k in range(1, PARTIALS + 1):
        share = uniform(0.3, 1, 1) if k == 1 else uniform(0.05, 0.3, 1)
        waves += share * (2 * torch.pi * (k * hertz * t / RATE + uniform(0, 1, 1))).sin()
    sound = (waves * inside).flatten(1) + NOISE * torch.randn(n, LENGTH, generator=generator)
    heard = _frames_of(begin, long)
    names, there = blank(n, FRAMES)
    for i, k in enumerate(many.tolist()):
        names[i, :k] = notes[i, plays[i]]
        names[i, k] = len(NAMES)
        there[i, :k] = heard[i, plays[i]]
    return spectrogram(sound), names, there


def _frames_of(
    begin: Float[Tensor, "n slots 1"], long: Float[Tensor, "n slots 1"]
) -> Bool[Tensor, "n slots frames"]:
    """The frames that hear a note for at least 16 ms; it begins so many samples into its slot."""
    begin = begin + SLOT * torch.arange(MOST)[:, None]
    start = HOP * torch.arange(FRAMES)
    reaches = torch.minimum(begin + long, start + WINDOW) - torch.maximum(begin, start)
    return reaches >= HEARD


def spectrogram(sound: Float[Tensor, "n samples"]) -> Float[Tensor, "n 128 frames"]:
    """How strong each frequency is at each time: the logarithm of the short-time power spectrum.

    Each is brought to mean 0 and standard deviation 1.

    Args:
        sound: pressure over time at 4 kHz, 256 samples or more.
    """
    window = torch.hann_window(WINDOW)
    spectrum = torch.stft(sound, WINDOW, HOP, window=window, center=False, return_complex=True)
    level = (spectrum[:, :FREQUENCIES].abs().square() + 1e-6).log()
    return (level - level.mean((1, 2), keepdim=True)) / (level.std((1, 2), keepdim=True) + 1e-6)
