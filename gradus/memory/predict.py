"""Answers of a finished run, from its folder alone: what was copied, what a story tells."""

from typing import Any

import torch
from torch import Tensor

from gradus.core.errors import UsageError
from gradus.core.run import Run
from gradus.data.answers import Answer, Predictor, answer
from gradus.memory.babi import BLANK, encode, words_of
from gradus.memory.build import algorithm_net, story_net
from gradus.memory.losses import wrong_bits
from gradus.memory.recipes import LEAST, AlgorithmConfig
from gradus.memory.tasks import PROBLEMS, examples

SEED = 3_000
"""Seed of the sequences that are made to be answered about."""


def load_algorithm(run: Run) -> Predictor:
    """Does what was learned: takes lengths, and of a copy also bits such as "0110 1001".

    Of a length, a sequence is made that no training had. Each answer has `input`, `steps` (how
    long the sequence is with its answer), `asked` (bits asked for), `wrong` (of them), and `said`,
    the vectors of the output one after the other.
    """
    config: Any = run.config
    model = algorithm_net(config)
    model.load_state_dict(run.load_weights())
    model.eval()

    @torch.inference_mode()
    def predict(*inputs: str | int) -> list[Answer]:
        answers = []
        for given in inputs:
            batch = _sequence(config, str(given))
            logits, _ = model(batch[0])
            asked = batch[2][0] > 0
            said = [
                "".join("1" if bit > 0 else "0" for bit in vector) for vector in logits[0][asked]
            ]
            answers.append(
                {
                    "input": str(given),
                    "steps": batch[0].shape[1],
                    "asked": int(asked.sum()) * logits.shape[2],
                    "wrong": int(wrong_bits(logits, batch[1], batch[2]).sum()),
                    "said": " ".join(said),
                }
            )
        return answers

    return predict


def _sequence(config: AlgorithmConfig, given: str) -> tuple[Tensor, ...]:
    """A batch of one sequence: of a length, or with the vectors that the user writes.

    Raises:
        UsageError: it is neither.
    """
    problem, vectors = PROBLEMS[config.problem], given.split()
    if (
        config.problem == "copy"
        and vectors
        and all(len(v) == config.bits and set(v) <= {"0", "1"} for v in vectors)
    ):
        inputs, targets, asked = examples(problem, (len(vectors),), 1, config.bits, SEED)
        bits = torch.tensor([[float(bit) for bit in vector] for vector in vectors])
        inputs[0, : len(vectors), : config.bits] = bits
        targets[0, -len(vectors) :] = bits
        return inputs, targets, asked
    least = LEAST.get(config.problem, 1)
    if not (given.isdigit() and least <= int(given) <= 10_000):
        also = f" or vectors of {config.bits} bits" if config.problem == "copy" else ""
        raise UsageError(
            f"an input must be a length in [{least}, 10000] ({problem.length}){also}, got {given!r}"
        )
    return examples(problem, (int(given),), 1, config.bits, SEED + int(given))


def load_stories(run: Run) -> Predictor:
    """Answers a question: takes a story that ends with one, such as "Mary is in … Where is Mary?".

    An answer of several words is asked for by as many "-" after the question; without any, one
    word is said. Each answer has `input`, `label`, `probability` (of all its words together) and,
    of one word, `top`, the most probable words.
    """
    config: Any = run.config
    known = run.info["facts"]["words"]
    model = story_net(config, len(known))
    model.load_state_dict(run.load_weights())
    model.eval()

    @torch.inference_mode()
    def predict(*inputs: str) -> list[Answer]:
        return [{"input": str(text), **_reply(model, str(text), known)} for text in inputs]

    return predict


def _reply(model: torch.nn.Module, text: str, known: list[str]) -> Answer:
    """The words said at the blanks after the last question.

    Raises:
        UsageError: there is no question at the end, or a word that the training did not have.
    """
    words = words_of(text)
    said = [word for word in words if word != BLANK]
    blanks = len(words) - len(said)
    if not said or said[-1] != "?" or words[: len(said)] != said:
        raise UsageError(f'a story must end with a question and its "?", got {text[-60:]!r}')
    words += [] if blanks else [BLANK]
    blanks = max(blanks, 1)
    found = model(torch.tensor([encode(words, known)]))[0, -blanks:].softmax(1)
    if blanks == 1:
        return answer(found[0], known)
    probability, best = found.max(1)
    label = ",".join(known[i] for i in best.tolist())
    return {"label": label, "probability": float(probability.prod())}
