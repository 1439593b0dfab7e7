"""Globally normalised training with beam search and early update (figure 7-12).

A sequence of actions d₁ … dₙ has the score Σ ρ(d₁ … dⱼ₋₁, dⱼ), a sum of numbers that no softmax
has made probabilities of; what is normalised is the whole sequence. The sum over all sequences
cannot be had, so the beam stands for it. For each sentence

    L = ln Σ_{d ∈ B ∪ {d*}} exp score(d) − score(d*),

with d* the correct sequence and B the beam: at the end, or at the step in which d* falls off it
(early update); then all sequences are cut there.

Source: Andor et al. 2016, "Globally Normalized Transition-Based Neural Networks", equations 5, 6.
"""

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from gradus.sequence.search import NOTHING, Beam, Scorer, States, beam_search


def global_loss(
    states: States,
    gold: Int[np.ndarray, "S longest"],
    scorer: Scorer,
    width: int,
    device: torch.device | None = None,
) -> tuple[Float[Tensor, "S"], Beam]:
    """L of each sentence, and the beam that stands for the sum.

    The search keeps no gradients. Only the states on the way to what is on the beam at the end are
    scored once more with them, each once, though several hypotheses came through it.

    Args:
        states: the first state of each sentence.
        gold: the correct actions, NOTHING behind the end.
        scorer: scores actions, the same in the same state each time: no dropout in between.
        width: the beam, ≥ 1.
        device: where the scorer computes.
    """
    steps = (gold != NOTHING).sum(1)
    first = states.take(np.arange(len(steps)))
    beam = beam_search(states, steps, scorer, width, normalise=False, gold=gold, device=device)
    paths = torch.where(torch.isfinite(beam.scores), _path_scores(beam, scorer), -torch.inf)
    right = _gold_scores(first, gold, beam, scorer, paths)
    others = paths.masked_fill(torch.from_numpy(beam.correct).to(paths.device), -torch.inf)
    everything = torch.cat([right.unsqueeze(1), others], 1)
    return everything.logsumexp(1) - right, beam


def _path_scores(beam: Beam, scorer: Scorer) -> Float[Tensor, "S B"]:
    """The scores of the hypotheses on a beam, from their first action on, with gradients."""
    sentences, width = beam.scores.shape
    if not beam.steps:
        return torch.zeros_like(beam.scores)
    base = np.cumsum([0, *(len(step.sentence) for step in beam.steps)])
    at = np.tile(np.arange(width), (sentences, 1))
    states, actions, owners = [], [], []
    hypothesis = np.arange(sentences * width).reshape(sentences, width)
    for number, step in reversed(list(enumerate(beam.steps))):
        taken = np.take_along_axis(step.actions, at, 1)
        at = np.take_along_axis(step.parents, at, 1)
        place = np.take_along_axis(step.place, at, 1)
        some = taken != NOTHING
        states.append(base[number] + place[some])
        actions.append(taken[some])
        owners.append(hypothesis[some])
    visited, where = np.unique(np.concatenate(states), return_inverse=True)
    device = beam.scores.device
    columns = zip(*((*step.described, step.sentence) for step in beam.steps), strict=True)
    rows = torch.from_numpy(visited).to(device)
    scores = scorer(*(torch.cat(column)[rows] for column in columns))
    chosen = scores[
        torch.from_numpy(where).to(device),
        torch.from_numpy(np.concatenate(actions).astype(np.int64)).to(device),
    ]
    owner = torch.from_numpy(np.concatenate(owners)).to(device)
    sums = scores.new_zeros(sentences * width).index_add(0, owner, chosen)
    return sums.view(sentences, width)


def _gold_scores(
    states: States, gold: Int[np.ndarray, "S longest"], beam: Beam, scorer: Scorer, like: Tensor
) -> Float[Tensor, "S"]:
    """The scores of the correct actions, as far as each sentence's search went."""
    described, sentence, actions = [], [], []
    for step, done in enumerate(beam.steps):
        went = (done.actions != NOTHING).any(1)
        rows = np.flatnonzero(went)
        described.append([torch.from_numpy(a[rows]) for a in states.describe()])
        sentence.append(torch.from_numpy(rows))
        here = np.where(went, gold[:, step], NOTHING).astype(np.int32)
        actions.append(torch.from_numpy(here[rows].astype(np.int64)))
        states.advance(here)
    sums = like.new_zeros(len(gold))
    if not described:
        return sums
    columns = [torch.cat(c).to(like.device) for c in zip(*described, strict=True)]
    owner, right = (torch.cat(c).to(like.device) for c in (sentence, actions))
    scores = scorer(*columns, owner)
    return sums.index_add(0, owner, scores.gather(1, right.unsqueeze(1)).squeeze(1))
