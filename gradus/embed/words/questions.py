"""What vectors of words are judged by: similarities that people gave, and analogies.

Sources: WordSim-353, Finkelstein et al. 2002; the analogies, Mikolov et al. 2013, "Efficient
Estimation of Word Representations in Vector Space", section 4.1.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from gradus.core.download import locate
from gradus.core.errors import DataError
from gradus.data.texts import QUESTIONS
from gradus.embed.words.toy import toy_analogies, toy_pairs

Pair = tuple[str, str, float]
Analogy = tuple[str, str, str, str]
AT_ONCE = 500
"""Analogies answered at once."""


@dataclass(frozen=True)
class Questions:
    """Those of all questions whose words are in a vocabulary, by word number.

    Attributes:
        pairs: two words each.
        judged: how similar people find them; only the order counts.
        analogies: a, b, c, d: a is to b as c is to d.
        syntactic: how many of the analogies, the last ones, ask for a form of a word.
        of_pairs: how many pairs there are with those whose words are not in the vocabulary.
        of_analogies: the same of the analogies.
    """

    pairs: Int64[Tensor, "pairs 2"]
    judged: Float[Tensor, "pairs"]
    analogies: Int64[Tensor, "analogies 4"]
    syntactic: int
    of_pairs: int
    of_analogies: int


def load_questions(words: Sequence[str], data: str) -> Questions:
    """The questions for a vocabulary.

    Args:
        words: the vocabulary.
        data: what the text is; `toy` has questions of its own.

    Raises:
        DataError: they are not on this machine and cannot be downloaded, or are damaged.
    """
    if data == "toy":
        return _known(words, toy_pairs(), toy_analogies(), [])
    analogies, similar = (locate(f, folder=QUESTIONS.name) for f in QUESTIONS.files)
    return _known(words, read_pairs(similar), *read_analogies(analogies))


def read_pairs(path: Path) -> list[Pair]:
    """The pairs of WordSim-353's combined.csv, in lower case."""
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    try:
        return [(one.lower(), other.lower(), float(mean)) for one, other, mean in rows]
    except ValueError as error:
        raise DataError(f"{path} is no list of word pairs: {error}") from error


def read_analogies(path: Path) -> tuple[list[Analogy], list[Analogy]]:
    """The analogies of questions-words.txt in lower case: semantic ones, syntactic ones.

    Sections begin with `: name`; those whose names begin with `gram` are syntactic.
    """
    semantic: list[Analogy] = []
    syntactic: list[Analogy] = []
    section = semantic
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith(":"):
                section = syntactic if line[1:].strip().startswith("gram") else semantic
                continue
            four = line.lower().split()
            if len(four) != 4:
                raise DataError(f"{path}, line {number}: four words expected, found {len(four)}")
            section.append((four[0], four[1], four[2], four[3]))
    return semantic, syntactic


def _known(
    words: Sequence[str], pairs: list[Pair], semantic: list[Analogy], syntactic: list[Analogy]
) -> Questions:
    """The questions whose words are all in the vocabulary."""
    number = {word: i for i, word in enumerate(words)}
    found = [p for p in pairs if p[0] in number and p[1] in number]
    parts = [[a for a in part if all(w in number for w in a)] for part in (semantic, syntactic)]
    return Questions(
        torch.tensor([[number[p[0]], number[p[1]]] for p in found], dtype=torch.int64).reshape(
            -1, 2
        ),
        torch.tensor([p[2] for p in found], dtype=torch.float32),
        torch.tensor(
            [[number[w] for w in a] for part in parts for a in part], dtype=torch.int64
        ).reshape(-1, 4),
        len(parts[1]),
        len(pairs),
        len(semantic) + len(syntactic),
    )


def similarity(vectors: Float[Tensor, "words d"], questions: Questions) -> Float[Tensor, ""]:
    """Spearman's ρ between the cosines of the pairs and what people said, in [−1, 1].

    NaN where there are fewer than two pairs.
    """
    one, other = (unit(vectors[column]) for column in questions.pairs.T)
    return spearman((one * other).sum(1), questions.judged.to(vectors.device))


def spearman(x: Float[Tensor, "n"], y: Float[Tensor, "n"]) -> Float[Tensor, ""]:
    """The correlation of the ranks; equal values share the mean of their ranks."""
    ranks = torch.stack([_ranks(x), _ranks(y)])
    return torch.corrcoef(ranks)[0, 1].float() if len(x) > 1 else torch.tensor(torch.nan)


def _ranks(x: Tensor) -> Tensor:
    _, where, counts = np.unique(x.cpu().numpy(), return_inverse=True, return_counts=True)
    return torch.from_numpy((np.cumsum(counts) - (counts - 1) / 2)[where])


def analogy_hits(
    vectors: Float[Tensor, "words d"], questions: Questions
) -> Float[Tensor, "analogies"]:
    """1 for each analogy whose d is the word nearest to b − a + c, without a, b and c; else 0.

    Source: 3CosAdd, Mikolov et al. 2013; all vectors are of length 1.
    """
    normed, hits = unit(vectors), []
    for four in questions.analogies.to(vectors.device).split(AT_ONCE):
        a, b, c, d = four.T
        near = (normed[b] - normed[a] + normed[c]) @ normed.T
        near.scatter_(1, four[:, :3], -torch.inf)
        hits.append((near.argmax(1) == d).float())
    return torch.cat(hits) if hits else torch.zeros(0)


def unit(vectors: Float[Tensor, "n d"]) -> Float[Tensor, "n d"]:
    """Each vector divided by its length; zero vectors stay."""
    return torch.nn.functional.normalize(vectors)
