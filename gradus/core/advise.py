"""What a run's curves say, and what the book's workflow would try next (book figure 2-14).

The workflow looks at two errors after every epoch. If the one on the training set has stopped
improving too early, the model must capture more: it underfits. If the one on the validation set
has, measures against overfitting are due. If both are fine, the test set decides, once.

A difference counts only beyond three times the noise, and as a share of what the run has won. With
dropout the training loss can lie above the validation loss: that is no gap.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from gradus.core.curves import MIN_EPOCHS, Curves, first_not_finite, read_curves

Verdict = Literal["healthy", "underfits", "overfits", "plateau", "diverges", "too short"]
Finding = tuple[str, list[str]]

NOISE = 3.0
"""Differences below so many standard deviations of the noise are not seen."""
CLIMB = 0.5
"""Training that has lost half of its fall again diverges; a single spike is over sooner."""
CLIMB_LEVEL = 0.1
"""And it must have climbed by a tenth of its level, or one that never learnt would diverge too.
Before noise can be told (see MIN_EPOCHS) it must have doubled."""
RISE = 0.05
"""A validation loss that rises by a twentieth of the fall has turned: of a curve's approach to its
limit so much is left after three time constants, so more is no waver of a converged run."""
GAP = 0.2
"""With a fifth of all that was learnt between the two losses, that much was learnt by heart. All
that was learnt counts the first epoch too: many models do most of their learning in it."""
GAP_ACCURACY = 0.05
"""So was one example in twenty that is answered rightly only because it was trained on."""
FALLING = 0.08
"""A curve that won 8 % of its fall in the last quarter has, if it nears its limit exponentially,
about as much still before it."""
WORTHWHILE = 0.01
"""A fall of less than 1 % of all that was won is not worth more epochs."""
FLAT = 0.02
"""A curve within 2 % of its fall from its lowest point has arrived."""
STALLED = 0.5
"""A run that gained nothing in its second half wasted it."""
SOLVED = 0.05
"""With a twentieth of the first loss left there is little more to win: no plateau."""
POOR = 0.5
"""A loss that never fell to half of that of the first, untrained epoch is a poor fit."""
MISSES = 0.1
"""So is missing one training example in ten."""
STUCK = 0.9
"""With nine tenths of the first loss left hardly anything was learnt, by heart or otherwise."""
JUMPY = 0.05
"""A training loss whose noise is a twentieth of its level is thrown about by its own steps."""
DECAYED = 0.5
"""A learning rate that ends below half of its highest value already has a schedule."""


@dataclass(frozen=True)
class Advice:
    """A verdict on a run.

    Attributes:
        verdict: what the curves show.
        evidence: the numbers behind it, a sentence each.
        next_steps: what to try, most promising first, with the setting to change where one exists.
    """

    verdict: Verdict
    evidence: list[str]
    next_steps: list[str]


def advise(records: list[dict[str, Any]]) -> Advice:
    """Judge a run by its curves (book chapter 2, figure 2-14).

    Args:
        records: one per epoch, in order, as in metrics.jsonl: `train/loss`, and where there are
            any `validation/loss`, `train/accuracy`, `validation/accuracy` (in [0, 1]), `epoch` and
            `lr`. Epochs without both losses are passed over, unless no epoch has both.

    Returns:
        The verdict, its evidence and the next steps.

    Raises:
        UsageError: there are records, but none has a training loss.
    """
    if not records:
        return Advice("too short", ["no epoch is complete yet"], ["train it: --epochs 20"])
    broken = first_not_finite(records)
    if broken:
        return Advice("diverges", [broken], _steps_against_divergence("--lr a tenth of it"))
    curves = read_curves(records)
    for verdict, judge in JUDGES:
        finding = judge(curves)
        if finding:
            reason, steps = finding
            return Advice(verdict, [reason, *curves.facts], steps)
    raise AssertionError("unreachable: the last judge always finds something")


def _diverges(c: Curves) -> Finding | None:
    lowest, end = float(c.train.min()), float(c.train[-1])
    climb, since_best = end - lowest, end - float(c.train[c.best])
    beyond = NOISE * c.noise[0]
    level = abs(lowest) * (CLIMB_LEVEL if len(c.epochs) >= MIN_EPOCHS else 1)
    alone = climb > max(CLIMB * max(c.start - lowest, 0.0), level, beyond)
    together = _has_risen(c) and since_best > max(RISE * c.fall, beyond) and not _is_stuck(c)
    if not (alone or together):
        return None
    since = c.epochs[int(c.train.argmin())]
    reason = f"training loss climbed by {c.show(climb)} since epoch {since}"
    return reason, _steps_against_divergence(_rate(c, 0.1))


def _has_few_epochs(c: Curves) -> Finding | None:
    if len(c.epochs) >= MIN_EPOCHS:
        return None
    reason = f"{len(c.epochs)} epochs are too few to judge (at least {MIN_EPOCHS})"
    return reason, ["train longer: --epochs 20"]


def _overfits(c: Curves) -> Finding | None:
    by_heart = c.gap > GAP * c.learnt or c.lead > GAP_ACCURACY
    apart = by_heart and c.gap > NOISE * max(c.noise)
    if _is_stuck(c):
        return None
    if _has_risen(c):
        best = c.epochs[c.best]
        reason = (
            f"validation loss rose by {c.show(c.rise)} since epoch {best}, training loss did not"
        )
    elif apart and not _is_falling(c):
        reason = f"validation loss stopped {c.show(c.gap)} above training loss: learnt by heart"
    else:
        return None
    right = c.accuracy.get("validation")
    if right and right[-1] == max(right):
        reason += "; accuracy is still at its best: right as often, but too sure of itself"
    return reason, [
        "stop when validation stops improving: --patience 5",
        "silence hidden neurons at random: --dropout 0.2 (or more)",
        "penalise large weights: --l2 0.0001 (or more), --max-norm 3",
        "collect more training data, or vary what there is",
        "take a smaller net: fewer or smaller --hidden layers",
    ]


def _is_short(c: Curves) -> Finding | None:
    if not _is_falling(c):
        return None
    reason = f"the loss still fell by {c.show(c.gain)} over the last {c.quarter} epochs"
    return reason, [
        f"train longer: --epochs {2 * c.epochs[-1]}",
        f"or faster: {_rate(c, 3)}; gradus lr-find shows how far you can go",
        "or with momentum: --momentum 0.9",
    ]


def _underfits(c: Curves) -> Finding | None:
    accuracy = max((values[-1] for values in c.accuracy.values()), default=None)
    if accuracy is not None and accuracy < 1 - MISSES:
        reason = f"{1 - accuracy:.0%} of the examples are missed, seen and unseen ones alike"
    elif accuracy is None and c.left is not None and c.left >= POOR:
        reason = f"the loss settled at {c.left:.0%} of that of the first epoch, on both sets"
    else:
        return None
    steps = [
        "give the model more to work with: more or larger --hidden layers, --hidden 512 512",
        "ask whether the inputs hold what the answer needs: better features or other data",
    ]
    if _is_jumpy(c) or _is_stuck(c):  # too small a rate would still creep down
        return reason, [_smaller_steps(_rate(c, 0.1)), "check the start: --init he", *steps]
    if c.measured and -c.gap > max(GAP * c.learnt, NOISE * max(c.noise)):
        steps.insert(0, "training loss lies above validation loss: less --dropout, less --l2")
    return reason, [*steps, f"try other learning rates: {_rate(c, 3)} or {_rate(c, 0.3)}"]


def _stalls(c: Curves) -> Finding | None:
    own = float(c.validation[0] - c.validation.min())
    low = c.validation.min() + max(FLAT * own, NOISE * c.noise[1])
    idle = len(c.epochs) - 1 - int(np.argmax(c.validation <= low))
    solved = c.left is not None and c.left < SOLVED
    if idle < STALLED * len(c.epochs) or solved:
        return None
    reason = f"nothing was gained in the last {idle} of {len(c.epochs)} epochs"
    if _is_jumpy(c):
        reason += f", but the loss jumps by ±{c.show(c.jitter)} from epoch to epoch"
    schedule = "" if c.last_lr < DECAYED * c.lr else "--schedule cosine, or "
    return reason, [
        f"take smaller steps from there on: {schedule}{_rate(c, 0.3)}",
        "or stop there: --patience 5",
        "if it is not good enough: a larger model (--hidden 512 512) or --optimizer adam",
    ]


def _is_healthy(c: Curves) -> Finding:
    reason = f"both losses settled, {c.show(max(c.gap, 0.0))} apart"
    if not c.measured:
        reason = "training loss settled; no validation loss was measured"
    return reason, [
        "measure it on the test set, once: gradus evaluate RUN",
        "if the test falls behind validation: collect more data of the kind that fails",
        "if training itself is not good enough: a larger model, --hidden 512 512",
    ]


JUDGES: Sequence[tuple[Verdict, Callable[[Curves], Finding | None]]] = (
    ("diverges", _diverges),
    ("too short", _has_few_epochs),
    ("overfits", _overfits),
    ("too short", _is_short),
    ("underfits", _underfits),
    ("plateau", _stalls),
    ("healthy", _is_healthy),
)
"""The verdicts in the order they are tried; each judge gives a reason and next steps, or None."""


def _has_risen(c: Curves) -> bool:
    """Whether the validation loss has turned upward."""
    return c.measured and c.rise > max(RISE * c.fall, NOISE * c.noise[1])


def _is_falling(c: Curves) -> bool:
    """Whether the last quarter of the run still brought a good part of the fall."""
    own = float(c.validation[0] - c.validation.min())
    return c.gain > max(FALLING * own, WORTHWHILE * c.fall, NOISE * c.noise[1])


def _is_stuck(c: Curves) -> bool:
    """Whether hardly anything was learnt."""
    return c.left is not None and c.left >= STUCK


def _is_jumpy(c: Curves) -> bool:
    """Whether the training loss is thrown about by its own steps."""
    return c.jitter > JUMPY * abs(float(c.train[-1]))


def _rate(c: Curves, factor: float) -> str:
    """The setting for a learning rate of `factor` times the present one."""
    if c.lr > 0:
        return f"--lr {float(f'{c.lr * factor:.1g}'):g}"
    return f"--lr {factor:g} times as large"


def _smaller_steps(rate: str) -> str:
    return f"take smaller steps: {rate}; gradus lr-find shows how large they may be"


def _steps_against_divergence(rate: str) -> list[str]:
    return [
        _smaller_steps(rate),
        "cut long gradients: --clip-norm 1",
        "start gently: --warmup 0.1",
        "see where the first NaN or infinity arises: --check-numerics",
    ]
