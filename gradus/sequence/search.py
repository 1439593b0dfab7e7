"""Beam search over sequences of actions (figure 7-11), for many sentences at once.

What is searched is told by two things. `States` holds a state for each hypothesis and takes
actions; a `Scorer` gives the score of every action in some states. So it serves a parser, whose
actions build a tree, as well as a tagger, whose actions are tags.

Symbols: S sentences, B hypotheses of each (the beam), A actions.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gradus.core.recipe import check_setting

NOTHING = -1
"""The action that leaves a state as it is."""
Scorer = Callable[..., Tensor]
"""(what a state is described by, tensors "rows …"; "rows" to which sentence it belongs) -> scores
of the actions, "rows actions", −∞ where one is not allowed."""


@runtime_checkable
class States(Protocol):
    """The states of many hypotheses, a row each."""

    def take(self, rows: Int[np.ndarray, "some"]) -> Any:
        """Copies of some rows, in their order."""

    def advance(self, actions: Int[np.ndarray, "rows"]) -> None:
        """Take an action in each state, in place; NOTHING leaves it as it is."""

    def describe(self) -> tuple[Any, ...]:
        """What a scorer looks at: arrays with a row for each state."""


@dataclass
class Step:
    """What was done in one step, for `gradus.sequence.globally`.

    Attributes:
        described: what the states that were scored are described by.
        sentence: to which sentence each of them belongs.
        place: for each hypothesis which of them was its state, −1 where it was not scored.
        parents: for each hypothesis after the step which one before it was continued.
        actions: with which action; NOTHING where it was not.
    """

    described: tuple[Tensor, ...]
    sentence: Int[Tensor, "rows"]
    place: Int[np.ndarray, "S B"]
    parents: Int[np.ndarray, "S B"]
    actions: Int[np.ndarray, "S B"]


@dataclass
class Beam:
    """The hypotheses of a search, those of each sentence from the best on.

    Attributes:
        states: the hypotheses' states, B rows for each sentence.
        scores: the sum of the scores of their actions, "S B"; −∞ where there are fewer.
        correct: which of them, if any, is the correct one; where that was asked for.
        fallen: the sentences whose correct hypothesis fell off the beam, where their search ended.
        steps: what was done, where that was asked for.
    """

    states: Any
    scores: Float[Tensor, "S B"]
    correct: Bool[np.ndarray, "S B"]
    fallen: Bool[np.ndarray, "S"]
    steps: list[Step] = field(default_factory=list)

    @property
    def best(self) -> Any:
        """The state of each sentence's best hypothesis."""
        sentences, width = self.scores.shape
        return self.states.take(np.arange(sentences) * width)


@torch.no_grad()
def beam_search(
    states: States,
    steps: Int[np.ndarray, "S"],
    scorer: Scorer,
    width: int,
    *,
    normalise: bool,
    gold: Int[np.ndarray, "S longest"] | None = None,
    device: torch.device | None = None,
) -> Beam:
    """The sequences of actions with the highest sum of scores, as far as the beam is wide enough.

    In each step every hypothesis is continued by every action (expansion), and of all that come
    from a sentence the B best are kept (pruning). With a beam of 1 that is greedy search; a beam
    that holds all sequences finds the very best.

    Args:
        states: the first state of each sentence.
        steps: how many actions each sentence takes.
        scorer: scores the actions.
        width: the beam B, ≥ 1.
        normalise: whether an action's score is the logarithm of its probability among those that
            the state allows (local normalisation), or what the scorer gives (global).
        gold: the correct actions, where a search is to end with the step in which the correct
            hypothesis falls off the beam (early update); all steps are kept then.
        device: where the scorer computes.

    Raises:
        UsageError: `width` is below 1.
    """
    check_setting(width >= 1, "beam", "≥ 1", width)
    sentences = len(steps)
    owner = np.repeat(np.arange(sentences), width)
    scores = torch.full((sentences, width), -torch.inf, device=device)
    scores[:, 0] = 0
    correct = np.zeros((sentences, width), bool)
    correct[:, 0] = True
    found = Beam(states.take(owner), scores, correct, np.zeros(sentences, bool))
    for step in range(int(steps.max(initial=0))):
        going = (steps > step) & ~found.fallen
        if not going.any():
            break
        done = _expand_and_prune(found, going, owner, scorer, normalise)
        if gold is not None:
            kept = np.take_along_axis(found.correct, done.parents, 1)
            right = (done.actions == gold[:, step, None]) | ~going[:, None]
            found.correct = kept & right
            found.fallen |= ~found.correct.any(1)
            found.steps.append(done)
    return found


def _expand_and_prune(
    beam: Beam,
    going: Bool[np.ndarray, "S"],
    owner: Int[np.ndarray, "rows"],
    scorer: Scorer,
    normalise: bool,
) -> Step:
    """One step of the sentences that go on; the beam is changed in place."""
    sentences, width = beam.scores.shape
    device = beam.scores.device
    alive = torch.isfinite(beam.scores).cpu().numpy() & going[:, None]
    rows = np.flatnonzero(alive)
    described = tuple(torch.from_numpy(a[rows]).to(device) for a in beam.states.describe())
    sentence = torch.from_numpy(owner[rows]).to(device)
    found = scorer(*described, sentence)
    found = found.log_softmax(1) if normalise else found
    totals = found.new_full((sentences * width, found.shape[1]), -torch.inf)
    at = torch.from_numpy(rows).to(device)
    totals[at] = beam.scores.to(found.dtype).flatten()[at].unsqueeze(1) + found
    active = torch.from_numpy(np.flatnonzero(going)).to(device)
    best, index = totals.view(sentences, -1)[active].topk(width, 1)
    scores = beam.scores.to(found.dtype).clone()
    scores[active] = best
    parents = np.tile(np.arange(width), (sentences, 1))
    actions = np.full((sentences, width), NOTHING, np.int32)
    chosen, there = index.cpu().numpy(), torch.isfinite(best).cpu().numpy()
    parents[going] = np.where(there, chosen // found.shape[1], 0)
    actions[going] = np.where(there, chosen % found.shape[1], NOTHING)
    beam.states = beam.states.take((parents + np.arange(sentences)[:, None] * width).ravel())
    beam.states.advance(actions.ravel())
    beam.scores = scores
    place = np.full(sentences * width, -1)
    place[rows] = np.arange(len(rows))
    return Step(described, sentence, place.reshape(sentences, width), parents, actions)
