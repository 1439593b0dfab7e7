"""Products of small matrices, and copies, compiled: what the compiled DNC is made of.

NumPy's own products inside compiled code go to a library with threads of its own, which would fight
with ours.
"""

from functools import partial
from typing import no_type_check

import numpy as np

from gradus.core.loops import compiled_loop

ZERO, ONE = np.float32(0), np.float32(1)
START = np.int64(0)  # for a plain 0 in a call Numba compiles what is called once more
FAST = {"reassoc", "contract", "arcp", "nsz"}  # sums may be reordered; NaN and infinity stay
# The kernels are marked no_type_check so that the tests' type checker leaves them to numba.
kernel = partial(compiled_loop, fastmath=FAST)


@kernel
@no_type_check
def dots(x, rows, found, first):
    """found[b, first + i] = x[b] · rows[i]; two x and four rows at a time, each fetched once.

    Where fewer are left, the last is taken again, and the same number is found again.
    """
    last, end = len(x) - 1, len(rows) - 1
    for i in range(0, len(rows), 4):
        i1, i2, i3 = min(i + 1, end), min(i + 2, end), min(i + 3, end)
        a, b, c, d = rows[i], rows[i1], rows[i2], rows[i3]
        for s in range(0, len(x), 2):
            s1 = min(s + 1, last)
            x0, x1 = x[s], x[s1]
            a0, b0, c0, d0 = ZERO, ZERO, ZERO, ZERO
            a1, b1, c1, d1 = ZERO, ZERO, ZERO, ZERO
            for k in range(len(x0)):
                p, q = x0[k], x1[k]
                a0 += a[k] * p
                b0 += b[k] * p
                c0 += c[k] * p
                d0 += d[k] * p
                a1 += a[k] * q
                b1 += b[k] * q
                c1 += c[k] * q
                d1 += d[k] * q
            f0, f1 = found[s, first:], found[s1, first:]
            f0[i], f0[i1], f0[i2], f0[i3] = a0, b0, c0, d0
            f1[i], f1[i1], f1[i2], f1[i3] = a1, b1, c1, d1


@kernel
@no_type_check
def add_rows(shares, first, rows, found):
    """found[b] += Σ_i shares[b, first + i] rows[i]; four rows at a time."""
    end = len(rows) - 1
    for i in range(0, len(rows), 4):
        i1, i2, i3 = min(i + 1, end), min(i + 2, end), min(i + 3, end)
        a, b, c, d = rows[i], rows[i1], rows[i2], rows[i3]
        for s in range(len(found)):
            share, out = shares[s, first:], found[s]
            sa = share[i]
            sb = share[i1] if i + 1 <= end else ZERO
            sc = share[i2] if i + 2 <= end else ZERO
            sd = share[i3] if i + 3 <= end else ZERO
            for j in range(len(out)):
                out[j] += sa * a[j] + sb * b[j] + sc * c[j] + sd * d[j]


@kernel
@no_type_check
def copy(numbers, into):
    """Copy to an array of like shape; `into[:] = numbers` checks that, and compiles for seconds."""
    flat, found = numbers.reshape(numbers.size), into.reshape(numbers.size)
    for i in range(len(flat)):
        found[i] = flat[i]
