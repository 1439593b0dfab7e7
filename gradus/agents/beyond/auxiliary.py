"""UNREAL's three auxiliary losses, of experience that is kept and drawn again."""

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from gradus.agents.beyond.recipes import UnrealConfig
from gradus.agents.beyond.sequences import Sequences, Stretch
from gradus.agents.beyond.unreal import (
    FRAMES,
    Unreal,
    bootstrapped,
    pixel_changes,
    pixel_control_loss,
    reward_prediction_loss,
    value_loss,
)
from gradus.agents.envs import Games, Step


class Recorded:
    """Games whose steps are kept; otherwise as they are.

    Args:
        games: as `gradus.agents.envs.Games`.
        replay: where the steps go.
        clip: keep the sign of the rewards.
    """

    def __init__(self, games: Games, replay: Sequences, clip: bool = False) -> None:
        self.games, self.replay, self.clip = games, replay, clip
        self.count, self.actions = games.count, games.actions
        self.shape, self.stacked = games.shape, games.stacked
        self.pictures = games.pictures

    def reset(self, seed: int) -> Shaped[np.ndarray, "games *shape"]:
        """Begin anew everywhere; what is kept goes not on with it."""
        self.replay.cut()
        self.seen = self.games.reset(seed)
        return self.seen

    def step(self, actions: np.ndarray) -> Step:
        """One action in each game."""
        step = self.games.step(actions)
        reward = np.sign(step.reward) if self.clip else step.reward
        self.replay.add(self.seen, actions, reward, step.terminal, step.end, step.skip)
        self.seen = step.observation
        return step


def auxiliary_losses(
    config: UnrealConfig,
    model: Unreal,
    replay: Sequences,
    draw: np.random.Generator,
    device: Any = None,
) -> dict[str, Float[Tensor, ""]]:
    """The losses whose weights are not 0, not weighted, by the names of their weights.

    Pixel control and value replay learn from the same stretches, which pass the convolutions once.
    """
    losses = {}
    if config.pixel_control or config.value_replay:
        stretch = replay.stretches(config.stretches, config.stretch, draw)
        losses = replayed(config, model, stretch, device)
    if config.reward_prediction:
        frames, reward = replay.skewed(config.shown, FRAMES, draw)
        logits = model.next_reward(torch.as_tensor(frames, device=device))
        losses["reward_prediction"] = reward_prediction_loss(logits, reward)
    return losses


def replayed(
    config: UnrealConfig, model: Unreal, stretch: Stretch, device: Any = None
) -> dict[str, Float[Tensor, ""]]:
    """Value replay and pixel control, those that are on; what follows a stop the network values."""
    shape, losses = stretch.seen.shape[:2], {}
    features = model.features(torch.as_tensor(stretch.seen, device=device).flatten(0, 1))
    mask = torch.as_tensor(stretch.mask, device=device)
    if config.value_replay:
        value = model.value(features).squeeze(1).unflatten(0, shape)
        target = bootstrapped(
            stretch.reward,
            value[1:].detach().cpu().numpy(),
            stretch.terminal,
            stretch.stop,
            config.gamma,
        )
        target_ = torch.as_tensor(target, device=device)
        losses["value_replay"] = value_loss(value[:-1], target_, mask)
    if config.pixel_control:
        q = model.pixel_control(features).unflatten(0, shape)
        wide = (..., None, None)
        target = bootstrapped(
            pixel_changes(stretch.seen),
            q[1:].detach().amax(2).cpu().numpy(),
            stretch.terminal[wide],
            stretch.stop[wide],
            config.pixel_gamma,
        )
        losses["pixel_control"] = pixel_control_loss(
            q,
            torch.as_tensor(stretch.action, device=device),
            torch.as_tensor(target, device=device),
            mask,
        )
    return losses
