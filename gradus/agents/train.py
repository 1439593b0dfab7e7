"""From a config to a `Practice`: the wiring of chapter 9."""

import math
from typing import Any

import numpy as np
import torch

from gradus.agents.acting import choose
from gradus.agents.explore import exploration
from gradus.agents.mdp import MDPS, episode
from gradus.agents.recipes import TabularConfig
from gradus.agents.tabular import QTable, q_learning, value_iteration
from gradus.core.practice import Practice, Tick
from gradus.core.recipe import check_setting
from gradus.core.run import Record

SEEDS = {"validation": 1_000_000_000, "test": 2_000_000_000}
"""First seeds of the episodes that nothing is learnt from; those of training lie below."""


def tabular(config: TabularConfig, device: torch.device) -> Practice:
    """Q-learning in a small MDP, and the optimum to compare it with."""
    mdp = MDPS[config.mdp]()
    model = QTable(len(mdp.states), len(mdp.actions))
    best = value_iteration(mdp, config.gamma) if config.gamma < 1 else None
    explore = exploration(config.explore)
    at = {"updates": 0}

    def epoch(number: int, tick: Tick) -> Record:
        draw = np.random.default_rng([config.seed, number])
        q = model.values.detach().numpy()  # the parameter's own memory
        returns = []
        for i in range(config.steps):
            done = (number * config.steps + i) / config.explore_steps
            epsilon = explore.epsilon(done)
            moments = q_learning(
                mdp,
                q,
                act=lambda row, epsilon=epsilon: int(choose(row[None], epsilon, draw)[0]),
                draw=draw,
                rate=config.lr,
                gamma=config.gamma,
                limit=config.longest,
            )
            at["updates"] += len(moments)
            returns.append(sum(m.reward for m in moments))
            tick(1, math.nan)
        found = {"train/return": float(np.mean(returns)), "epsilon": epsilon, **at}
        if best is not None:
            found["largest error of Q"] = float(np.abs(q - best).max())
        return found

    def test(split: str, episodes: int, epsilon: float) -> dict[str, float]:
        check_setting(split in SEEDS, "split", "test or validation", split)
        check_setting(0 <= epsilon <= 1, "epsilon", "in [0, 1]", epsilon)
        draw = np.random.default_rng(SEEDS[split])
        q = model.values.detach().numpy()
        played = [
            episode(mdp, lambda s: int(choose(q[s][None], epsilon, draw)[0]), draw, config.longest)
            for _ in range(episodes or config.test_episodes)
        ]
        return told([sum(m.reward for m in e) for e in played], [len(e) for e in played])

    def restore(state: dict[str, Any]) -> None:
        at.update(state)

    return Practice(
        model=model,
        sample=torch.arange(len(mdp.states)),
        steps=config.steps,
        epoch=epoch,
        check=lambda: test("validation", 1, 0.0),
        test=test,
        state=lambda: dict(at),
        restore=restore,
        facts={"states": list(mdp.states), "actions": list(mdp.actions)},
    )


def told(returns: list[float], lengths: list[int]) -> dict[str, float]:
    """Mean return of episodes, its standard error, and their mean length."""
    spread = float(np.std(returns, ddof=1)) if len(returns) > 1 else 0.0
    return {
        "return": float(np.mean(returns)),
        "standard error": spread / math.sqrt(len(returns)),
        "length": float(np.mean(lengths)),
        "episodes": float(len(returns)),
    }
