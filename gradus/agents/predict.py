"""Answers of a finished agent, from its run folder: what an action is worth, what is done."""

from typing import Any

from gradus.agents.mdp import MDPS
from gradus.core.errors import UsageError
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
