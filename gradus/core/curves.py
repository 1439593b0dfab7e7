"""A run's curves as numbers: smoothed, with their noise, and how far they fell.

Curves are noisy, so they are read through a running median. The training loss of an epoch is a mean
over its minibatches, so it lags half an epoch behind the validation loss; in the first epoch, which
begins untrained, that is too much, so the fall is counted from the second.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from gradus.core.errors import UsageError

Record = dict[str, Any]
Curve = Float[np.ndarray, " epochs"]

NAMES = ("train/loss", "validation/loss", "train/accuracy", "validation/accuracy")
"""The records that are read."""
MIN_EPOCHS = 5
"""Fewer points leave nothing to tell a trend from noise by; they are not smoothed."""


@dataclass(frozen=True)
class Curves:
    """The curves of a run, losses in units of the largest, smoothed, and what they amount to.

    Attributes:
        epochs: the number of each epoch.
        unit: the largest absolute loss; a loss is shown multiplied by it.
        train: training loss, in [-1, 1].
        validation: validation loss, in [-1, 1]; the training loss where none was measured.
        measured: whether a validation loss was measured.
        untrained: the higher of the two losses of the first epoch.
        start: the higher of the two losses once the first epoch is over.
        jitter: standard deviation of the training loss from epoch to epoch, before smoothing.
        noise: what is left of the noise in the smoothed training and validation loss.
        accuracy: "train" or "validation" -> accuracy per epoch, where there is one.
        facts: first, last and lowest numbers as they stand in the records.
        lr: the highest learning rate of the run; 0 if unknown.
        last_lr: the learning rate at its end; 0 if unknown.
    """

    epochs: list[int]
    unit: float
    train: Curve
    validation: Curve
    measured: bool
    untrained: float
    start: float
    jitter: float
    noise: tuple[float, float]
    accuracy: dict[str, list[float]]
    facts: list[str]
    lr: float
    last_lr: float

    @property
    def best(self) -> int:
        """Index of the lowest validation loss."""
        return int(self.validation.argmin())

    @property
    def lowest(self) -> float:
        """The lowest loss on either set."""
        return float(min(self.train.min(), self.validation.min()))

    @property
    def fall(self) -> float:
        """How far the loss came down, on either set, after the first epoch; ≥ 0."""
        return max(self.start - self.lowest, 0.0)

    @property
    def learnt(self) -> float:
        """How far the loss came down from the mean of the first epoch; ≥ 0."""
        return max(self.untrained - self.lowest, 0.0)

    @property
    def gap(self) -> float:
        """How far the validation loss ends above the training loss."""
        return float(self.validation[-1] - self.train[-1])

    @property
    def rise(self) -> float:
        """How far the validation loss ends above its lowest point; ≥ 0."""
        return float(self.validation[-1] - self.validation.min())

    @property
    def quarter(self) -> int:
        """A quarter of the run, in epochs; at least 2, where there are as many."""
        return min(max(2, len(self.epochs) // 4), len(self.epochs) - 1)

    @property
    def gain(self) -> float:
        """How far the validation loss came down in the last quarter of the run."""
        return float(self.validation[-1 - self.quarter] - self.validation[-1])

    @property
    def left(self) -> float | None:
        """The lower final loss as a share of the first epoch's; None unless losses are > 0."""
        end = float(min(self.train[-1], self.validation[-1]))
        return end / self.untrained if end > 0 and self.untrained > 0 else None

    @property
    def lead(self) -> float:
        """How far the training accuracy ends above the validation accuracy; 0 if unknown."""
        if len(self.accuracy) < 2:
            return 0.0
        return self.accuracy["train"][-1] - self.accuracy["validation"][-1]

    def show(self, loss: float) -> str:
        """A loss, or a difference of two, in the units of the records."""
        return f"{loss * self.unit:.3g}"


def first_not_finite(records: Sequence[Record]) -> str | None:
    """Where the first NaN or infinity in the curves is, in words; None where there is none."""
    for i, record in enumerate(records, start=1):
        for name in NAMES:
            value = record.get(name)
            if value is not None and not np.isfinite(value):
                return f"{name} is {value} at epoch {record.get('epoch', i)}"
    return None


def read_curves(records: Sequence[Record]) -> Curves:
    """The curves of the epochs that have every loss.

    Args:
        records: one per epoch, at least one, all finite; see `gradus.core.advise.advise`.

    Returns:
        The curves.

    Raises:
        UsageError: no record has a training loss.
    """
    rows = [r for r in records if r.get("train/loss") is not None]
    if not rows:
        names = ", ".join(sorted(records[0])) or "nothing"
        raise UsageError(f"advice needs train/loss in the epochs' records, found {names}")
    both = [r for r in rows if r.get("validation/loss") is not None]
    rows, measured = both or rows, bool(both)
    train = _column(rows, "train/loss")
    validation = _column(rows, "validation/loss" if measured else "train/loss")
    epochs = [int(r.get("epoch", i)) for i, r in enumerate(rows, start=1)]
    accuracy = {
        name: [float(r[f"{name}/accuracy"]) for r in rows]
        for name in ("train", "validation")
        if all(r.get(f"{name}/accuracy") is not None for r in rows)
    }
    facts = [_fact("training loss", epochs, train)]
    if measured:
        facts.append(_fact("validation loss", epochs, validation))
    facts += [f"{name} accuracy {a[0]:.3f} → {a[-1]:.3f}" for name, a in accuracy.items()]
    unit = float(max(np.abs(train).max(), np.abs(validation).max())) or 1.0
    train, validation = train / unit, validation / unit
    second = float(train[min(1, len(train) - 1)])
    rates = [float(r["lr"]) for r in rows if r.get("lr") is not None] or [0.0]
    return Curves(
        epochs=epochs,
        unit=unit,
        train=_smooth(train),
        validation=_smooth(validation),
        measured=measured,
        untrained=float(max(train[0], validation[0])),
        start=max(second, float(validation[0])) if measured else second,
        jitter=_noise(train)[0],
        noise=(_noise(train)[1], _noise(validation)[1]),
        accuracy=accuracy,
        facts=facts,
        lr=max(rates),
        last_lr=rates[-1],
    )


def _column(rows: Sequence[Record], name: str) -> Curve:
    return np.array([r[name] for r in rows], dtype=np.float64)


def _fact(name: str, epochs: list[int], curve: Curve) -> str:
    low = int(curve.argmin())
    return (
        f"{name} {curve[0]:.3g} → {curve[-1]:.3g}, "
        f"lowest {curve[low]:.3g} at epoch {epochs[low]} of {epochs[-1]}"
    )


def _half_window(curve: Curve) -> int:
    """Epochs on either side that the running median takes in: 1, in long runs up to 7."""
    return 0 if len(curve) < MIN_EPOCHS else min(1 + len(curve) // 20, 7)


def _smooth(curve: Curve) -> Curve:
    """The running median; at the ends the window is cut."""
    half = _half_window(curve)
    return np.array([np.median(curve[max(0, i - half) : i + half + 1]) for i in range(len(curve))])


def _noise(curve: Curve) -> tuple[float, float]:
    """Standard deviation σ of the noise in a curve, and of what the running median leaves of it.

    A smooth trend leaves second differences small; independent noise gives them the deviation √6 σ,
    and the median of their sizes is 0.6745 times that. Only the second half of the run is looked
    at: its end is what is judged, and its beginning is steep. A curve that never turns back there
    has no noise to speak of. The median of k numbers varies by about 1.25 σ / √k; the last window
    has k = 1 + half.
    """
    steps = np.diff(curve[-max(MIN_EPOCHS, len(curve) // 2) :])
    if len(curve) < MIN_EPOCHS or np.all(steps <= 0) or np.all(steps >= 0):
        return 0.0, 0.0
    sigma = float(np.median(np.abs(np.diff(steps))) / (0.6745 * np.sqrt(6)))
    return sigma, float(1.25 * sigma / np.sqrt(1 + _half_window(curve)))
