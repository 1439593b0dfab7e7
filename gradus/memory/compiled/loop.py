"""All time steps of some sequences, controller and memory, compiled, forward and backward."""

from typing import NamedTuple, no_type_check

import numpy as np
from jaxtyping import Float, Int

from gradus.memory.compiled.equations import (
    interpret,
    interpret_backward,
    parts,
    renew_links,
    renew_memory,
)
from gradus.memory.compiled.products import ONE, START, copy, dots, kernel
from gradus.memory.compiled.step import backward_one, forward_one


class Kept(NamedTuple):
    """What the steps leave for the backward pass; the first step finds the state before it here.

    Attributes:
        said: h and r before each step and after the last.
        gates: i, f, o and g of an LSTM, in their ranges.
        c: of an LSTM, before each step and after the last.
        told: ξ, its parts in their ranges.
        rows: u, p, w and the w_r, before each step and after the last.
        ways: of looking and of finding free locations, see `step.forward_one`.
        order: φ, the locations from the least used to the most.
        memory, links: M and L before every few steps.
    """

    said: Float[np.ndarray, "batch time+1 hidden+reads"]
    gates: Float[np.ndarray, "batch time projected"]
    c: Float[np.ndarray, "batch time+1 hidden"]
    told: Float[np.ndarray, "batch time interface"]
    rows: Float[np.ndarray, "batch time+1 rows locations"]
    ways: Float[np.ndarray, "batch time ways locations"]
    order: Int[np.ndarray, "batch time locations"]
    memory: Float[np.ndarray, "batch parts locations width"]
    links: Float[np.ndarray, "batch parts locations locations"]


@kernel
@no_type_check
def control(projected, z, gates, c, h, c1):
    """The controller's step from its product z: an LSTM's if z has four parts, else tanh."""
    n = len(h)
    for k in range(len(z)):
        z[k] += projected[k]
    if len(z) == n:
        for k in range(n):
            h[k] = np.tanh(z[k])
        return
    for k in range(3 * n):
        gates[k] = ONE / (ONE + np.exp(-z[k]))
    for k in range(3 * n, 4 * n):
        gates[k] = np.tanh(z[k])
    for k in range(n):
        c1[k] = gates[n + k] * c[k] + gates[k] * gates[3 * n + k]
        h[k] = gates[2 * n + k] * np.tanh(c1[k])


@kernel
@no_type_check
def control_backward(gates, c, h, c1, g_h, g_c, g_z):
    """The gradient at z, from that at h; that at c1 becomes that at c."""
    n = len(h)
    if len(g_z) == n:
        for k in range(n):
            g_z[k] = g_h[k] * (ONE - h[k] ** 2)
        return
    for k in range(n):
        i, f, o, g = gates[k], gates[n + k], gates[2 * n + k], gates[3 * n + k]
        seen = np.tanh(c1[k])
        g_new = g_c[k] + g_h[k] * o * (ONE - seen**2)
        g_z[k] = g_new * g * i * (ONE - i)
        g_z[n + k] = g_new * c[k] * f * (ONE - f)
        g_z[2 * n + k] = g_h[k] * seen * o * (ONE - o)
        g_z[3 * n + k] = g_new * i * (ONE - g**2)
        g_c[k] = g_new * f


@kernel
@no_type_check
def forward_part(first, last, every, projected, weight, telling, bias, memory, links, kept):
    """All steps of the sequences first ≤ b < last.

    Args:
        first: of the sequences.
        last: of them, not included.
        every: steps between two M and L that are kept.
        projected: the controller's product with the inputs.
        weight: the controller's for h and r, or for r alone.
        telling: the interface's.
        bias: the interface's.
        memory: M, renewed in place.
        links: L, renewed in place.
        kept: takes what the backward pass needs.
    """
    batch, time = last - first, projected.shape[1]
    hidden, heads, width = telling.shape[1], kept.rows.shape[2] - 3, memory.shape[2]
    seen = np.empty((batch, weight.shape[1]), np.float32)
    z = np.empty((batch, len(weight)), np.float32)
    h, xi = np.empty((batch, hidden), np.float32), np.empty((batch, len(telling)), np.float32)
    order = np.empty((batch, memory.shape[1]), np.int32)
    for i in range(batch):
        for j in range(memory.shape[1]):
            order[i, j] = j
    for t in range(time):
        for i in range(batch):
            copy(kept.said[first + i, t, -weight.shape[1] :], seen[i])
        dots(seen, weight, z, START)
        for i in range(batch):
            b = first + i
            control(projected[b, t], z[i], kept.gates[b, t], kept.c[b, t], h[i], kept.c[b, t + 1])
        dots(h, telling, xi, START)
        for i in range(batch):
            b = first + i
            if t % every == 0:
                copy(memory[b], kept.memory[b, t // every])
                copy(links[b], kept.links[b, t // every])
            for k in range(len(bias)):
                kept.told[b, t, k] = xi[i, k] + bias[k]
            interpret(kept.told[b, t], width, heads)
            said = kept.said[b, t + 1]
            copy(h[i], said[:hidden])
            forward_one(
                kept.told[b, t], memory[b], links[b], kept.rows[b, t], kept.rows[b, t + 1],
                kept.ways[b, t], order[i], said[hidden:].reshape(heads, width),
            )  # fmt: skip
            copy(order[i], kept.order[b, t])


@kernel
@no_type_check
def renew(told, rows, memory, links):
    """M and L of some steps from those of the first; M of the step after them as well."""
    heads, width = rows.shape[1] - 3, memory.shape[2]
    for t in range(len(told)):
        _, add, gates, _, _ = parts(told[t], width, heads)
        w1 = rows[t + 1, 2]
        copy(memory[t], memory[t + 1])
        renew_memory(memory[t + 1], w1, add, gates)
        if t + 1 < len(told):
            copy(links[t], links[t + 1])
            renew_links(links[t + 1], rows[t, 1], w1, 0)


@kernel
@no_type_check
def backward_part(
    first, last, every, weight, telling, kept, g_said, g_said0, g_c, g_rows, g_memory, g_links,
    g_z, g_told,
):  # fmt: skip
    """The gradients of the sequences first ≤ b < last.

    Args:
        first: of the sequences.
        last: of them, not included.
        every: as in `forward_part`.
        weight: the controller's, transposed.
        telling: the interface's, transposed.
        kept: by the forward pass.
        g_said: at h and r of each step.
        g_said0: takes those at h and r before the first.
        g_c: at c after the last step; in place it becomes that before the first, as do the next.
        g_rows: at the rows.
        g_memory: at M.
        g_links: at L.
        g_z: takes those at the controller's products.
        g_told: takes those at the interface's.
    """
    batch, time, hidden = last - first, g_said.shape[1], len(telling)
    heads, n, width = kept.rows.shape[2] - 3, kept.memory.shape[2], kept.memory.shape[3]
    memory = np.empty((batch, every + 1, n, width), np.float32)
    links = np.empty((batch, every, n, n), np.float32)
    seen = np.zeros((batch, len(weight)), np.float32)
    h = np.empty((batch, hidden), np.float32)
    z = np.empty((batch, weight.shape[1]), np.float32)
    xi = np.empty((batch, telling.shape[1]), np.float32)
    for start in range((time - 1) // every * every, -1, -every):
        end = min(time, start + every)
        for i in range(batch):
            b = first + i
            copy(kept.memory[b, start // every], memory[i, 0])
            copy(kept.links[b, start // every], links[i, 0])
            renew(kept.told[b, start:end], kept.rows[b, start : end + 1], memory[i], links[i])
        for t in range(end - 1, start - 1, -1):
            for i in range(batch):
                b = first + i
                g = g_said0[b]
                copy(g_said[b, t], g)
                for k in range(len(weight)):
                    g[len(g) - len(weight) + k] += seen[i, k]
                backward_one(
                    kept.told[b, t], memory[i, t - start], memory[i, t - start + 1],
                    links[i, t - start], kept.rows[b, t], kept.rows[b, t + 1], kept.ways[b, t],
                    kept.order[b, t], g[hidden:].reshape(heads, width), xi[i], g_memory[b],
                    g_links[b], g_rows[b],
                )  # fmt: skip
                interpret_backward(kept.told[b, t], xi[i], width, heads)
                copy(xi[i], g_told[b, t])
            dots(xi, telling, h, START)
            for i in range(batch):
                b = first + i
                for k in range(hidden):
                    h[i, k] += g_said0[b, k]
                control_backward(
                    kept.gates[b, t], kept.c[b, t], kept.said[b, t + 1, :hidden], kept.c[b, t + 1],
                    h[i], g_c[b], z[i],
                )  # fmt: skip
                copy(z[i], g_z[b, t])
            dots(z, weight, seen, START)
    for i in range(batch):
        g_said0[first + i] = 0
        copy(seen[i], g_said0[first + i, -len(weight) :])
