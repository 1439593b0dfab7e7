"""A step of the DNC's memory for one sequence, compiled, forward and backward.

It computes what `gradus.memory.dnc.DNC.access` does. What is large, M and L, is renewed in place,
and the links are gone through once, some rows at a time. u, p, w and the w_r of every read head are
rows of N numbers, in this order.
"""

from typing import no_type_check

import numpy as np

from gradus.memory.compiled.equations import (
    EPSILON,
    allocate,
    content,
    content_backward,
    parts,
    renew_links,
    renew_links_backward,
    renew_memory,
    retained,
)
from gradus.memory.compiled.products import ONE, START, ZERO, add_rows, copy, dots, kernel

BLOCK = 8
"""Rows of the links that are worked on together: with their gradients they fit the first cache."""


@kernel
@no_type_check
def forward_one(xi, m, links, before, after, ways, order, read):
    """A step of one sequence.

    Args:
        xi: ξ, its parts in their ranges.
        m: M, renewed in place.
        links: L, renewed in place.
        before: the rows before the step, "3+R N".
        after: takes those after it.
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
    add_rows(wr1, START, m, read)


@kernel
@no_type_check
def backward_one(
    xi, m, m1, links, before, after, ways, order, g_read, g_xi, g_m, g_links, g_rows
):  # fmt: skip
    """The gradients of a step of one sequence.

    Args:
        xi: ξ, its parts in their ranges.
        m: M before the step.
        m1: M after it.
        links: L before it.
        before: the rows before it.
        after: those after it.
        ways: as `forward_one` left it.
        order: φ.
        g_read: at r.
        g_xi: takes that at ξ, its parts in their ranges.
        g_m: at M after the step; in place it becomes that before it, as do the next two.
        g_links: at L.
        g_rows: at the rows.
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
    g_write = g_rows[2:3].copy()
    g_w1 = g_write[0]

    g_found, turned = np.empty((heads, n), np.float32), np.empty((n, heads), np.float32)
    ends, shares = np.empty((2 * heads, n), np.float32), np.empty((n, 2 * heads), np.float32)
    g_forward = np.empty((heads, n), np.float32)
    copy(wr, ends[:heads])  # G[i] = Σ_r g_forward[r, i] w_r + w_r[i] g_backward[r]
    g_backward = ends[heads:]
    dots(g_read, m1, g_found, START)
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
    add_rows(turned, START, g_read, g_m)
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
        copy(some, here)
        renew_links(here, p, w1, first)
        add_rows(shares[first:], START, ends, g)
        dots(g_backward, here, g_here, first)
        add_rows(g_forward, first, here, g_wr)
        renew_links_backward(some, before[1:2], after[2:3], first, g, g_rows[1:2], g_write)

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
