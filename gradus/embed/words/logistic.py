"""The output layer of word2vec, compiled: true words told from noise words by logistic regression.

A hidden vector h comes with its true words c₁ … c_m (one in CBOW, the words around in skip-gram).
A group of hidden vectors shares S noise words n₁ … n_S. With s(h, w) = h·u_w + b_w − shift_w the
loss of one of them is

    Σᵢ −log σ(s(h, cᵢ))  +  K/S · Σₖ mₖ · (−log σ(−s(h, nₖ)))

In negative sampling there is no b and no shift, and mₖ counts the cᵢ that nₖ differs from. In
noise-contrastive estimation shift_w = log(K q(w)) and mₖ = m. In expectation that is the loss of K
noise words for each pair. But a hidden vector needs m + S products instead of m (1 + K), and the S
vectors are fetched from memory once for the whole group.

Source: Mikolov et al. 2013; Mnih and Teh 2012 (NCE); sharing: Ji et al. 2016, "Parallelizing
Word2Vec in Shared and Distributed Memory".
"""

import math
from typing import no_type_check

import numpy as np

from gradus.embed.words.compiled import compiled

LIMIT = np.float32(7.9053)
ODD = tuple(
    np.float32(a)
    for a in (
        -2.76076847742355e-16,
        2.00018790482477e-13,
        -8.60467152213735e-11,
        5.12229709037114e-08,
        1.48572235717979e-05,
        6.37261928875436e-04,
        4.89352455891786e-03,
    )
)
EVEN = tuple(
    np.float32(a)
    for a in (
        1.19825839466702e-06,
        1.18534705686654e-04,
        2.26843463243900e-03,
        4.89352518554385e-03,
    )
)
HALF = np.float32(0.5)


@compiled
@no_type_check
def sigmoid_(scores):
    """σ of each score in its place, to 2 · 10⁻⁷: ½ + ½ tanh(s / 2), tanh as Eigen's quotient."""
    for i in range(scores.size):
        x = min(max(HALF * scores[i], -LIMIT), LIMIT)
        z = x * x
        odd = ODD[0]
        for a in ODD[1:]:
            odd = odd * z + a
        even = EVEN[0]
        for a in EVEN[1:]:
            even = even * z + a
        scores[i] = HALF + HALF * x * odd / even


@compiled
@no_type_check
def softplus(x):
    """log(1 + eˣ) = −log σ(−x)."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))


@compiled
@no_type_check
def dot(a, b):
    """A · b."""
    total = np.float32(0.0)
    for j in range(a.size):
        total += a[j] * b[j]
    return total


@compiled
@no_type_check
def add(a, scale, b):
    """A += scale · b."""
    for j in range(a.size):
        a[j] += scale * b[j]


@compiled
@no_type_check
def times_vector(rows, x, out):
    """Out = rows x, four rows at a time, so that x is read a quarter as often."""
    n = rows.shape[0]
    for k in range(0, n - 3, 4):
        r0, r1, r2, r3 = rows[k], rows[k + 1], rows[k + 2], rows[k + 3]
        s0 = s1 = s2 = s3 = np.float32(0.0)
        for j in range(x.size):
            s0 += r0[j] * x[j]
            s1 += r1[j] * x[j]
            s2 += r2[j] * x[j]
            s3 += r3[j] * x[j]
        out[k], out[k + 1], out[k + 2], out[k + 3] = s0, s1, s2, s3
    for k in range(n - n % 4, n):
        out[k] = dot(rows[k], x)


@compiled
@no_type_check
def times_vectors(rows, x, out):
    """Out = x rowsᵀ: four rows and two vectors at a time, so that both are read less often."""
    n, m = rows.shape[0], x.shape[0]
    for g in range(0, m - 1, 2):
        a, b = x[g], x[g + 1]
        for k in range(0, n - 3, 4):
            r0, r1, r2, r3 = rows[k], rows[k + 1], rows[k + 2], rows[k + 3]
            a0 = a1 = a2 = a3 = np.float32(0.0)
            b0 = b1 = b2 = b3 = np.float32(0.0)
            for j in range(a.size):
                a0 += r0[j] * a[j]
                a1 += r1[j] * a[j]
                a2 += r2[j] * a[j]
                a3 += r3[j] * a[j]
                b0 += r0[j] * b[j]
                b1 += r1[j] * b[j]
                b2 += r2[j] * b[j]
                b3 += r3[j] * b[j]
            out[g, k], out[g, k + 1], out[g, k + 2], out[g, k + 3] = a0, a1, a2, a3
            out[g + 1, k], out[g + 1, k + 1], out[g + 1, k + 2], out[g + 1, k + 3] = b0, b1, b2, b3
        for k in range(n - n % 4, n):
            out[g, k], out[g + 1, k] = dot(rows[k], a), dot(rows[k], b)
    for g in range(m - m % 2, m):
        times_vector(rows, x[g], out[g])


@compiled
@no_type_check
def add_weighted(out, weights, rows):
    """Out += weights · rows, eight rows at a time, so that out is written an eighth as often."""
    n = rows.shape[0]
    for k in range(0, n - 7, 8):
        r0, r1, r2, r3 = rows[k], rows[k + 1], rows[k + 2], rows[k + 3]
        r4, r5, r6, r7 = rows[k + 4], rows[k + 5], rows[k + 6], rows[k + 7]
        w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        w4, w5, w6, w7 = weights[k + 4], weights[k + 5], weights[k + 6], weights[k + 7]
        for j in range(out.size):
            one = w0 * r0[j] + w1 * r1[j] + w2 * r2[j] + w3 * r3[j]
            out[j] += one + (w4 * r4[j] + w5 * r5[j] + w6 * r6[j] + w7 * r7[j])
    for k in range(n - n % 8, n):
        add(out, weights[k], rows[k])


@compiled
@no_type_check
def output_step(h, e, true, m, noise, u, b, plan, lr, room, measure):
    """One step of gradient descent for a group of hidden vectors that share their noise words.

    Args:
        h: hidden vectors "group dimensions".
        e: is given −lr · the gradient with respect to them.
        true: their true words "group width"; of a row the first m[g] count.
        m: how many true words each has, "group".
        noise: the noise words that are drawn for the group.
        u: output vectors "words dimensions", changed.
        b: biases "words", changed in NCE.
        plan: the settings, a `gradus.embed.words.plan.Plan`.
        lr: length of the step for the loss summed over all pairs.
        room: what `output_room` gives.
        measure: whether to return the loss.

    Returns:
        the loss before the step, summed over all pairs; 0 unless measured.
    """
    p, q, times, rows, offset, column = room
    groups, loss = m.size, 0.0
    for k in range(noise.size):
        rows[k] = u[noise[k]]
        offset[k] = b[noise[k]] - plan.shift[noise[k]]
    times_vectors(rows, h, q)
    for g in range(groups):
        for k in range(noise.size):
            q[g, k] += offset[k]
            times[g, k] = plan.share * m[g]
        for i in range(m[g]):
            w = true[g, i]
            p[g, i] = dot(h[g], u[w]) + b[w] - plan.shift[w]
            if not plan.nce:
                for k in range(noise.size):
                    times[g, k] -= plan.share * (noise[k] == w)
        if measure:
            for i in range(m[g]):
                loss += softplus(-p[g, i])
            for k in range(noise.size):
                loss += times[g, k] * softplus(q[g, k])
        sigmoid_(p[g, : m[g]])
        sigmoid_(q[g])
        e[g] = 0
        for i in range(m[g]):
            p[g, i] = lr * (np.float32(1.0) - p[g, i])
            add(e[g], p[g, i], u[true[g, i]])
        for k in range(noise.size):
            q[g, k] *= -lr * times[g, k]
        add_weighted(e[g], q[g], rows)
    for k in range(noise.size):
        for g in range(groups):
            column[g] = q[g, k]
        add_weighted(u[noise[k]], column[:groups], h)
        if plan.nce:
            b[noise[k]] += column[:groups].sum()
    for g in range(groups):
        for i in range(m[g]):
            add(u[true[g, i]], p[g, i], h[g])
            if plan.nce:
                b[true[g, i]] += p[g, i]
    return loss


@compiled
@no_type_check
def output_room(group, width, noise, d):
    """Arrays that `output_step` works in, made once for a stretch of text."""
    return (
        np.empty((group, width), np.float32),
        np.empty((group, noise), np.float32),
        np.empty((group, noise), np.float32),
        np.empty((noise, d), np.float32),
        np.empty(noise, np.float32),
        np.empty(group, np.float32),
    )
