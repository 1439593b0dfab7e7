"""Answers of a finished agent, from its run folder: what an action is worth, what is done."""

from typing import Any

import numpy as np

from gradus.agents.beyond.recurrent import Remembering
from gradus.agents.envs import make_games
from gradus.agents.mdp import MDPS
from gradus.agents.play import load_network, think, watch
from gradus.core.errors import UsageError
from gradus.core.recipe import check_setting
from gradus.core.run import Run
from gradus.data.answers import Answer, Predictor


def load_table(run: Run) -> Predictor:
    """What is done in a state: takes names of states, such as "2,3", the maze's row and column.

    Each answer has `input`, `action`, the best, and `values`, one for each action.
    """
    config: Any = run.config
    mdp = MDPS[config.mdp]()
    table = run.load_weights()["values"]

    def predict(*inputs: str) -> list[Answer]:
        answers = []
        for name in inputs:
            if name not in mdp.states:
                raise UsageError(f"a state must be one of {' '.join(mdp.states)}, got {name!r}")
            row = table[mdp.states.index(name)]
            values = {a: float(v) for a, v in zip(mdp.actions, row, strict=True)}
            best = mdp.actions[int(row.argmax())]
            answers.append({"input": name, "action": best, "values": list(values.values())})
        return answers

    return predict


def load_agent(run: Run) -> Predictor:
    """Plays, or says what is to be done: takes seeds such as 7, or observations such as 0,0,0.1,0.

    Of a seed, the episode that begins with it is played with the recipe's ε: `return`, `length`. Of
    an observation, written with commas or as a list or array: `action`, and `values`, a value or
    probability for each action.
    """
    model, config = load_network(run)
    facts = run.info["facts"]

    def predict(*inputs: Any) -> list[Answer]:
        return [one(given) for given in inputs]

    def one(given: Any) -> Answer:
        numbers = _numbers(given)
        if len(numbers) == 1:
            check_setting(numbers[0] >= 0, "a seed", "≥ 0", given)
            games = make_games(config.environment, 1, sticky=config.sticky)
            steps = list(watch(model, games, int(numbers[0]), config.test_epsilon))
            paid = sum(s.reward for s in steps)
            return {"input": str(given), "return": paid, "length": len(steps)}
        shape = tuple(facts["shape"])
        if len(shape) > 1 or len(numbers) != shape[0]:
            numbers_asked = f" or {shape[0]} numbers" if len(shape) == 1 else ""
            raise UsageError(f"an input must be a seed{numbers_asked}, got {given!r}")
        if isinstance(model, Remembering):
            model.begin(1)
        scores, _ = think(model, np.array([numbers], dtype=np.float32))
        best = facts["actions"][int(scores[0].argmax())]
        said = ",".join(f"{n:g}" for n in numbers)
        return {"input": said, "action": best, "values": [float(s) for s in scores[0]]}

    return predict


def _numbers(given: Any) -> list[float]:
    """The numbers of a seed or an observation.

    Raises:
        UsageError: they are none, or not finite.
    """
    try:
        parts = given.split(",") if isinstance(given, str) else np.ravel(given)
        numbers = [float(part) for part in parts]
    except (TypeError, ValueError):
        numbers = []
    if not numbers or not np.isfinite(numbers).all():
        raise UsageError(f"an input must be a seed, or numbers with commas, got {given!r}")
    return numbers
