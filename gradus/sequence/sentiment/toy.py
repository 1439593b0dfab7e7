"""Made-up reviews of known meaning, for trials that need no download."""

import random
from collections.abc import Iterator

GOOD = ("good", "great", "lovely", "moving", "funny", "brilliant")
BAD = ("bad", "awful", "boring", "stupid", "dull", "terrible")
THINGS = ("film", "plot", "acting", "music", "story", "cast", "ending")
FILLERS = (
    "i saw it last night",
    "we went with friends",
    "it runs for two hours",
    "there is a scene by the sea",
    "they made it in one summer",
)


def toy_reviews(n: int = 120) -> Iterator[tuple[str, str, int, list[str]]]:
    """Reviews of 5 to 60 words, as `gradus.data.texts.read_labelled_reviews` gives them.

    Of the opinions in a review three in four are of its kind, or all of them.

    Args:
        n: reviews to learn from, ≥ 2, and as many to test; good and bad ones take turns.
    """
    draw = random.Random(0)
    for part in ("train", "test"):
        for i in range(n):
            kinds = (GOOD, BAD) if i % 2 else (BAD, GOOD)
            yield part, "pos" if i % 2 else "neg", i, _review(kinds, draw)


def _review(kinds: tuple[tuple[str, ...], tuple[str, ...]], draw: random.Random) -> list[str]:
    """One review: opinions of the first kind, and up to a third as many of the second."""
    many = draw.randint(1, 6)
    said = [kinds[0]] * many + [kinds[1]] * draw.randint(0, many // 3)
    lines = [f"the {draw.choice(THINGS)} was {draw.choice(kind)}" for kind in said]
    lines += [draw.choice(FILLERS) for _ in range(draw.randint(1, 4))]
    draw.shuffle(lines)
    return " ".join(lines).split()
