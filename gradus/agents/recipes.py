"""The named experiments of chapter 9: data only."""

from dataclasses import dataclass
from typing import Literal

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
        check_setting(self.precision == "float32", "precision", "float32", self.precision)


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
