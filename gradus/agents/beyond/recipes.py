"""Experiments beyond DQN: data only."""

from dataclasses import dataclass

from gradus.agents.recipes import (
    ATARI_ACTOR_CRITIC,
    ATARI_QUICK,
    ATARI_SMOKE,
    ATARI_TARGET,
    POLE,
    ActorCriticConfig,
    GameConfig,
)
from gradus.core.recipe import Recipe, check_setting

TASKS = ("pixel_control", "reward_prediction", "value_replay")
"""UNREAL's three, by the settings that are their weights."""


@dataclass(frozen=True, kw_only=True)
class UnrealConfig(ActorCriticConfig):
    """Settings of UNREAL; with all three weights 0 it is A2C with the same network."""

    pixel_control: float = 0.002
    """Weight of pixel control (0: off)."""
    pixel_gamma: float = 0.9
    """Discount of changes of pixels, in [0, 1]."""
    reward_prediction: float = 1.0
    """Weight of reward prediction (0: off)."""
    value_replay: float = 1.0
    """Weight of value replay (0: off)."""
    replay: int = 2_000
    """Steps of each game that are kept to be learnt from again."""
    stretch: int = 20
    """Steps in a stretch of what is learnt from again."""
    stretches: int = 2
    """Stretches that an update learns from again."""
    shown: int = 20
    """Examples of reward prediction in an update."""
    replays: int = 4
    """Updates by the three tasks to each by what is played."""
    replay_lr: float = 0.001
    """Learning rate of the tasks' updates; the schedule is the same."""
    replay_steps: int = 25_000
    """Steps over which that rate falls to nothing; after them the tasks rest (0: it stays)."""
    halves = False

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        for name in ("stretch", "stretches", "shown", "replays"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))
        for name in TASKS:
            check_setting(getattr(self, name) >= 0, name, "≥ 0", getattr(self, name))
        check_setting(0 <= self.pixel_gamma <= 1, "pixel_gamma", "in [0, 1]", self.pixel_gamma)
        check_setting(self.replay_lr > 0, "replay_lr", "> 0", self.replay_lr)
        check_setting(self.replay_steps >= 0, "replay_steps", "≥ 0", self.replay_steps)
        rule = f"> the stretch of {self.stretch} steps + 1"
        check_setting(self.replay > self.stretch + 1, "replay", rule, self.replay)
        check_setting(not self.apart, "apart", "False: what is shared is the point", self.apart)
        check_setting(len(self.hidden) == 1, "hidden", "one width", self.hidden)


@dataclass(frozen=True, kw_only=True)
class A3CConfig(ActorCriticConfig):
    """Settings of A3C; games are each worker's."""

    workers: int = 2
    """Processes; 1: this one, and then the same numbers each time."""
    memory: bool = False
    """An LSTM after the dense layers."""
    patience_seconds: float = 60.0
    """Time without an update after which a worker counts as stuck, in s."""
    halves = False

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.workers >= 1, "workers", "≥ 1", self.workers)
        check_setting(self.patience_seconds > 0, "patience_seconds", "> 0", self.patience_seconds)
        check_setting(not (self.memory and self.apart), "apart", "False with a memory", self.apart)


@dataclass(frozen=True, kw_only=True)
class DRQNConfig(GameConfig):
    """Settings of the recurrent Q-network."""

    attention: bool = False
    """Look at a weighted mean of the picture's places (DARQN); images only."""
    replay: int = 1_000
    """Steps of each game that are remembered."""
    learning_starts: int = 1_000
    """Steps stored before anything is learnt; they are random."""
    train_every: int = 8
    """Steps, of all games together, to each update."""
    target_every: int = 100
    """Updates between two copies to the target network."""
    stretch: int = 16
    """Steps of a stretch that are learnt from; --batch-size is how many stretches."""
    burn_in: int = 0
    """Steps before them that only warm the memory up."""
    stored: bool = True
    """Begin with the memory that was kept when the steps were played; False: with an empty one."""
    double: bool = True
    """Let the network choose the action that the target network values."""
    reward_scale: float = 1.0
    """Factor of the rewards that are learnt from; scores are told as the game counts them."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        for name in ("learning_starts", "train_every", "target_every", "stretch"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))
        check_setting(self.reward_scale > 0, "reward_scale", "> 0", self.reward_scale)
        check_setting(self.burn_in >= 0, "burn_in", "≥ 0", self.burn_in)
        whole, held = self.stretch + self.burn_in, self.learning_starts // self.games
        rule = f"< the {min(self.replay, held)} steps of a game that are held when learning starts"
        check_setting(whole + 1 < min(self.replay, held), "stretch + burn_in", rule, whole)
        rule = f"a multiple of games, {self.games}"
        check_setting(self.steps % self.games == 0, "steps", rule, self.steps)
        check_setting(self.explore != "sample", "explore", "no sampling: Q is no policy", "sample")


MAZE_UNREAL = Recipe(
    name="maze-unreal",
    summary="UNREAL in a maze of pixels: three more things are learnt than what pays.",
    source="chapter 9, UNREAL; Jaderberg et al. 2016",
    data="the project's own maze: 7×7 places as 84×84 grey pixels, only the goal pays",
    config=UnrealConfig(
        environment="Maze/8",
        epochs=40,
        steps=2_000,
        games=4,
        unroll=5,
        hidden=(256,),
        optimizer="adam",
        lr=0.002,
        gamma=0.95,
        clip_norm=5.0,
        check_episodes=50,
        test_epsilon=0.05,
        goal=0.97,
        threads=1,
    ),
    run="gradus.agents.beyond.train:unreal",
    load="gradus.agents.predict:load_agent",
    figures="gradus.agents.beyond.run_figures:MAZE_RUN",
    quick={"environment": "Maze/1", "replays": 2, "epochs": 8},
    smoke={
        "epochs": 2,
        "goal": 0.0,
        "steps": 160,
        "replay": 30,
        "test_episodes": 2,
        "stretch": 8,
        "shown": 4,
    },
    metric="return",
    target="97 % of mazes solved, with 3 times fewer steps than without the tasks",
)

CARTPOLE_A3C = Recipe(
    name="cartpole-a3c",
    summary="A3C: two processes balance a pole each and change the same network, nobody waiting.",
    source="chapter 9, Asynchronous Advantage Actor-Critic; Mnih et al. 2016",
    data="CartPole-v1 of Gymnasium",
    config=A3CConfig(
        **POLE,
        epochs=120,
        steps=10_240,
        games=16,
        unroll=16,
        decay=0.95,
        entropy=0.0,
        apart=True,
        lr=0.003,
        schedule="linear",
        clip_norm=0.5,
    ),
    run="gradus.agents.beyond.train:a3c",
    load="gradus.agents.predict:load_agent",
    figures="gradus.agents.run_figures:AGENT_RUN",
    quick={"epochs": 40},
    smoke={
        "epochs": 2,
        "steps": 64,
        "games": 2,
        "unroll": 4,
        "workers": 1,
        "check_episodes": 2,
        "test_episodes": 3,
    },
    metric="return",
    target="mean return ≥ 475 of 100 greedy episodes, in a minute",
)

BREAKOUT_A3C = Recipe(
    name="breakout-a3c",
    summary="A3C plays the real Breakout: two processes with 16 games each change one network.",
    source=CARTPOLE_A3C.source,
    data="Breakout of the Arcade Learning Environment",
    config=A3CConfig(**ATARI_ACTOR_CRITIC, games=16, threads=1),
    run="gradus.agents.beyond.train:a3c",
    load="gradus.agents.predict:load_agent",
    figures="gradus.agents.run_figures:AGENT_RUN",
    quick=ATARI_QUICK,
    smoke={**ATARI_SMOKE, "workers": 1},
    metric="return",
    target=ATARI_TARGET,
)

CARTPOLE_DRQN = Recipe(
    name="cartpole-drqn",
    summary="DRQN balances a pole of which it sees positions, but no velocities: it remembers.",
    source="chapter 9, Deep Recurrent Q-Networks; Hausknecht and Stone 2015",
    data="CartPole-v1 of Gymnasium without its two velocities",
    config=DRQNConfig(
        environment="Masked/CartPole-v1",
        epochs=30,
        steps=4_000,
        games=8,
        batch_size=32,
        hidden=(64,),
        optimizer="adam",
        lr=0.001,
        gamma=0.99,
        clip_norm=10.0,
        explore="annealed-1.0-0.05",
        explore_steps=20_000,
        replay=5_000,
        stretch=32,
        target_every=250,
        reward_scale=0.1,
        check_episodes=20,
        goal=500.0,
        threads=1,
    ),
    run="gradus.agents.beyond.train:drqn",
    load="gradus.agents.predict:load_agent",
    figures="gradus.agents.beyond.run_figures:MEMORY_RUN",
    quick={"epochs": 10},
    smoke={
        "epochs": 2,
        "steps": 96,
        "games": 4,
        "stretch": 4,
        "learning_starts": 48,
        "train_every": 16,
        "check_episodes": 2,
        "test_episodes": 3,
    },
    metric="return",
    target="mean return ≥ 450, where DQN of one frame stays under 200",
)

VIZDOOM_DRQN = Recipe(
    name="vizdoom-drqn",
    summary="DRQN in Doom's basic scenario: turn to the monster and shoot it, from single frames.",
    source="chapter 9, Deep Recurrent Q-Networks; Lample and Chaplot 2017",
    data="ViZDoom's basic scenario, 45×60 grey pixels, 4 frames an action",
    config=DRQNConfig(
        environment="ViZDoom/basic",
        epochs=40,
        steps=2_000,
        games=4,
        batch_size=16,
        hidden=(128,),
        optimizer="adam",
        lr=0.001,
        schedule="linear",
        gamma=0.97,
        clip_norm=10.0,
        explore="annealed-1.0-0.02",
        explore_steps=20_000,
        replay=5_000,
        reward_scale=0.01,
        stretch=8,
        check_episodes=50,
        test_episodes=50,
        threads=1,
    ),
    run="gradus.agents.beyond.train:drqn",
    load="gradus.agents.predict:load_agent",
    figures="gradus.agents.beyond.run_figures:MEMORY_RUN",
    quick={"epochs": 2, "check_episodes": 10},
    smoke={
        "epochs": 2,
        "steps": 24,
        "games": 1,
        "stretch": 3,
        "batch_size": 2,
        "learning_starts": 12,
        "check_episodes": 1,
        "test_episodes": 1,
    },
    metric="return",
    target="mean reward ≥ 80, in half an hour",
)
