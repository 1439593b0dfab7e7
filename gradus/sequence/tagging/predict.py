"""Answers about text from a finished run, from its folder alone."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from gradus.core.errors import RunError
from gradus.core.run import Run
from gradus.data.answers import Answer, Predictor
from gradus.sequence.tagging.features import read_lexicon
from gradus.sequence.tagging.tagger import Tagger
from gradus.sequence.tagging.train import build
from gradus.sequence.tagging.windows import Reader
from gradus.sequence.tokenise import tokenise

AT_ONCE = 1024
"""Words whose layers are computed together: what they give stays in the processor's cache."""
TEXT_AT_ONCE = 1 << 16
"""Words whose different words are held in memory together."""


@dataclass(frozen=True)
class TrainedTagger:
    """A tagger with what it needs to read words and to name tags.

    Attributes:
        model: in evaluation mode.
        reader: makes its inputs of sentences.
        tags: its tags, by number.
    """

    model: Tagger
    reader: Reader
    tags: list[str]

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[list[tuple[str, float]]]:
        """The likeliest tag of each word of each sentence, and its probability.

        Args:
            sentences: of words as the training had them: see `gradus.sequence.tokenise`.
        """
        found: list[list[tuple[str, float]]] = []
        part: list[Sequence[str]] = []
        words = 0
        for sentence in sentences:
            part.append(sentence)
            words += len(sentence)
            if words >= TEXT_AT_ONCE:
                found += self._tag(part)
                part, words = [], 0
        return found + self._tag(part)

    @torch.inference_mode()
    def _tag(self, sentences: Sequence[Sequence[str]]) -> list[list[tuple[str, float]]]:
        """The same for sentences that fit into memory together."""
        words, places = self.reader.windows(sentences)
        projected = self.model.project(words)
        tags, probabilities = [], []
        for part in places.split(AT_ONCE):
            probability, best = self.model.score(projected, part).softmax(1).max(1)
            tags += [self.tags[number] for number in best.tolist()]
            probabilities += probability.tolist()
        pairs = list(zip(tags, probabilities, strict=True))
        ends = itertools.accumulate(map(len, sentences), initial=0)
        return [pairs[a:b] for a, b in itertools.pairwise(ends)]


def open_tagger(run: Run) -> TrainedTagger:
    """The tagger of a run, ready to tag sentences that are cut into words.

    Raises:
        RunError: a file is damaged or missing.
    """
    config: Any = run.config
    lexicon = read_lexicon(_text(run, "features.txt"), str(run.path / "features.txt"))
    keys = _text(run, "vectors.txt").split("\n") if config.vectors else ()
    reader = Reader(lexicon, config.before, config.after, keys)
    tags = run.info["facts"]["classes"]
    model = build(config, reader, len(tags))
    model.load_state_dict(run.load_weights())
    return TrainedTagger(model.eval(), reader, tags)


def _text(run: Run, name: str) -> str:
    """The text of a file of the run.

    Raises:
        RunError: it is damaged or missing.
    """
    path = run.path / name
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{path} is damaged or missing: {error}") from error


def load_tagger(run: Run) -> Predictor:
    """The parts of speech in texts: takes texts, which are cut into sentences and words.

    Each answer has `input` and `sentences`, each a list of words with `word`, `tag`, `probability`,
    and `start` and `end`, where it stands in the input.
    """
    tagger = open_tagger(run)

    def predict(*inputs: str) -> list[Answer]:
        cut = [tokenise(text) for text in inputs]
        words = [[token.word for token in sentence] for text in cut for sentence in text]
        tagged = iter(tagger.tag(words))
        return [
            {
                "input": text,
                "sentences": [
                    [
                        {
                            "word": t.word,
                            "tag": tag,
                            "probability": p,
                            "start": t.start,
                            "end": t.end,
                        }
                        for t, (tag, p) in zip(sentence, next(tagged), strict=True)
                    ]
                    for sentence in sentences
                ],
            }
            for text, sentences in zip(inputs, cut, strict=True)
        ]

    return predict
