"""A step of the DNC's memory as one compiled operation on the CPU, forward and backward.

A small memory costs what starting some eighty operations costs, a large one what reading and
writing the link matrix costs. Here a step is one operation, and the links are gone through once. It
computes what `gradus.memory.dnc.DNC.access` does, of the paper's DNC and in float32; the tests hold
the two together. The names are those of the equations; what ends in 1 is new in this step.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import Any, no_type_check

import numba
import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

EPSILON = np.float32(1e-6)  # as gradus.memory.addressing.EPSILON
ONE = np.float32(1)
# The kernels are marked no_type_check so that the tests' type checker leaves them to numba.
FAST = {"reassoc", "contract", "arcp", "nsz"}  # sums may be reordered; NaN and infinity stay
kernel = numba.njit(nogil=True, cache=True, fastmath=FAST, error_model="numpy")
LARGE = 1 << 18
"""Links, in all sequences together, from which on threads share the work."""


@kernel
@no_type_check
def sigmoid(x):
    """1 / (1 + e⁻ˣ)."""
    return ONE / (ONE + np.exp(-x))


@kernel
@no_type_check
def interpret(xi, width, heads):
    """The parts of ξ, each in its range: keys, strengths, add, gates (erase, free, g_a, g_w), π."""
    at, n = (heads + 1) * width, width + heads + 2
    keys = xi[:at].reshape(heads + 1, width)
    add = xi[at : at + width]
    at += width
    gates = np.empty(n, np.float32)
    for k in range(n):
        gates[k] = sigmoid(xi[at + k])
    at += n
    strengths = np.empty(heads + 1, np.float32)
    for k in range(heads + 1):
        x = xi[at + k]
        strengths[k] = ONE + max(x, np.float32(0)) + np.log1p(np.exp(-abs(x)))
    at += heads + 1
    modes = np.empty((heads, 3), np.float32)
    for r in range(heads):
        row, total = xi[at + 3 * r : at + 3 * r + 3], np.float32(0)
        for k in range(3):
            modes[r, k] = np.exp(row[k] - max(row[0], row[1], row[2]))
            total += modes[r, k]
        for k in range(3):
            modes[r, k] /= total
    return keys, strengths, add, gates, modes


@kernel
@no_type_check
def inverse_lengths(memory):
    """1 / √(‖M[i]‖² + ε)."""
    found = np.empty(len(memory), np.float32)
    for i in range(len(memory)):
        total = EPSILON
        for k in range(memory.shape[1]):
            total += memory[i, k] * memory[i, k]
        found[i] = ONE / np.sqrt(total)
    return found


@kernel
@no_type_check
def content(memory, inverse, key, strength, found):
    """Look up by content: c = softmax(β cosine(M, k))."""
    total = EPSILON
    for k in range(len(key)):
        total += key[k] * key[k]
    scale = strength / np.sqrt(total)
    for i in range(len(memory)):
        dot = np.float32(0)
        for k in range(len(key)):
            dot += memory[i, k] * key[k]
        found[i] = dot * inverse[i] * scale
    top, total = found[0], np.float32(0)
    for i in range(1, len(memory)):
        top = max(top, found[i])
    for i in range(len(memory)):
        found[i] = np.exp(found[i] - top)
        total += found[i]
    for i in range(len(memory)):
        found[i] /= total


@kernel
@no_type_check
def content_backward(memory, inverse, key, strength, found, g, g_memory, g_key):
    """Adds to the gradients at M and k; returns that at β."""
    total, mean = EPSILON, np.float32(0)
    for k in range(len(key)):
        total += key[k] * key[k]
    unit = ONE / np.sqrt(total)
    for i in range(len(memory)):
        mean += g[i] * found[i]
    g_scale = np.float32(0)
    for i in range(len(memory)):
        dot = np.float32(0)
        for k in range(len(key)):
            dot += memory[i, k] * key[k]
        g_score = found[i] * (g[i] - mean)
        g_dot = g_score * inverse[i] * strength * unit
        g_length = -g_score * dot * strength * unit * inverse[i] ** 3
        g_scale += g_score * dot * inverse[i]
        for k in range(len(key)):
            g_memory[i, k] += g_dot * key[k] + g_length * memory[i, k]
            g_key[k] += g_dot * memory[i, k]
    for k in range(len(key)):
        g_key[k] -= g_scale * strength * unit**3 * key[k]
    return g_scale * unit


@kernel
@no_type_check
def allocate(used, order, products, found):
    """a[φ_j] = (1 - u[φ_j]) ∏_{i<j} u[φ_i]; φ and the products are kept.

    Usages are compared as they enter the products, so that those alike there keep their order.
    """
    s = np.empty(len(used), np.float32)
    for j in range(len(used)):
        s[j] = used[j] * (ONE - EPSILON) + EPSILON
    for j in range(len(used)):  # insertion keeps equal ones in their order
        k = j
        while k > 0 and s[order[k - 1]] > s[j]:
            order[k] = order[k - 1]
            k -= 1
        order[k] = j
    product = ONE
    for j in range(len(used)):
        products[j] = product
        found[order[j]] = (ONE - s[order[j]]) * product
        product *= s[order[j]]


@kernel
@no_type_check
def forward_one(xi, m, u, links, p, w, wr, m1, u1, links1, p1, w1, wr1, r1, kept, order):
    """A step of one sequence; `kept` takes rows of N numbers that the backward pass needs."""
    heads, n, width = len(wr), len(m), m.shape[1]
    keys, strengths, add, gates, modes = interpret(xi, width, heads)
    ga, gw = gates[width + heads], gates[width + heads + 1]
    allocated, products, looked = kept[0], kept[1], kept[2]
    backward, found, forward = kept[3 : 3 + heads], kept[3 + heads : 3 + 2 * heads], kept[-heads:]
    for i in range(n):
        retained = ONE
        for r in range(heads):
            retained *= ONE - gates[width + r] * wr[r, i]
        u1[i] = (u[i] + w[i] - u[i] * w[i]) * retained
    allocate(u1, order, products, allocated)
    content(m, inverse_lengths(m), keys[heads], strengths[heads], looked)
    written = np.float32(0)
    for i in range(n):
        w1[i] = gw * (ga * allocated[i] + (ONE - ga) * looked[i])
        written += w1[i]
        for k in range(width):
            m1[i, k] = m[i, k] + w1[i] * (add[k] - m[i, k] * gates[k])
    backward[:] = 0
    for i in range(n):
        keep, wi = ONE - w1[i], w1[i]
        for j in range(n):
            links1[i, j] = (keep - w1[j]) * links[i, j] + wi * p[j]
        links1[i, i] = 0
        for r in range(heads):
            total, here = np.float32(0), wr[r, i]
            for j in range(n):
                total += links1[i, j] * wr[r, j]
                backward[r, j] += links1[i, j] * here
            forward[r, i] = total
    for i in range(n):
        p1[i] = (ONE - written) * p[i] + w1[i]
    inverse = inverse_lengths(m1)
    r1[:] = 0
    for r in range(heads):
        content(m1, inverse, keys[r], strengths[r], found[r])
        for i in range(n):
            x = modes[r, 0] * backward[r, i] + modes[r, 1] * found[r, i]
            wr1[r, i] = x + modes[r, 2] * forward[r, i]
            for k in range(width):
                r1[r, k] += wr1[r, i] * m1[i, k]


@kernel
@no_type_check
def backward_one(
    xi, m, u, links, p, w, wr, m1, links1, w1, wr1, u1, kept, order,
    gm1, gu1, glinks1, gp1, gw1, gwr1, gr1, gxi, gm, gu, glinks, gp, gw, gwr,
):  # fmt: skip
    """The gradients of one sequence's step, from those at what it gave to those at what it took."""
    heads, n, width = len(wr), len(m), m.shape[1]
    keys, strengths, add, gates, modes = interpret(xi, width, heads)
    ga, gate = gates[width + heads], gates[width + heads + 1]
    allocated, products, looked = kept[0], kept[1], kept[2]
    backward, found, forward = kept[3 : 3 + heads], kept[3 + heads : 3 + 2 * heads], kept[-heads:]
    gxi[:] = 0
    ends = (heads + 1) * width, (heads + 2) * width
    g_keys = gxi[: ends[0]].reshape(heads + 1, width)
    g_add = gxi[ends[0] : ends[1]]
    g_gates = gxi[ends[1] : ends[1] + len(gates)]
    g_strengths = gxi[ends[1] + len(gates) : ends[1] + len(gates) + heads + 1]
    g_modes = gxi[-3 * heads :].reshape(heads, 3)
    g_m1, g_w1 = gm1.copy(), gw1.copy()
    g_forward, g_backward = np.empty((heads, n), np.float32), np.empty((heads, n), np.float32)
    inverse, g_found = inverse_lengths(m1), np.empty(n, np.float32)

    for r in range(heads):  # what was read, and the three ways of looking
        for i in range(n):
            g = gwr1[r, i]
            for k in range(width):
                g += gr1[r, k] * m1[i, k]
                g_m1[i, k] += wr1[r, i] * gr1[r, k]
            g_modes[r, 0] += g * backward[r, i]
            g_modes[r, 1] += g * found[r, i]
            g_modes[r, 2] += g * forward[r, i]
            g_backward[r, i] = g * modes[r, 0]
            g_found[i] = g * modes[r, 1]
            g_forward[r, i] = g * modes[r, 2]
        g_strengths[r] = content_backward(
            m1, inverse, keys[r], strengths[r], found[r], g_found, g_m1, g_keys[r]
        )

    written, lost = np.float32(0), np.float32(0)  # precedence
    for i in range(n):
        written += w1[i]
        lost += gp1[i] * p[i]
    for i in range(n):
        gp[i] = (ONE - written) * gp1[i]
        g_w1[i] += gp1[i] - lost

    gwr[:] = 0  # links
    row, columns = np.empty(n, np.float32), np.zeros(n, np.float32)
    for i in range(n):
        row[:] = glinks1[i]
        for r in range(heads):
            a, b, total = g_forward[r, i], wr[r, i], np.float32(0)
            for j in range(n):
                row[j] += a * wr[r, j] + b * g_backward[r, j]
                total += g_backward[r, j] * links1[i, j]
                gwr[r, j] += a * links1[i, j]
            gwr[r, i] += total
        row[i] = 0
        keep, wi, total = ONE - w1[i], w1[i], np.float32(0)
        for j in range(n):
            product = row[j] * links[i, j]
            total += row[j] * p[j] - product
            columns[j] += product
            gp[j] += row[j] * wi
            glinks[i, j] = (keep - w1[j]) * row[j]
        g_w1[i] += total
    for i in range(n):  # erase and add
        total = np.float32(0)
        for k in range(width):
            g = g_m1[i, k]
            total += g * (add[k] - m[i, k] * gates[k])
            g_gates[k] -= g * w1[i] * m[i, k]
            g_add[k] += g * w1[i]
            gm[i, k] = g * (ONE - w1[i] * gates[k])
        g_w1[i] += total - columns[i]

    g_allocated = np.empty(n, np.float32)  # the write weighting
    for i in range(n):
        g = g_w1[i]
        g_gates[width + heads + 1] += g * (ga * allocated[i] + (ONE - ga) * looked[i])
        g_gates[width + heads] += g * gate * (allocated[i] - looked[i])
        g_allocated[i] = g * gate * ga
        g_found[i] = g * gate * (ONE - ga)
    g_strengths[heads] = content_backward(
        m, inverse_lengths(m), keys[heads], strengths[heads], looked, g_found, gm, g_keys[heads]
    )

    later = np.float32(0)  # allocation, from the most used location to the least; then usage
    for j in range(n - 1, -1, -1):
        i = order[j]
        s = u1[i] * (ONE - EPSILON) + EPSILON
        g = gu1[i] + (ONE - EPSILON) * (later / s - g_allocated[i] * products[j])
        later += g_allocated[i] * allocated[i]
        retained = ONE
        for r in range(heads):
            retained *= ONE - gates[width + r] * wr[r, i]
        gu[i] = g * retained * (ONE - w[i])
        gw[i] = g * retained * (ONE - u[i])
        g_retained = g * (u[i] + w[i] - u[i] * w[i])
        for r in range(heads):
            others = ONE
            for q in range(heads):
                if q != r:
                    others *= ONE - gates[width + q] * wr[q, i]
            g_gates[width + r] -= g_retained * others * wr[r, i]
            gwr[r, i] -= g_retained * others * gates[width + r]

    raw = xi[ends[1] + len(gates) :]  # back to ξ, of which keys and add are parts as they are
    for k in range(len(gates)):
        g_gates[k] *= gates[k] * (ONE - gates[k])
    for k in range(heads + 1):
        g_strengths[k] *= sigmoid(raw[k])
    for r in range(heads):
        mean = np.float32(0)
        for k in range(3):
            mean += g_modes[r, k] * modes[r, k]
        for k in range(3):
            g_modes[r, k] = modes[r, k] * (g_modes[r, k] - mean)


@kernel
@no_type_check
def forward_part(
    first, last, xi, m, u, links, p, w, wr, m1, u1, links1, p1, w1, wr1, r1, kept, order
):
    """A step of the sequences first ≤ b < last."""
    for b in range(first, last):
        forward_one(
            xi[b], m[b], u[b], links[b], p[b], w[b], wr[b],
            m1[b], u1[b], links1[b], p1[b], w1[b], wr1[b], r1[b], kept[b], order[b],
        )  # fmt: skip


@kernel
@no_type_check
def backward_part(
    first, last, xi, m, u, links, p, w, wr, m1, links1, w1, wr1, u1, kept, order,
    gm1, gu1, glinks1, gp1, gw1, gwr1, gr1, gxi, gm, gu, glinks, gp, gw, gwr,
):  # fmt: skip
    """The gradients of the sequences first ≤ b < last."""
    for b in range(first, last):
        backward_one(
            xi[b], m[b], u[b], links[b], p[b], w[b], wr[b],
            m1[b], links1[b], w1[b], wr1[b], u1[b], kept[b], order[b],
            gm1[b], gu1[b], glinks1[b], gp1[b], gw1[b], gwr1[b], gr1[b],
            gxi[b], gm[b], gu[b], glinks[b], gp[b], gw[b], gwr[b],
        )  # fmt: skip


@cache
def pool() -> ThreadPoolExecutor:
    """The threads that share the work of a large memory."""
    return ThreadPoolExecutor(torch.get_num_threads())


def run(part: Callable[..., None], links: Tensor, *tensors: Tensor) -> None:
    """Run a kernel over all sequences, by several threads where there is much to do.

    Args:
        part: `forward_part` or `backward_part`.
        links: L, whose size tells how much there is to do.
        tensors: what the kernel takes.
    """
    arrays = [tensor.numpy() for tensor in tensors]
    batch, threads = len(links), torch.get_num_threads()
    if threads == 1 or links.numel() < LARGE:
        part(0, batch, *arrays)
        return
    cuts = [batch * i // threads for i in range(threads + 1)]
    for done in [pool().submit(part, a, b, *arrays) for a, b in pairwise(cuts)]:
        done.result()


class _Access(torch.autograd.Function):
    """The compiled step for torch."""

    @staticmethod
    def forward(ctx: Any, *given: Tensor) -> tuple[Tensor, ...]:
        xi, m, u, links, p, w, wr = (t.detach() for t in given)
        batch, heads, n = wr.shape
        made = tuple(torch.empty_like(t) for t in (m, u, links, p, w, wr))
        m1, u1, links1, _, w1, wr1 = made
        r1 = m.new_empty(batch, heads, m.shape[2])
        kept, order = m.new_empty(batch, 3 + 3 * heads, n), torch.empty(batch, n, dtype=torch.long)
        run(forward_part, links, xi, m, u, links, p, w, wr, *made, r1, kept, order)
        ctx.save_for_backward(xi, m, u, links, p, w, wr, m1, links1, w1, wr1, u1, kept, order)
        return (*made, r1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        saved = ctx.saved_tensors
        found = tuple(torch.empty_like(t) for t in saved[:7])
        run(backward_part, saved[3], *saved, *(g.contiguous() for g in gradients), *found)
        return found


def access(
    xi: Float[Tensor, "batch interface"],
    memory: Float[Tensor, "batch locations width"],
    usage: Float[Tensor, "batch locations"],
    links: Float[Tensor, "batch locations locations"],
    precedence: Float[Tensor, "batch locations"],
    write_weighting: Float[Tensor, "batch locations"],
    read_weightings: Float[Tensor, "batch heads locations"],
) -> tuple[Tensor, ...]:
    """A step of the memory.

    Args:
        xi: ξ, before its parts are brought into their ranges; float32 on the CPU, as all here.
        memory: M after the step before, and so are the others.
        usage: u.
        links: L.
        precedence: p.
        write_weighting: w of the write head.
        read_weightings: w of each read head.

    Returns:
        the last six after this step, and r, "batch heads width".
    """
    given = (xi, memory, usage, links, precedence, write_weighting, read_weightings)
    return _Access.apply(*(t.contiguous() for t in given))
