"""All time steps of a DNC as one operation of torch, on the CPU and in float32.

Step by step, a small memory costs what starting some eighty operations costs, and with several
threads each product of the controller waits for all of them. Here each thread takes some of the
sequences through all steps, and meets the others at the end.

For the backward pass M and L, which are large, are kept of every few steps only and renewed
between. Gradients at weights are one product over all steps.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from gradus.memory.compiled.loop import Kept, backward_part, forward_part

EVERY = 8
"""M and L before every so many steps are kept, if nothing else is asked for."""
PIECE = 16
"""Steps taken together where there are no gradients, and nothing need be kept."""
GROUP = 4
"""Sequences that a thread takes through time side by side, so that a row of weights, once fetched,
serves them all; with more of them M, L and their gradients crowd each other out of the cache."""
LARGE = 1 << 16
"""Numbers in all sequences' M and L of all steps from which on threads share the work."""


@cache
def pool(workers: int) -> ThreadPoolExecutor:
    """The threads that work beside the calling one."""
    return ThreadPoolExecutor(workers)


def share(part: Callable[..., None], kept: Kept, *given: Any) -> None:
    """Run a kernel over all sequences, a group at a time, by several threads if it is worth it.

    Args:
        part: `forward_part` or `backward_part`.
        kept: whose sizes tell how much there is to do.
        given: what the kernel takes after the first and the last sequence of a group.
    """
    batch, time, _ = kept.told.shape
    work = batch * time * (kept.memory[0, 0].size + kept.links[0, 0].size)
    threads = min(torch.get_num_threads(), batch) if work >= LARGE else 1
    groups = threads * -(-batch // (threads * GROUP))
    cuts = list(pairwise(batch * i // groups for i in range(groups + 1)))
    mine, *others = (cuts[i::threads] for i in range(threads))
    running = [pool(threads - 1).submit(part, a, b, *given) for some in others for a, b in some]
    for a, b in mine:
        part(a, b, *given)
    for done in running:
        done.result()


class _Steps(torch.autograd.Function):
    """The compiled steps for torch."""

    @staticmethod
    def forward(
        ctx: Any,
        projected: Tensor,
        weight: Tensor,
        telling: Tensor,
        bias: Tensor,
        said: Tensor,
        c: Tensor,
        rows: Tensor,
        memory: Tensor,
        links: Tensor,
        every: int,
    ) -> tuple[Tensor, ...]:
        memory, links = memory.clone(), links.clone()
        given = arrays(projected, weight, telling, bias, memory, links)
        before = arrays(said, c, rows)
        (batch, time, size), (_, n, width) = given[0].shape, given[4].shape
        heads = before[2].shape[1] - 3
        ctx.every = every = min(every, time)
        pieces = -(-time // every)

        def room(*shape: int, dtype: Any = np.float32) -> np.ndarray:
            return np.empty((batch, *shape), dtype)  # in large pages, which torch does not ask for

        kept = Kept(
            said=room(time + 1, before[0].shape[1]),
            gates=room(time, size),
            c=room(time + 1, before[1].shape[1]),
            told=room(time, len(given[3])),
            rows=room(time + 1, 3 + heads, n),
            ways=room(time, 3 + 3 * heads, n),
            order=room(time, n, dtype=np.int32),
            memory=room(pieces, n, width),
            links=room(pieces, n, n),
        )
        kept.said[:, 0], kept.c[:, 0], kept.rows[:, 0] = before
        share(forward_part, kept, every, *given, kept)
        ctx.save_for_backward(weight, telling, *map(torch.from_numpy, kept))
        found = kept.said[:, 1:], kept.c[:, -1].copy(), kept.rows[:, -1].copy()
        return (*map(torch.from_numpy, found), memory, links)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        weight, telling, *saved = ctx.saved_tensors
        kept = Kept(*arrays(*saved))
        g_said = gradients[0].contiguous()
        g_carried = [g.clone(memory_format=torch.contiguous_format) for g in gradients[1:]]
        g_said0, (said, gates, _, told, *_) = torch.empty_like(g_said[:, 0]), saved
        g_z, g_told = torch.empty_like(gates), torch.empty_like(told)
        turned = arrays(weight.T.contiguous(), telling.T.contiguous())
        found = arrays(g_said, g_said0, *g_carried, g_z, g_told)
        share(backward_part, kept, ctx.every, *turned, kept, *found)
        seen = said[:, :-1, -weight.shape[1] :].flatten(0, 1)
        h = said[:, 1:, : telling.shape[1]].flatten(0, 1)
        flat_z, flat_told = g_z.flatten(0, 1), g_told.flatten(0, 1)
        to_weights = (flat_z.T @ seen, flat_told.T @ h, flat_told.sum(0))
        return g_z, *to_weights, g_said0, *g_carried, None


def arrays(*tensors: Tensor) -> list[np.ndarray]:
    """The same numbers as arrays."""
    return [tensor.detach().numpy() for tensor in tensors]


def steps(
    projected: Float[Tensor, "batch time projected"],
    weight: Float[Tensor, "projected seen"],
    telling: Float[Tensor, "interface hidden"],
    bias: Float[Tensor, "interface"],
    said: Float[Tensor, "batch said"],
    c: Float[Tensor, "batch hidden"],
    rows: Float[Tensor, "batch rows locations"],
    memory: Float[Tensor, "batch locations width"],
    links: Float[Tensor, "batch locations locations"],
    every: int = 0,
) -> tuple[Tensor, ...]:
    """Several time steps; all in float32 on the CPU.

    Args:
        projected: the controller's product with the inputs.
        weight: its weights for h and r (LSTM) or for r alone.
        telling: the interface's weights.
        bias: its bias.
        said: h and r before the first step.
        c: the LSTM's c; not looked at otherwise.
        rows: u, p, w and the w_r.
        memory: M.
        links: L.
        every: steps between two M and L that are kept for the backward pass (0: `EVERY`).

    Returns:
        h and r of each step, "batch time hidden+reads"; c, the rows, M and L after the last.
    """
    weights = [t.contiguous() for t in (weight, telling, bias)]
    carried = [t.contiguous() for t in (c, rows, memory, links)]
    length, every = projected.shape[1], every or EVERY
    if not torch.is_grad_enabled():
        length = every = PIECE
    found = []
    for piece in projected.split(length, 1):
        given = (piece.contiguous(), *weights, said.contiguous(), *carried)
        new, *carried = _Steps.apply(*given, every)
        found.append(new)
        said = new[:, -1]
    return (torch.cat(found, 1), *carried)
