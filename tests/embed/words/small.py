"""A small text and the settings of a pass over it, for the tests of word vectors."""

import numpy as np

from gradus.embed.words.noise import alias_table, keep_probability, noise_distribution
from gradus.embed.words.plan import Plan
from gradus.embed.words.windows import END

V, D = 12, 16
COUNTS = np.arange(V, 0, -1) ** 2 + 3


def text(n=60, seed=0):
    """Words drawn by their counts, a line end after every nine."""
    found = np.random.default_rng(seed).choice(V, n, p=COUNTS / COUNTS.sum()).astype(np.int32)
    found[9::10] = END
    return found


def plan(**settings):
    """A plan of all words in fixed windows of 2 with 3 noise words each, unless told otherwise."""
    nce = settings.get("nce", False)
    q = noise_distribution(COUNTS)
    drawn = settings.pop("drawn", 3)
    k = settings.pop("noise_words", drawn)
    shift = np.log(k * q) if nce else np.zeros(V)
    plain = {
        "window": 2,
        "dynamic": False,
        "skips": 0,
        "drawn": drawn,
        "share": np.float32(k / drawn),
        "group": 1,
        "average": False,
        "nce": nce,
        "keep": keep_probability(COUNTS, settings.pop("sample", 0.0)),
        "shift": shift.astype(np.float32),
        "table": alias_table(q),
    }
    return Plan(**{**plain, **settings})


def weights(seed=0):
    """Input vectors, output vectors and biases, float32."""
    draw = np.random.default_rng(seed)
    shapes = ((V, D), (V, D), (V,))
    return [draw.normal(0, 0.5, shape).astype(np.float32) for shape in shapes]
