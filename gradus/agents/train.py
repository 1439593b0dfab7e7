"""From a config to a `Practice`: the wiring of chapter 9, one function an algorithm."""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from gradus.agents import dqn as q_network
from gradus.agents import policy_gradient as reinforce
from gradus.agents.acting import choose
from gradus.agents.actor_critic import played_loss
from gradus.agents.beyond.recurrent import followed, with_memory
from gradus.agents.build import network
from gradus.agents.dense import dense_scores
from gradus.agents.envs import Games, make_games
from gradus.agents.explore import exploration
from gradus.agents.loop import SEEDS, Tally, play, scorer, told, training_seed
from gradus.agents.mdp import MDPS, episode
from gradus.agents.recipes import (
    ActorCriticConfig,
    DQNConfig,
    GameConfig,
    PolicyGradientConfig,
    TabularConfig,
)
from gradus.agents.replay import Replay
from gradus.agents.tabular import QTable, q_learning, value_iteration
from gradus.core.optim import make_optimizer
from gradus.core.practice import Practice, Tick
from gradus.core.recipe import check_setting
from gradus.core.run import Record
from gradus.core.schedule import SCHEDULES

ALPHA = 0.6
"""Exponent α of priorities. Source: Schaul et al. 2016, table 3, the proportional variant."""
BETA = 0.4
"""Where their β begins."""


def tabular(config: TabularConfig, device: torch.device) -> Practice:
    """Q-learning in a small MDP, and the optimum to compare it with. A step is an episode."""
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
            epsilon = explore.epsilon((number * config.steps + i) / config.explore_steps)
            moments = q_learning(
                mdp,
                q,
                act=partial(_greedy, epsilon=epsilon, draw=draw),
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

    def test(split: str, episodes: int, epsilon: float | None) -> dict[str, float]:
        check_setting(split in SEEDS, "split", "test or validation", split)
        epsilon = epsilon or 0.0
        check_setting(0 <= epsilon <= 1, "epsilon", "in [0, 1]", epsilon)
        draw = np.random.default_rng(SEEDS[split])
        q = model.values.detach().numpy()
        played = [
            episode(mdp, lambda s: _greedy(q[s], epsilon, draw), draw, config.longest)
            for _ in range(episodes or config.test_episodes)
        ]
        return told([(sum(m.reward for m in e), len(e)) for e in played])

    return Practice(
        model=model,
        sample=torch.arange(len(mdp.states)),
        steps=config.steps,
        epoch=epoch,
        check=lambda: test("validation", 1, 0.0),
        test=test,
        state=lambda: dict(at),
        restore=at.update,
        facts={"states": list(mdp.states), "actions": list(mdp.actions), "unit": "episodes"},
    )


def _greedy(row: np.ndarray, epsilon: float, draw: np.random.Generator) -> int:
    """ε-greedy in one state."""
    return int(choose(row[None], epsilon, draw)[0])


def policy_gradient(config: PolicyGradientConfig, device: torch.device) -> Practice:
    """REINFORCE. A step is an episode."""
    games = _games(config)
    agent = Agent(config, network(config, games.shape, len(games.actions)), device)
    explore = exploration(config.explore)

    def epoch(number: int, tick: Tick) -> Record:
        draw = np.random.default_rng([config.seed, number])
        agent.begin()
        for i in range(0, config.steps, games.count):
            done = number * config.steps + i
            epsilon = explore.epsilon(done / config.explore_steps)
            agent.set_rate(done)
            seed = training_seed(config.seed, done)
            played = reinforce.play_episodes(
                agent.model, games, seed, explore, epsilon, draw, device
            )
            agent.tally.begin(games.count)
            agent.tally.finished.extend(
                zip(played.reward.sum(0).tolist(), played.going.sum(0).tolist(), strict=True)
            )
            loss = reinforce.learn_from(
                agent.model,
                agent.optimizer,
                played,
                gamma=config.gamma,
                baseline=config.baseline,
                clip_norm=config.clip_norm,
                device=device,
            )
            agent.learnt(loss)
            tick(games.count, loss)
        return {**agent.record(), "epsilon": epsilon}

    return agent.practice(games, epoch, unit="episodes")


def actor_critic(config: ActorCriticConfig, device: torch.device) -> Practice:
    """A2C."""
    games = _games(config)
    model = network(config, games.shape, len(games.actions))
    agent = Agent(config, model, device)
    quick = dense_scores(model)

    def epoch(number: int, tick: Tick) -> Record:
        draw = np.random.default_rng([config.seed, number])
        agent.begin(games.count)
        seen = games.reset(training_seed(config.seed, number))
        steps = games.count * config.unroll
        for i in range(0, config.steps, steps):
            agent.set_rate(number * config.steps + i)
            with agent.precision():
                loss, seen = played_loss(
                    config,
                    model,
                    games,
                    seen,
                    draw=draw,
                    tally=agent.tally,
                    device=device,
                    quick=quick,
                )
            agent.descend(loss)
            agent.learnt(float(loss.detach()))
            tick(steps, agent.losses[-1])
        return agent.record()

    return agent.practice(games, epoch)


def dqn(config: DQNConfig, device: torch.device) -> Practice:
    """The deep Q-network with its variants."""
    games = _games(config)
    model = network(config, games.shape, len(games.actions))
    agent = Agent(config, model, device)
    target = q_network.target_of(model)
    explore = exploration(config.explore)
    scores = scorer(model, device)
    replay = Replay(
        config.replay,
        games.count,
        games.shape,
        games.reset(0).dtype,
        stack=games.shape[0] if games.stacked else 0,
        n=config.n_step,
        gamma=config.gamma,
        alpha=ALPHA if config.prioritised else 0.0,
        path=Path(config.replay_file) if config.replay_file else None,
    )
    total = config.epochs * config.steps

    def update(draw: np.random.Generator, done: float) -> float:
        beta = BETA + (1 - BETA) * min(done, 1.0)
        sample = replay.sample(config.batch_size, draw, beta)
        with agent.precision():
            loss, errors = q_network.learn(
                model,
                target,
                agent.optimizer,
                q_network.to_batch(sample, device),
                double=config.double,
                clip_norm=config.clip_norm,
            )
        if config.prioritised:
            replay.prioritise(sample.place, errors.double().cpu().numpy())
        agent.learnt(loss)
        if agent.updates % config.target_every == 0:
            q_network.refresh(target, model)
        return loss

    def epoch(number: int, tick: Tick) -> Record:
        draw = np.random.default_rng([config.seed, number])
        agent.begin(games.count)
        seen = games.reset(training_seed(config.seed, number))
        loss, owed = math.nan, 0
        for i in range(0, config.steps, games.count):
            done = number * config.steps + i
            epsilon = explore.epsilon(done / config.explore_steps)
            learning = len(replay) >= config.learning_starts
            action = _act(scores, seen, epsilon if learning else 1.0, len(games.actions), draw)
            step = games.step(action)
            agent.tally.add(step.reward, step.end)
            reward = np.sign(step.reward) if config.clip_rewards else step.reward
            replay.add(seen, action, reward, step.terminal, step.end, step.skip)
            seen = step.observation
            owed += games.count if learning else 0
            agent.set_rate(done)
            while owed >= config.train_every:
                owed -= config.train_every
                loss = update(draw, done / total)
            tick(games.count, loss)
        replay.close(seen)
        return {**agent.record(), "epsilon": epsilon}

    def state() -> dict[str, Any]:
        kept = replay.state() if config.save_replay else None
        return {**agent.state(), "target": target.state_dict(), "replay": kept}

    def restore(state: dict[str, Any]) -> None:
        agent.restore(state)
        target.load_state_dict(state["target"])
        if state["replay"] is not None:
            replay.restore(state["replay"])

    where = f"in {config.replay_file}" if config.replay_file else "in memory"
    note = f"replay: {config.replay:,} steps, {replay.nbytes / 1e9:.2f} GB {where} when it is full"
    if not config.save_replay:
        note += "; checkpoints leave it out (--save-replay), a resumed run fills it anew"
    practice = agent.practice(games, epoch)
    practice.state, practice.restore, practice.notes = state, restore, (note,)
    return practice


def _act(
    scores: Callable[..., np.ndarray],
    seen: np.ndarray,
    epsilon: float,
    actions: int,
    draw: np.random.Generator,
) -> np.ndarray:
    """ε-greedy, but the network is asked only about games whose action is not random."""
    action = draw.integers(0, actions, len(seen))
    thinks = draw.random(len(seen)) >= epsilon
    if thinks.any():
        action[thinks] = scores(seen[thinks]).argmax(1)
    return action


def _games(config: GameConfig) -> Games:
    """The games that are learnt from."""
    return make_games(config.environment, config.games, sticky=config.sticky, lives=config.lives)


class Agent:
    """What the loops of all networks share: model, optimiser, rate, counts, and the practice."""

    def __init__(self, config: GameConfig, model: nn.Module, device: torch.device) -> None:
        if config.threads:
            torch.set_num_threads(config.threads)
        self.config, self.model, self.device = config, model.to(device), device
        self.optimizer = self.new_optimizer()
        if config.compile:
            model.compile()
        self.tally = Tally(config.games)
        self.updates = 0
        self.losses: list[float] = []

    def new_optimizer(self) -> torch.optim.Optimizer:
        """An optimiser of the whole network, as the config asks for it."""
        config = self.config
        return make_optimizer(
            config.optimizer, self.model.parameters(), config.lr, config.momentum, config.beta2
        )

    def precision(self) -> torch.autocast:
        """Within it the network computes in the precision that the config asks for."""
        half = self.config.precision == "bf16-mixed"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=half)

    @property
    def rate(self) -> float:
        """The learning rate just now."""
        return self.optimizer.param_groups[0]["lr"]

    def begin(self, games: int = 0) -> None:
        """An epoch begins."""
        self.losses = []
        self.tally.begin(games)

    def set_rate(self, done: int) -> None:
        """The learning rate after so many steps of the run."""
        config = self.config
        if config.schedule == "constant" and not config.warmup:
            return
        settings = {"warmup": config.warmup} if config.warmup else {}
        total = config.epochs * config.steps
        factor = SCHEDULES[config.schedule](done, total, **settings)
        for group in self.optimizer.param_groups:
            group["lr"] = config.lr * factor

    def descend(self, loss: torch.Tensor, other: torch.optim.Optimizer | None = None) -> None:
        """One step along the gradient by the agent's optimiser, or by another."""
        optimizer = other or self.optimizer
        optimizer.zero_grad()
        loss.backward()
        if self.config.clip_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        optimizer.step()

    def learnt(self, loss: float) -> None:
        """An update was made."""
        self.updates += 1
        self.losses.append(loss)

    def record(self) -> Record:
        """What an epoch came to; a mean is None where there was nothing."""
        means = self.tally.means()
        return {
            "train/loss": float(np.mean(self.losses)) if self.losses else None,
            "train/return": means.get("return"),
            "train/length": means.get("length"),
            "updates": self.updates,
            "lr": self.rate,
        }

    def state(self) -> dict[str, Any]:
        """What goes on beside the model."""
        return {
            "optimizer": self.optimizer.state_dict(),
            "updates": self.updates,
            "finished": [list(one) for one in self.tally.finished],
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Put back what `state` gave."""
        self.optimizer.load_state_dict(state["optimizer"])
        self.updates = state["updates"]
        self.tally.finished.clear()
        self.tally.finished.extend((r, n) for r, n in state["finished"])

    def test(self, split: str, episodes: int, epsilon: float | None) -> dict[str, float]:
        """Whole episodes on seeds of their own, nothing learnt."""
        check_setting(split in SEEDS, "split", "test or validation", split)
        config = self.config
        training = self.model.training
        self.model.eval()
        model = with_memory(self.model)
        played = play(
            scorer(model, next(self.model.parameters()).device),
            lambda n: followed(make_games(config.environment, n, sticky=config.sticky), model),
            episodes or config.test_episodes,
            SEEDS[split],
            config.test_epsilon if epsilon is None else epsilon,
        )
        self.model.train(training)
        return told(played)

    def practice(
        self, games: Games, epoch: Callable[[int, Tick], Record], unit: str = "steps"
    ) -> Practice:
        """The practice, checked after each epoch where the config asks for it."""
        config = self.config

        def check() -> dict[str, float]:
            return self.test("validation", config.check_episodes, None)

        sample = torch.as_tensor(games.reset(0)[:1], device=self.device)
        return Practice(
            model=self.model,
            sample=sample,
            steps=config.steps,
            epoch=epoch,
            check=check if config.check_episodes else None,
            test=self.test,
            state=self.state,
            restore=self.restore,
            watch="validation/return" if config.check_episodes else "train/return",
            goal=config.goal or None,
            facts={"actions": list(games.actions), "shape": list(games.shape), "unit": unit},
        )
