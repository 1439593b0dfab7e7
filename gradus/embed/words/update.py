"""The compiled passes as one step of the training loop, shared among threads."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gradus.core.batches import Batch
from gradus.core.errors import UsageError
from gradus.embed.words.cbow import cbow
from gradus.embed.words.plan import Plan
from gradus.embed.words.skipgram import skipgram
from gradus.embed.words.word2vec import Word2Vec

Update = Callable[[nn.Module, Batch, float], Tensor]


def compiled_update(architecture: str, plan: Plan, threads: int) -> Update:
    """(model, batch, learning rate) -> mean loss of a pair, after changing the model in place.

    With several threads each takes a part of the stretch, and none waits for another where both
    change the same vector (Hogwild, Recht et al. 2011): the result is not the same twice.

    Args:
        architecture: `skip-gram` or `cbow`.
        plan: the settings.
        threads: how many, ≥ 1. With one the same model and batch give the same result.
    """
    learn: Any = cbow if architecture == "cbow" else skipgram
    pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def update(model: nn.Module, batch: Batch, lr: float) -> Tensor:
        assert isinstance(model, Word2Vec)
        v, u, b = arrays(model)
        mine, seen, where = batch
        before, first, key = where.tolist()
        text, n = seen.numpy(), len(mine)

        def part(number: int) -> tuple[float, int, int]:
            low, high = n * number // threads, n * (number + 1) // threads
            return learn(v, u, b, text, before + low, high - low, first, np.uint64(key), plan, lr)

        parts = range(threads)
        found = list(pool.map(part, parts) if pool else map(part, parts))
        loss, measured = (sum(f[i] for f in found) for i in (0, 1))
        return torch.tensor(loss / measured if measured else 0.0)

    return update


def arrays(model: Word2Vec) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Input vectors, output vectors and biases, in the memory that the model's parameters have.

    Raises:
        UsageError: the model is not on the CPU.
    """
    weights = [model.inputs.weight, model.outputs.weight]
    if weights[0].device.type != "cpu":
        raise UsageError(
            f"the compiled engine works on the cpu, got a model on {weights[0].device}: "
            "set --device cpu, or choose --engine torch"
        )
    if model.biases is not None:
        weights.append(model.biases)
    found = [w.detach().numpy() for w in weights]
    return found[0], found[1], found[2] if len(found) > 2 else np.zeros(len(found[0]), np.float32)
