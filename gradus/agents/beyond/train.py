"""From a config to a `Practice`: the wiring of UNREAL, A3C and DRQN."""

import math
from typing import Any

import numpy as np
import torch

from gradus.agents.acting import choose
from gradus.agents.actor_critic import played_loss
from gradus.agents.beyond import auxiliary
from gradus.agents.beyond.a3c import Order, share, work
from gradus.agents.beyond.drqn import sequence_loss
from gradus.agents.beyond.recipes import TASKS, A3CConfig, DRQNConfig, UnrealConfig
from gradus.agents.beyond.recurrent import Followed, Remembering
from gradus.agents.beyond.sequences import Sequences
from gradus.agents.beyond.supervise import Crew
from gradus.agents.build import network
from gradus.agents.dqn import refresh, target_of
from gradus.agents.envs import make_games
from gradus.agents.explore import exploration
from gradus.agents.loop import scorer, training_seed
from gradus.agents.train import Agent
from gradus.core.practice import Practice, Tick
from gradus.core.recipe import check_setting
from gradus.core.run import Record

GO_ON = "what was learnt up to the last checkpoint is kept, go on with --resume"


def unreal(config: UnrealConfig, device: torch.device) -> Practice:
    """An actor-critic with the auxiliary tasks whose weights are not 0.

    The tasks have an optimiser of their own: Adam divides by the size of gradients, and theirs are
    so much the greater that in a common one the policy's would count for little.
    """
    games = make_games(config.environment, config.games, sticky=config.sticky)
    rule = "one with pictures of 84×84, such as Maze/1"
    check_setting(games.shape[1:] == (84, 84), "environment", rule, config.environment)
    model: Any = network(config, games.shape, len(games.actions))
    agent = Agent(config, model, device)
    aside = agent.new_optimizer()
    replay = Sequences(config.replay, games.count, games.shape)
    played = auxiliary.Recorded(games, replay, config.clip_rewards)
    weights = {name: getattr(config, name) for name in TASKS}

    def left(step: int) -> float:
        """The share of the tasks' rate that is left."""
        return max(0.0, 1 - step / config.replay_steps) if config.replay_steps else 1.0

    def again(draw: np.random.Generator, share: float, sums: dict[str, float]) -> None:
        """One update from what was played before."""
        losses = auxiliary.auxiliary_losses(config, model, replay, draw, device)
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0.0) + float(loss.detach())
        aside.param_groups[0]["lr"] = share * agent.rate * config.replay_lr / config.lr
        agent.descend(sum(weights[name] * loss for name, loss in losses.items()), aside)

    def epoch(number: int, tick: Tick) -> Record:
        draw = np.random.default_rng([config.seed, number])
        agent.begin(games.count)
        seen = played.reset(training_seed(config.seed, number))
        steps, replays = games.count * config.unroll, 0
        sums: dict[str, float] = {}
        for i in range(0, config.steps, steps):
            done = number * config.steps + i
            agent.set_rate(done)
            loss, seen = played_loss(
                config, model, played, seen, draw=draw, tally=agent.tally, device=device
            )
            agent.descend(loss)
            agent.learnt(float(loss.detach()))
            if any(weights.values()) and left(done) and len(replay) > config.stretch + 1:
                replays += config.replays
                for _ in range(config.replays):
                    again(draw, left(done), sums)
            tick(steps, agent.losses[-1])
        means = {f"train/{name.replace('_', ' ')}": sums[name] / replays for name in sums}
        return {**agent.record(), **means}

    def state() -> dict[str, Any]:
        return {**agent.state(), "aside": aside.state_dict(), "replay": replay.state()}

    def restore(state: dict[str, Any]) -> None:
        agent.restore(state)
        aside.load_state_dict(state["aside"])
        replay.restore(state["replay"])

    practice = agent.practice(games, epoch)
    practice.state, practice.restore = state, restore
    return practice


def drqn(config: DRQNConfig, device: torch.device) -> Practice:
    """The recurrent Q-network, over single frames."""
    games = make_games(config.environment, config.games, sticky=config.sticky)
    rule = "an environment with pictures, where attention is asked for"
    good = len(games.shape) == 3 or not config.attention
    check_setting(good, "environment", rule, config.environment)
    model: Any = network(config, games.shape, len(games.actions))
    agent = Agent(config, model, device)
    target, explore = target_of(model), exploration(config.explore)
    memory = Remembering(model, games.count)
    played = Followed(games, memory)
    first = games.reset(0)
    replay = Sequences(config.replay, games.count, games.shape, first.dtype, 2 * model.width)
    length = config.stretch + config.burn_in

    def update(draw: np.random.Generator) -> float:
        stretch = replay.stretches(config.batch_size, length, draw)
        loss = sequence_loss(
            model,
            target,
            stretch,
            gamma=config.gamma,
            burn_in=config.burn_in,
            stored=config.stored,
            double=config.double,
            device=device,
        )
        agent.descend(loss)
        agent.learnt(float(loss.detach()))
        if agent.updates % config.target_every == 0:
            refresh(target, model)
        return agent.losses[-1]

    def epoch(number: int, tick: Tick) -> Record:
        draw = np.random.default_rng([config.seed, number])
        agent.begin(games.count)
        replay.cut()
        seen = played.reset(training_seed(config.seed, number))
        loss, owed, scores = math.nan, 0, scorer(memory, device)
        for i in range(0, config.steps, games.count):
            done = number * config.steps + i
            epsilon = explore.epsilon(done / config.explore_steps)
            learning = len(replay) * games.count >= config.learning_starts
            notes = torch.cat(memory.memory, 1).cpu().numpy()
            action = choose(scores(seen), epsilon if learning else 1.0, draw)
            step = played.step(action)
            agent.tally.add(step.reward, step.end)
            reward = np.sign(step.reward) if config.clip_rewards else step.reward
            paid = np.float32(config.reward_scale) * reward
            replay.add(seen, action, paid, step.terminal, step.end, step.skip, notes)
            seen = step.observation
            owed += games.count if learning else 0
            agent.set_rate(done)
            while owed >= config.train_every:
                owed -= config.train_every
                loss = update(draw)
            tick(games.count, loss)
        return {**agent.record(), "epsilon": epsilon}

    def state() -> dict[str, Any]:
        return {**agent.state(), "target": target.state_dict(), "replay": replay.state()}

    def restore(state: dict[str, Any]) -> None:
        agent.restore(state)
        target.load_state_dict(state["target"])
        replay.restore(state["replay"])

    practice = agent.practice(games, epoch)
    practice.state, practice.restore = state, restore
    practice.sample = practice.sample[None]
    return practice


def a3c(config: A3CConfig, device: torch.device) -> Practice:
    """A3C: worker processes, or with one worker this process alone."""
    check_setting(device.type == "cpu", "device", "cpu, whose memory processes share", str(device))
    games = make_games(config.environment, config.games, sticky=config.sticky)
    model = network(config, games.shape, len(games.actions))
    agent = Agent(config, model, device)
    shared = share(config, model, agent.optimizer, alone=config.workers == 1)
    held: dict[str, Crew] = {}
    agent.tally.begin(0)

    def crew() -> Crew:
        if "crew" not in held:
            given = [shared] * config.workers
            held["crew"] = Crew(work, given, config.patience_seconds, GO_ON)
        return held["crew"]

    def together(number: int, tick: Tick) -> list[tuple[float, int]]:
        told = [0.0, 0.0]

        def look() -> None:
            steps, updates, losses = shared.done.tolist()
            if steps > told[0]:
                tick(round(steps - told[0]), losses / updates)
            told[0] = steps

        orders = [Order(number, worker) for worker in range(config.workers)]
        return [one for found in crew().run(orders, look) for one in found]

    def epoch(number: int, tick: Tick) -> Record:
        shared.done.zero_()
        if config.workers == 1:
            ended = work(shared, lambda: None, Order(number, 0), tick)
        else:
            ended = together(number, tick)
        agent.tally.finished.extend(ended)
        _, updates, losses = shared.done.tolist()
        agent.updates += round(updates)
        agent.losses = [losses / max(updates, 1)]
        return agent.record()

    def restore(state: dict[str, Any]) -> None:
        averages = list(agent.optimizer.state.values())
        agent.restore(state)
        for old, new in zip(averages, agent.optimizer.state.values(), strict=True):
            for name, value in new.items():
                if isinstance(value, torch.Tensor):
                    new[name] = old[name].copy_(value)

    practice = agent.practice(games, epoch)
    practice.restore = restore
    practice.close = lambda: held.pop("crew").stop() if held else None
    if config.memory:
        practice.sample = practice.sample[None]
    return practice
