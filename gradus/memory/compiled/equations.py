"""The equations of a DNC's memory for one sequence, compiled, and their gradients.

The names are those of the equations; what ends in 1 is new in this step.
"""

from typing import no_type_check

import numpy as np

from gradus.memory.compiled.products import ONE, START, ZERO, add_rows, dots, kernel

EPSILON = np.float32(1e-6)  # as gradus.memory.addressing.EPSILON


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
    dots(keys, memory, found, START)
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
    dots(keys, memory, products, START)
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
    add_rows(g, START, memory, g_keys)
    add_rows(turned, START, keys, g_memory)
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
    """From the gradients at some rows of L1 to those at L, in place; adds to those at p and w1.

    Args:
        links: those rows of L.
        p: "1 N", as are the next and the last two.
        w1: now.
        first: the first of the rows.
        g: those at the rows.
        g_p: at p.
        g_w1: at w1.
    """
    ends = np.empty((1, len(links)), np.float32)
    for i in range(len(links)):
        g[i, first + i] = 0
    add_rows(w1, first, g, g_p)
    dots(p, g, ends, START)
    for i in range(len(links)):
        keep, total = ONE - w1[0, first + i], ends[0, i]
        for j in range(links.shape[1]):
            product = g[i, j] * links[i, j]
            total -= product
            g_w1[0, j] -= product
            g[i, j] *= keep - w1[0, j]
        g_w1[0, first + i] += total
