"""Pairs of sentences as numbers: made once, kept on disk, mapped into memory.

So a corpus of any size trains: nothing but the sentences of a minibatch is ever in memory.
"""

import hashlib
import json
import os
import shutil
import tempfile
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, Int64

from gradus.core.download import cache_folder
from gradus.core.errors import UsageError
from gradus.core.progress import current
from gradus.data.pairs import PARTS, Pair, Part, find_pairs, read_pairs
from gradus.sequence.translation.tokens import (
    Tokenizer,
    learn_listed,
    learn_subwords,
    read_tokenizer,
)

FORMAT = 1
"""Version of what is kept in the cache."""
AT_ONCE = 10_000
"""Pairs that are encoded together."""
LEARNED_FROM = 2_000_000
"""Pairs, from the first on, that a vocabulary is learned from."""
SIDES = ("source", "target")


@dataclass(frozen=True)
class Sentences:
    """Sentences as numbers, one after the other.

    Attributes:
        numbers: of all sentences in a row, without GO and EOS.
        starts: where each begins, and where the last ends.
    """

    numbers: Int[np.ndarray, "tokens"]
    starts: Int64[np.ndarray, "n_and_one"]

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Int64[np.ndarray, "n"]:
        """Tokens of each sentence."""
        return np.diff(self.starts)

    def __getitem__(self, row: int) -> Int[np.ndarray, "length"]:
        return self.numbers[self.starts[row] : self.starts[row + 1]]


@dataclass(frozen=True)
class Pairs:
    """Sentences and their translations, as numbers."""

    source: Sentences
    target: Sentences

    def __len__(self) -> int:
        return len(self.source)

    @property
    def lengths(self) -> tuple[Int64[np.ndarray, "n"], Int64[np.ndarray, "n"]]:
        """Tokens to read, and tokens to say, EOS among them, of each pair."""
        return self.source.lengths, self.target.lengths + 1


@dataclass(frozen=True)
class Corpus:
    """A set of pairs with its vocabularies.

    Attributes:
        tokenizers: of source and target; one and the same where they share it.
        parts: the pairs of each part.
        facts: counts of what was read, left out and cut, by part.
    """

    tokenizers: tuple[Tokenizer, Tokenizer]
    parts: dict[Part, Pairs]
    facts: dict[str, dict[str, int]]


@dataclass(frozen=True)
class Plan:
    """What a corpus is made of.

    Attributes:
        data: as `gradus.data.pairs.find_pairs` takes it.
        kind: word, char or subword.
        vocabulary: entries of each vocabulary, at most; 0: all, of words or characters.
        shared: whether both languages have one vocabulary.
        longest: tokens of source and target that are kept, EOS included in the target.
        limit: pairs of the training part that are read; 0: all.
    """

    data: str
    kind: str
    vocabulary: int
    shared: bool
    longest: tuple[int, int]
    limit: int = 0


def load_corpus(plan: Plan) -> Corpus:
    """The pairs of a plan as numbers; made at the first call, then found in the cache.

    What is left out (pairs with an empty side) and what is cut (sentences longer than the plan
    keeps) is counted, and told.

    Raises:
        UsageError, DataError: as `gradus.data.pairs.read_pairs`; or a part has no pairs.
    """
    stats = [
        (str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns)
        for part in PARTS
        for p in find_pairs(plan.data, part)
    ]
    made_of = json.dumps([FORMAT, stats, vars(plan)])
    folder = cache_folder() / "pairs" / hashlib.sha256(made_of.encode()).hexdigest()[:16]
    if not folder.is_dir():
        read = {part: _limited(plan, part) for part in PARTS}
        keep(folder, plan, read)
    corpus = open_corpus(folder)
    for part, facts in corpus.facts.items():
        for line in told(part, facts, plan.longest):
            current().note(line)
    return corpus


def told(part: str, facts: dict[str, int], longest: tuple[int, int]) -> list[str]:
    """What was left out of a part and what was cut, in words."""
    lines = []
    if facts["empty"]:
        lines.append(f"{part}: {facts['empty']:,} pairs with an empty side were left out")
    if facts["cut"]:
        lines.append(
            f"{part}: {facts['cut']:,} pairs were longer than {longest[0]} and {longest[1] - 1} "
            "tokens and were cut there"
        )
    return lines


def _limited(plan: Plan, part: Part) -> Any:
    """A function that reads a part from its beginning."""
    limit = plan.limit if part == "train" and plan.limit else None
    return lambda: islice(read_pairs(plan.data, part), limit)


def keep(folder: Path, plan: Plan, parts: dict[Part, Any]) -> None:
    """Learn the vocabularies, encode all parts and keep both in `folder`, whole or not at all.

    Args:
        folder: where; it appears when all is done.
        plan: what to make.
        parts: part -> function that gives its pairs from the beginning.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".part-") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        tokenizers = _learn(plan, parts["train"])
        for side, tokenizer in zip(SIDES, tokenizers, strict=True):
            (made / f"{side}.json").write_text(tokenizer.dump(), encoding="utf-8")
        facts = {
            part: _encode(made / part, plan, pairs(), tokenizers) for part, pairs in parts.items()
        }
        for part, found in facts.items():
            if not found["pairs"]:
                raise UsageError(f"{plan.data} has no pairs for {part}: give it more lines")
        (made / "facts.json").write_text(json.dumps({"shared": plan.shared, "parts": facts}))
        if not folder.is_dir():  # another process may have been faster
            os.rename(made, folder)
        shutil.rmtree(made, ignore_errors=True)


def _learn(plan: Plan, pairs: Any) -> tuple[Tokenizer, Tokenizer]:
    """The vocabularies of both sides."""

    def texts(*sides: int) -> Iterator[str]:
        for pair in islice(pairs(), LEARNED_FROM):
            yield from (pair[side] for side in sides)

    def learn(*sides: int) -> Tokenizer:
        if plan.kind == "subword":
            return learn_subwords(texts(*sides), plan.vocabulary)
        return learn_listed(plan.kind, texts(*sides), plan.vocabulary)

    if plan.shared:
        both = learn(0, 1)
        return both, both
    return learn(0), learn(1)


def _encode(
    stem: Path, plan: Plan, pairs: Iterable[Pair], tokenizers: tuple[Tokenizer, Tokenizer]
) -> dict[str, int]:
    """Write the numbers of a part and where its sentences begin; counts of what there was."""
    longest = (plan.longest[0], plan.longest[1] - 1)  # EOS comes after the target
    counts = {"pairs": 0, "empty": 0, "cut": 0}
    lengths = array("q"), array("q")
    rest = iter(pairs)
    with open(f"{stem}.source", "wb") as source, open(f"{stem}.target", "wb") as target:
        while block := list(islice(rest, AT_ONCE)):
            full = [pair for pair in block if all(pair)]
            counts["empty"] += len(block) - len(full)
            counts["pairs"] += len(full)
            sides = [t.encode([p[i] for p in full]) for i, t in enumerate(tokenizers)]
            for one, other in zip(*sides, strict=True):
                counts["cut"] += len(one) > longest[0] or len(other) > longest[1]
            for numbers, most, file, known in zip(
                sides, longest, (source, target), lengths, strict=True
            ):
                for row in numbers:
                    kept = row[:most]
                    known.append(len(kept))
                    file.write(np.array(kept, np.int32).tobytes())
    for side, known in zip(SIDES, lengths, strict=True):
        np.save(f"{stem}.{side}.starts.npy", np.concatenate([[0], np.cumsum(known)]))
    return counts


def open_corpus(folder: Path) -> Corpus:
    """What `keep` made."""
    facts = json.loads((folder / "facts.json").read_text())
    source, target = (
        read_tokenizer((folder / f"{side}.json").read_text(encoding="utf-8")) for side in SIDES
    )
    parts = {part: Pairs(*(_open(folder, part, side) for side in SIDES)) for part in facts["parts"]}
    return Corpus((source, source if facts["shared"] else target), parts, facts["parts"])


def _open(folder: Path, part: str, side: str) -> Sentences:
    starts = np.load(folder / f"{part}.{side}.starts.npy")
    if not starts[-1]:
        return Sentences(np.zeros(0, np.int32), starts)
    return Sentences(np.memmap(folder / f"{part}.{side}", np.int32, "r"), starts)
