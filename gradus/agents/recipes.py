"""The named experiments of chapter 9: data only."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from gradus.agents.explore import exploration
from gradus.core.errors import UsageError
from gradus.core.recipe import FitConfig, Recipe, check_setting
from gradus.core.rules import OPTIMISERS


@dataclass(frozen=True, kw_only=True)
class AgentConfig(FitConfig):
    """Settings of everything that learns by acting."""

    gamma: float = 0.99
    """Discount γ of what is paid a step later, in [0, 1]."""
    explore: str = "sample"
    """Choice of actions: greedy, sample, epsilon-E, or annealed-FROM-TO as annealed-1.0-0.001."""
    explore_steps: int = 10_000
    """Steps over which ε is annealed."""
    steps: int = 10_000
    """Steps that are called an epoch; at its end the agent is checked and saved."""
    test_episodes: int = 100
    """Episodes of the test."""
    halves: ClassVar[bool] = False
    """Whether the agent can learn in half precision too."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        exploration(self.explore)
        check_setting(0 <= self.gamma <= 1, "gamma", "in [0, 1]", self.gamma)
        for name in ("steps", "explore_steps", "test_episodes"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))
        if OPTIMISERS[self.optimizer].searches or self.schedule == "plateau":
            raise UsageError(
                "an agent's loss is another at every step: choose an optimizer that does not "
                f"search and a schedule other than plateau, got {self.optimizer}, {self.schedule}"
            )
        known = ("float32", "bf16-mixed") if self.halves else ("float32",)
        check_setting(self.precision in known, "precision", " or ".join(known), self.precision)


@dataclass(frozen=True, kw_only=True)
class TabularConfig(AgentConfig):
    """Settings of tabular Q-learning, whose steps are episodes."""

    mdp: Literal["mouse-maze", "three-states"] = "mouse-maze"
    """Where: the maze of figure 9-5, or an MDP like that of figure 9-4."""
    longest: int = 50
    """Moves after which an episode is cut off."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.longest >= 1, "longest", "≥ 1", self.longest)
        check_setting(self.lr <= 1, "lr", "in (0, 1]", self.lr)
        check_setting(self.explore != "sample", "explore", "no sampling: Q is no policy", "sample")


@dataclass(frozen=True, kw_only=True)
class GameConfig(AgentConfig):
    """Settings of every agent with a network, in games side by side."""

    environment: str = "CartPole-v1"
    """ALE/GAME, MinAtar/GAME, or an id of Gymnasium with discrete actions."""
    games: int = 8
    """Games side by side."""
    sticky: float = 0.0
    """Atari and MinAtar: probability that the last action is repeated instead, in [0, 1)."""
    lives: bool = False
    """Atari: learn from a lost life as if nothing came after."""
    clip_rewards: bool = False
    """Learn from the sign of a reward; scores are told as the game counts them."""
    hidden: tuple[int, ...] = (64, 64)
    """Widths of the dense layers."""
    check_episodes: int = 0
    """Greedy episodes after each epoch, to choose the best by (0: the return of training does)."""
    goal: float = 0.0
    """Mean return of these at which training ends (0: never)."""
    test_epsilon: float = 0.0
    """Share of random actions in checks and test, in [0, 1]."""
    threads: int = 0
    """Processor threads of the network (0: as many as the machine offers)."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.games >= 1, "games", "≥ 1", self.games)
        check_setting(0 <= self.sticky < 1, "sticky", "in [0, 1)", self.sticky)
        check_setting(bool(self.hidden), "hidden", "one width or more", self.hidden)
        check_setting(all(n >= 1 for n in self.hidden), "hidden", "widths ≥ 1", self.hidden)
        check_setting(self.check_episodes >= 0, "check_episodes", "≥ 0", self.check_episodes)
        check_setting(self.threads >= 0, "threads", "≥ 0", self.threads)
        check_setting(0 <= self.test_epsilon <= 1, "test_epsilon", "in [0, 1]", self.test_epsilon)


@dataclass(frozen=True, kw_only=True)
class PolicyGradientConfig(GameConfig):
    """Settings of REINFORCE, whose steps are episodes; each update takes one from every game."""

    baseline: bool = True
    """Subtract a learned value from the return, and bring the difference to deviation 1."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        rule = f"a multiple of games, {self.games}, since each update takes an episode of each"
        check_setting(self.steps % self.games == 0, "steps", rule, self.steps)


@dataclass(frozen=True, kw_only=True)
class ActorCriticConfig(GameConfig):
    """Settings of A2C."""

    unroll: int = 5
    """Steps of each game between two updates."""
    decay: float = 1.0
    """λ of the advantages, in [0, 1]; 1: the n-step returns of A3C."""
    entropy: float = 0.01
    """Weight β of the policy's entropy in the loss."""
    value: float = 0.5
    """Weight of the value's error in the loss."""
    apart: bool = False
    """A body of its own for the value."""
    halves = True

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        check_setting(self.unroll >= 1, "unroll", "≥ 1", self.unroll)
        check_setting(0 <= self.decay <= 1, "decay", "in [0, 1]", self.decay)
        check_setting(self.entropy >= 0, "entropy", "≥ 0", self.entropy)
        check_setting(self.value > 0, "value", "> 0", self.value)
        check_setting(self.explore == "sample", "explore", "sample for A2C", self.explore)
        update = self.games * self.unroll
        rule = f"a multiple of games · unroll, {update}"
        check_setting(self.steps % update == 0, "steps", rule, self.steps)


@dataclass(frozen=True, kw_only=True)
class DQNConfig(GameConfig):
    """Settings of the deep Q-network."""

    replay: int = 50_000
    """Steps that are remembered."""
    learning_starts: int = 1_000
    """Steps stored before anything is learnt; they are random."""
    train_every: int = 4
    """Steps, of all games together, to each update."""
    target_every: int = 500
    """Updates between two copies to the target network."""
    double: bool = False
    """Let the network choose the action that the target network values."""
    duelling: bool = False
    """Value and advantages apart."""
    prioritised: bool = False
    """Draw steps by their last error, exponent 0.6; the bias is undone with β from 0.4 to 1."""
    n_step: int = 1
    """Rewards added before the next state is valued."""
    save_replay: bool = False
    """Keep the replay in checkpoints: resumed, a run is then the same as if never stopped."""
    replay_file: str = ""
    """File to keep its frames in instead of memory."""
    halves = True

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        super().__post_init__()
        for name in ("learning_starts", "train_every", "target_every", "n_step"):
            check_setting(getattr(self, name) >= 1, name, "≥ 1", getattr(self, name))
        starts = self.learning_starts
        check_setting(starts <= self.replay, "learning_starts", "≤ replay", starts)
        rule = f"a multiple of games, {self.games}"
        check_setting(self.steps % self.games == 0, "steps", rule, self.steps)
        check_setting(self.explore != "sample", "explore", "no sampling: Q is no policy", "sample")


MAZE_TABULAR = Recipe(
    name="maze-tabular",
    summary="A mouse learns its maze by tabular Q-learning: past the water, to the cheese.",
    source="chapter 9, Explore Versus Exploit, figure 9-5; Watkins 1989",
    data="the maze of figure 9-5: water +1, poison -10, cheese +100",
    config=TabularConfig(
        epochs=20,
        steps=50,
        lr=0.2,
        gamma=0.9,
        explore="annealed-1.0-0.05",
        explore_steps=500,
        test_episodes=10,
    ),
    run="gradus.agents.train:tabular",
    load="gradus.agents.predict:load_table",
    figures="gradus.agents.run_figures:TABULAR_RUN",
    quick={"epochs": 10},
    smoke={"epochs": 4, "steps": 10},
    metric="return",
    target="the cheese in five moves; every value of the way there within 1 of Q*",
)

POLE: dict[str, Any] = {
    "optimizer": "adam",
    "gamma": 0.99,
    "threads": 1,
    "check_episodes": 40,
    "goal": 500.0,
}
"""What the agents that balance a pole share."""

CARTPOLE_PG = Recipe(
    name="cartpole-pg",
    summary="REINFORCE balances a pole: what paid well is made more likely.",
    source="chapter 9, Pole-Cart with Policy Gradients, figure 9-6; Williams 1992",
    data="CartPole-v1 of Gymnasium",
    config=PolicyGradientConfig(
        **POLE,
        epochs=60,
        steps=64,
        games=8,
        lr=0.005,
        clip_norm=1.0,
    ),
    run="gradus.agents.train:policy_gradient",
    load="gradus.agents.predict:load_agent",
    figures="gradus.agents.run_figures:AGENT_RUN",
    quick={"epochs": 30},
    smoke={"epochs": 2, "steps": 4, "games": 2, "check_episodes": 2, "test_episodes": 3},
    metric="return",
    target="mean return ≥ 475 of 100 greedy episodes, in a minute",
)

CARTPOLE_A2C = Recipe(
    name="cartpole-a2c",
    summary="Advantage actor-critic balances a pole, in 32 games side by side.",
    source="chapter 9, Asynchronous Advantage Actor-Critic; Mnih et al. 2016",
    data="CartPole-v1 of Gymnasium",
    config=ActorCriticConfig(
        **POLE,
        epochs=60,
        steps=10_240,
        games=32,
        unroll=16,
        decay=0.95,
        entropy=0.01,
        apart=True,
        lr=0.003,
        schedule="linear",
        clip_norm=0.5,
    ),
    run="gradus.agents.train:actor_critic",
    load="gradus.agents.predict:load_agent",
    figures="gradus.agents.run_figures:AGENT_RUN",
    quick={"epochs": 50},
    smoke={
        "epochs": 2,
        "steps": 64,
        "games": 4,
        "unroll": 8,
        "check_episodes": 2,
        "test_episodes": 3,
    },
    metric="return",
    target="mean return ≥ 475 of 100 greedy episodes, in a minute",
)

CARTPOLE_DQN = Recipe(
    name="cartpole-dqn",
    summary="A deep Q-network balances a pole, from replayed steps.",
    source="chapter 9, Q-Learning and Deep Q-Networks; Mnih et al. 2015",
    data="CartPole-v1 of Gymnasium",
    config=DQNConfig(
        **POLE,
        epochs=40,
        steps=5_000,
        games=8,
        batch_size=128,
        lr=0.001,
        explore="annealed-1.0-0.05",
        explore_steps=20_000,
        replay=50_000,
        train_every=8,
        target_every=100,
        double=True,
        save_replay=True,
    ),
    run="gradus.agents.train:dqn",
    load="gradus.agents.predict:load_agent",
    figures="gradus.agents.run_figures:AGENT_RUN",
    quick={"epochs": 30},
    smoke={
        "epochs": 2,
        "steps": 80,
        "games": 4,
        "hidden": (16,),
        "batch_size": 16,
        "replay": 200,
        "learning_starts": 20,
        "target_every": 5,
        "check_episodes": 2,
        "test_episodes": 3,
        "prioritised": True,
        "n_step": 2,
        "duelling": True,
    },
    metric="return",
    target="mean return ≥ 475 of 100 greedy episodes",
)

MINATAR_DQN = Recipe(
    name="minatar-dqn",
    summary="A deep Q-network plays Breakout on 10×10 places: the lesson that always works.",
    source="chapter 9, Playing Breakout with DQN; Mnih et al. 2015; Young and Tian 2019",
    data="MinAtar's Breakout, actions sticky with 0.1",
    config=DQNConfig(
        environment="MinAtar/breakout",
        epochs=20,
        steps=20_000,
        games=8,
        sticky=0.1,
        hidden=(128,),
        batch_size=64,
        optimizer="adam",
        lr=0.0005,
        gamma=0.99,
        explore="annealed-1.0-0.02",
        explore_steps=100_000,
        replay=200_000,
        learning_starts=5_000,
        train_every=8,
        target_every=500,
        double=True,
        n_step=3,
        check_episodes=20,
        test_episodes=100,
    ),
    run="gradus.agents.train:dqn",
    load="gradus.agents.predict:load_agent",
    figures="gradus.agents.run_figures:AGENT_RUN",
    quick={"epochs": 4, "explore_steps": 40_000},
    smoke={
        "epochs": 2,
        "steps": 40,
        "games": 2,
        "hidden": (16,),
        "batch_size": 8,
        "replay": 100,
        "learning_starts": 10,
        "target_every": 5,
        "check_episodes": 2,
        "test_episodes": 3,
        "save_replay": True,
    },
    metric="return",
    target="mean return ≥ 5 of 100 greedy episodes in 10 min; at random about 0.5",
)

ATARI: dict[str, Any] = {
    "environment": "ALE/breakout",
    "hidden": (512,),
    "lives": True,
    "clip_rewards": True,
    "gamma": 0.99,
    "test_episodes": 30,
    "test_epsilon": 0.01,
}
"""What the agents of the real Breakout share."""
ATARI_TARGET = "a rising curve within an hour on two cores; at random about 1.2"

BREAKOUT_DQN = Recipe(
    name="breakout-dqn",
    summary="A deep Q-network plays the real Breakout from its pixels.",
    source="chapter 9, Playing Breakout with DQN, figure 9-7; Mnih et al. 2015",
    data="Breakout of the Arcade Learning Environment",
    config=DQNConfig(
        **ATARI,
        epochs=50,
        steps=10_000,
        games=4,
        batch_size=32,
        optimizer="adam",
        lr=0.00025,
        explore="annealed-1.0-0.01",
        explore_steps=100_000,
        replay=400_000,
        learning_starts=10_000,
        train_every=4,
        target_every=1_000,
        double=True,
        n_step=3,
    ),
    run="gradus.agents.train:dqn",
    load="gradus.agents.predict:load_agent",
    figures="gradus.agents.run_figures:AGENT_RUN",
    quick={
        "epochs": 2,
        "steps": 2_000,
        "replay": 10_000,
        "learning_starts": 1_000,
        "explore_steps": 4_000,
        "test_episodes": 5,
    },
    smoke={
        "epochs": 2,
        "steps": 24,
        "games": 2,
        "hidden": (16,),
        "batch_size": 4,
        "replay": 64,
        "learning_starts": 16,
        "target_every": 2,
        "test_episodes": 1,
        "test_epsilon": 1.0,
        "save_replay": True,
    },
    metric="return",
    target=ATARI_TARGET,
)

ATARI_ACTOR_CRITIC: dict[str, Any] = {
    **ATARI,
    "epochs": 30,
    "steps": 100_000,
    "unroll": 5,
    "optimizer": "adam",
    "lr": 0.0007,
    "schedule": "linear",
    "entropy": 0.01,
    "value": 0.25,
    "clip_norm": 0.5,
}
"""What its actor-critics share."""

ATARI_QUICK = {"epochs": 2, "steps": 8_000, "test_episodes": 5}
ATARI_SMOKE = {
    "epochs": 2,
    "steps": 20,
    "games": 2,
    "unroll": 5,
    "hidden": (16,),
    "test_episodes": 1,
    "test_epsilon": 1.0,
}

BREAKOUT_A2C = Recipe(
    name="breakout-a2c",
    summary="Advantage actor-critic plays the real Breakout, in 16 games side by side.",
    source="chapter 9, Asynchronous Advantage Actor-Critic; Mnih et al. 2016",
    data="Breakout of the Arcade Learning Environment",
    config=ActorCriticConfig(**ATARI_ACTOR_CRITIC, games=16),
    run="gradus.agents.train:actor_critic",
    load="gradus.agents.predict:load_agent",
    figures="gradus.agents.run_figures:AGENT_RUN",
    quick=ATARI_QUICK,
    smoke=ATARI_SMOKE,
    metric="return",
    target=ATARI_TARGET,
)
