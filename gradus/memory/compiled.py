"""A step of the DNC's memory for one sequence, compiled, forward and backward.

It computes what `gradus.memory.dnc.DNC.access` does, of the paper's DNC and in float32; the tests
hold the two together. The names are those of the equations; what ends in 1 is new in this step.
What is large, M and L, is renewed in place, and the links are gone through once, some rows at a
time. A row of N numbers stands for each of u, p, w and the w_r of every read head, in this order.
"""

from typing import no_type_check

import numpy as np

from gradus.memory.products import ONE, ZERO, add_rows, dots, kernel

EPSILON = np.float32(1e-6)  # as gradus.memory.addressing.EPSILON
BLOCK = 8
"""Rows of the links that are worked on together: with their gradients they fit the first cache."""


@kernel
@no_type_check
def parts(xi, width, heads):
    """The parts of ξ, to look at and to change: keys, add, gates (e, f, g_a, g_w), strengths, π."""
    add = (heads + 1) * width
    gates = add + width
    strengths = gates + width + heads + 2
    modes = strengths + heads + 1
    return (
        xi[:add].reshape(heads + 1, width),
        xi[add:gates],
        xi[gates:strengths],
        xi[strengths:modes],
        xi[modes:].reshape(heads, 3),
    )


@kernel
@no_type_check
def interpret(xi, width, heads):
    """Bring the parts of ξ into their ranges, in place."""
    _, _, gates, strengths, modes = parts(xi, width, heads)
    for k in range(len(gates)):
        gates[k] = ONE / (ONE + np.exp(-gates[k]))
    for k in range(len(strengths)):
        x = strengths[k]
        strengths[k] = ONE + max(x, ZERO) + np.log1p(np.exp(-abs(x)))
    for row in modes:
        softmax(row)


@kernel
@no_type_check
def interpret_backward(xi, g_xi, width, heads):
    """From the gradients at ξ's parts in their ranges to those before, in place."""
    _, _, gates, strengths, modes = parts(xi, width, heads)
    _, _, g_gates, g_strengths, g_modes = parts(g_xi, width, heads)
    for k in range(len(gates)):
        g_gates[k] *= gates[k] * (ONE - gates[k])
    for k in range(len(strengths)):
        g_strengths[k] *= ONE - np.exp(ONE - strengths[k])
    for r in range(heads):
        mean = ZERO
        for k in range(3):
            mean += g_modes[r, k] * modes[r, k]
        for k in range(3):
            g_modes[r, k] = modes[r, k] * (g_modes[r, k] - mean)


@kernel
@no_type_check
def softmax(x):
    """Softmax of one row, in place."""
    top, total = x[0], ZERO
    for i in range(1, len(x)):
        top = max(top, x[i])
    for i in range(len(x)):
        x[i] = np.exp(x[i] - top)
        total += x[i]
    for i in range(len(x)):
        x[i] /= total


@kernel
@no_type_check
def inverse_lengths(vectors):
    """1 / √(‖v‖² + ε) of each row."""
    found = np.empty(len(vectors), np.float32)
    for i in range(len(vectors)):
        total = EPSILON
        for k in range(vectors.shape[1]):
            total += vectors[i, k] * vectors[i, k]
        found[i] = ONE / np.sqrt(total)
    return found


@kernel
@no_type_check
def content(memory, keys, strengths, found):
    """Look up by content: c = softmax(β cosine(M, k)) of each key."""
    lengths, units = inverse_lengths(memory), inverse_lengths(keys)
    dots(keys, memory, found, 0)
    for r in range(len(keys)):
        scale = strengths[r] * units[r]
        for i in range(len(memory)):
            found[r, i] *= lengths[i] * scale
        softmax(found[r])


@kernel
@no_type_check
def content_backward(memory, keys, strengths, found, g, g_memory, g_keys, g_strengths):
    """Adds to the gradients at M, k and β; g, at what was found, becomes that at M[i]ᵀ k."""
    lengths, units = inverse_lengths(memory), inverse_lengths(keys)
    products, g_lengths = np.empty_like(g), np.zeros(len(memory), np.float32)
    turned = np.empty((len(memory), len(keys)), np.float32)
    dots(keys, memory, products, 0)
    for r in range(len(keys)):
        scale, mean, g_scale = strengths[r] * units[r], ZERO, ZERO
        for i in range(len(memory)):
            mean += g[r, i] * found[r, i]
        for i in range(len(memory)):
            g_cosine = found[r, i] * (g[r, i] - mean) * lengths[i]
            g_scale += g_cosine * products[r, i]
            g[r, i] = g_cosine * scale
            g_lengths[i] -= g[r, i] * products[r, i]
            turned[i, r] = g[r, i]
        g_strengths[r] += g_scale * units[r]
        for k in range(len(keys[r])):
            g_keys[r, k] -= g_scale * strengths[r] * units[r] ** 3 * keys[r, k]
    add_rows(g, 0, memory, g_keys)
    add_rows(turned, 0, keys, g_memory)
    for i in range(len(memory)):
        share = g_lengths[i] * lengths[i] ** 2
        for k in range(memory.shape[1]):
            g_memory[i, k] += share * memory[i, k]


@kernel
@no_type_check
def allocate(used, order, products, found):
    """a[φ_j] = (1 - u[φ_j]) ∏_{i<j} u[φ_i]; φ and the products are kept.

    Usages are compared as they enter the products; of like ones the first location comes first.
    `order` holds the φ of the step before, which is nearly that of this step.
    """
    s = np.empty(len(used), np.float32)
    for i in range(len(used)):
        s[i] = used[i] * (ONE - EPSILON) + EPSILON
    for j in range(1, len(used)):
        here, k = order[j], j
        while k > 0:
            other = order[k - 1]
            if s[other] < s[here] or (s[other] == s[here] and other < here):
                break
            order[k] = other
            k -= 1
        order[k] = here
    product = ONE
    for j in range(len(used)):
        products[j] = product
        found[order[j]] = (ONE - s[order[j]]) * product
        product *= s[order[j]]


@kernel
@no_type_check
def retained(free, wr, i):
    """ψ[i] = ∏ (1 - f w_r[i]): what is not freed after it was read."""
    product = ONE
    for r in range(len(wr)):
        product *= ONE - free[r] * wr[r, i]
    return product


@kernel
@no_type_check
def renew_memory(m, w1, add, gates):
    """Erase and add, in place: M ← M ∘ (E - w1 eᵀ) + w1 vᵀ."""
    for i in range(len(m)):
        for k in range(len(add)):
            m[i, k] += w1[i] * (add[k] - m[i, k] * gates[k])


@kernel
@no_type_check
def renew_links(rows, p, w1, first):
    """Rows from `first` on, in place: L ← (1 - w1[i] - w1[j]) L + w1[i] p[j], and 0 at i = j."""
    for i in range(len(rows)):
        wi = w1[first + i]
        keep = ONE - wi
        for j in range(len(p)):
            rows[i, j] = (keep - w1[j]) * rows[i, j] + wi * p[j]
        rows[i, first + i] = 0


@kernel
@no_type_check
def renew_links_backward(links, p, w1, first, g, g_p, g_w1):
    """From the gradients at some rows of L1 to those at L, in place; adds to those at p and w1."""
    for i in range(len(links)):
        g[i, first + i] = 0
        wi, total = w1[first + i], ZERO
        keep = ONE - wi
        for j in range(len(p)):
            product = g[i, j] * links[i, j]
            total += g[i, j] * p[j] - product
            g_w1[j] -= product
            g_p[j] += g[i, j] * wi
            g[i, j] *= keep - w1[j]
        g_w1[first + i] += total


@kernel
@no_type_check
def forward_one(xi, m, links, before, after, ways, order, read):
    """A step of one sequence.

    Args:
        xi: ξ, its parts in their ranges.
        m, links: M and L, renewed in place.
        before, after: the rows before and after the step, "3+R N".
        ways: takes a, the products, c of the write head, and Lᵀ w_r, c, L w_r of the read heads.
        order: φ of the step before, sorted anew.
        read: takes r.
    """
    n, width, heads = len(m), m.shape[1], len(before) - 3
    keys, add, gates, strengths, modes = parts(xi, width, heads)
    ga, gw = gates[width + heads], gates[width + heads + 1]
    u, p, w, wr = before[0], before[1], before[2], before[3:]
    u1, p1, w1, wr1 = after[0], after[1], after[2], after[3:]
    allocated, products, looked = ways[0], ways[1], ways[2:3]
    backward, found, forward = ways[3 : 3 + heads], ways[3 + heads : 3 + 2 * heads], ways[-heads:]
    for i in range(n):
        u1[i] = (u[i] + w[i] - u[i] * w[i]) * retained(gates[width:], wr, i)
    allocate(u1, order, products, allocated)
    content(m, keys[heads:], strengths[heads:], looked)
    written = ZERO
    for i in range(n):
        w1[i] = gw * (ga * allocated[i] + (ONE - ga) * looked[0, i])
        written += w1[i]
    for i in range(n):
        p1[i] = (ONE - written) * p[i] + w1[i]
    renew_memory(m, w1, add, gates)
    backward[:] = 0
    for first in range(0, n, BLOCK):
        rows = links[first : first + BLOCK]
        renew_links(rows, p, w1, first)
        dots(wr, rows, forward, first)
        add_rows(wr, first, rows, backward)
    content(m, keys[:heads], strengths[:heads], found)
    for r in range(heads):
        for i in range(n):
            x = modes[r, 0] * backward[r, i] + modes[r, 1] * found[r, i]
            wr1[r, i] = x + modes[r, 2] * forward[r, i]
    read[:] = 0
    add_rows(wr1, 0, m, read)


@kernel
@no_type_check
def backward_one(
    xi, m, m1, links, before, after, ways, order, g_read, g_xi, g_m, g_links, g_rows
):  # fmt: skip
    """The gradients of a step of one sequence.

    Args:
        xi, before, after, ways, order: as in `forward_one`.
        m, links: M and L before the step.
        m1: M after it.
        g_read: at r.
        g_xi: takes that at ξ, its parts in their ranges.
        g_m, g_links, g_rows: at M, L and the rows, after the step; in place they become those
            before it.
    """
    n, width, heads = len(m), m.shape[1], len(before) - 3
    keys, add, gates, strengths, modes = parts(xi, width, heads)
    ga, gw = gates[width + heads], gates[width + heads + 1]
    u, p, w, wr = before[0], before[1], before[2], before[3:]
    u1, w1, wr1 = after[0], after[2], after[3:]
    allocated, products, looked = ways[0], ways[1], ways[2:3]
    backward, found, forward = ways[3 : 3 + heads], ways[3 + heads : 3 + 2 * heads], ways[-heads:]
    g_xi[:] = 0
    g_keys, g_add, g_gates, g_strengths, g_modes = parts(g_xi, width, heads)
    g_u, g_p, g_w, g_wr = g_rows[0], g_rows[1], g_rows[2], g_rows[3:]
    g_w1 = g_w.copy()

    g_found, turned = np.empty((heads, n), np.float32), np.empty((n, heads), np.float32)
    ends, shares = np.empty((2 * heads, n), np.float32), np.empty((n, 2 * heads), np.float32)
    g_forward = np.empty((heads, n), np.float32)
    ends[:heads] = wr  # G[i] = Σ_r g_forward[r, i] w_r + w_r[i] g_backward[r]
    g_backward = ends[heads:]
    dots(g_read, m1, g_found, 0)
    for r in range(heads):
        for i in range(n):
            g = g_wr[r, i] + g_found[r, i]
            g_modes[r, 0] += g * backward[r, i]
            g_modes[r, 1] += g * found[r, i]
            g_modes[r, 2] += g * forward[r, i]
            g_backward[r, i] = g * modes[r, 0]
            g_found[r, i] = g * modes[r, 1]
            g_forward[r, i] = g * modes[r, 2]
            shares[i, r], shares[i, heads + r] = g_forward[r, i], wr[r, i]
            turned[i, r] = wr1[r, i]
    add_rows(turned, 0, g_read, g_m)
    content_backward(
        m1, keys[:heads], strengths[:heads], found, g_found, g_m,
        g_keys[:heads], g_strengths[:heads],
    )  # fmt: skip

    written, lost = ZERO, ZERO  # precedence
    for i in range(n):
        written += w1[i]
        lost += g_p[i] * p[i]
    for i in range(n):
        g_w1[i] += g_p[i] - lost
        g_p[i] *= ONE - written

    rows, g_here = np.empty((BLOCK, n), np.float32), np.empty((heads, n), np.float32)  # links
    g_wr[:] = 0
    for first in range(0, n, BLOCK):
        some, g = links[first : first + BLOCK], g_links[first : first + BLOCK]
        here = rows[: len(some)]
        here[:] = some
        renew_links(here, p, w1, first)
        add_rows(shares[first:], 0, ends, g)
        dots(g_backward, here, g_here, first)
        add_rows(g_forward, first, here, g_wr)
        renew_links_backward(some, p, w1, first, g, g_p, g_w1)

    for i in range(n):  # erase and add
        total = ZERO
        for k in range(width):
            g_new = g_m[i, k]
            total += g_new * (add[k] - m[i, k] * gates[k])
            g_gates[k] -= g_new * w1[i] * m[i, k]
            g_add[k] += g_new * w1[i]
            g_m[i, k] = g_new * (ONE - w1[i] * gates[k])
        g_w1[i] += total

    g_allocated, g_looked = np.empty(n, np.float32), np.empty((1, n), np.float32)  # where to write
    for i in range(n):
        g_gates[width + heads + 1] += g_w1[i] * (ga * allocated[i] + (ONE - ga) * looked[0, i])
        g_gates[width + heads] += g_w1[i] * gw * (allocated[i] - looked[0, i])
        g_allocated[i] = g_w1[i] * gw * ga
        g_looked[0, i] = g_w1[i] * gw * (ONE - ga)
    content_backward(
        m, keys[heads:], strengths[heads:], looked, g_looked, g_m,
        g_keys[heads:], g_strengths[heads:],
    )  # fmt: skip

    later = ZERO  # allocation, from the most used location to the least; then usage
    free = gates[width : width + heads]
    for j in range(n - 1, -1, -1):
        i = order[j]
        s = u1[i] * (ONE - EPSILON) + EPSILON
        g_used = g_u[i] + (ONE - EPSILON) * (later / s - g_allocated[i] * products[j])
        later += g_allocated[i] * allocated[i]
        psi = retained(free, wr, i)
        g_u[i] = g_used * psi * (ONE - w[i])
        g_w[i] = g_used * psi * (ONE - u[i])
        g_psi = g_used * (u[i] + w[i] - u[i] * w[i])
        for r in range(heads):
            others = ONE
            for q in range(heads):
                if q != r:
                    others *= ONE - free[q] * wr[q, i]
            g_gates[width + r] -= g_psi * others * wr[r, i]
            g_wr[r, i] += g_here[r, i] - g_psi * others * free[r]
