"""Parses of text from a finished run, from its folder alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch

from gradus.core.errors import RunError
from gradus.core.run import Run
from gradus.data.answers import Answer, Predictor
from gradus.sequence.parsing.build import build
from gradus.sequence.parsing.course import ROOT
from gradus.sequence.parsing.decode import guess_tags, parse
from gradus.sequence.parsing.parser import Parser
from gradus.sequence.parsing.recipes import GlobalConfig
from gradus.sequence.parsing.treebank import Vocabulary, encode, read_vocabulary
from gradus.sequence.tokenise import tokenise


class ParsedSentence(NamedTuple):
    """A sentence's tree: tags, heads (0: the root), labels of its words."""

    tags: list[str]
    heads: list[int]
    labels: list[str]


@dataclass(frozen=True)
class TrainedParser:
    """A parser with what it needs to read words and to name labels.

    Attributes:
        model: in evaluation mode.
        vocabulary: of its training.
        beam: hypotheses that are followed.
        normalise: whether scores become probabilities in each state.
    """

    model: Parser
    vocabulary: Vocabulary
    beam: int
    normalise: bool

    def parse(
        self,
        sentences: Sequence[Sequence[str]],
        tags: Sequence[Sequence[str]] | None = None,
        beam: int | None = None,
    ) -> list[ParsedSentence]:
        """The trees of sentences that are cut into words.

        Args:
            sentences: of one word at least each; see `gradus.sequence.tokenise`.
            tags: of their words, of the vocabulary's kind; None: the parser guesses them.
            beam: hypotheses that are followed; None: as many as the run's setting says.
        """
        if not sentences:
            return []
        bare: list[list[str]] = [[] for _ in sentences]
        if tags is None and self.vocabulary.tags:
            unknown = [[""] * len(words) for words in sentences]
            bank = encode(sentences, unknown, self.vocabulary)
            tags = guess_tags(self.model, bank, self.vocabulary.tags)
        bank = encode(sentences, bare if tags is None else tags, self.vocabulary)
        names = [ROOT, *self.vocabulary.labels]
        shown = tags or [["_"] * len(words) for words in sentences]
        trees = parse(self.model, bank, beam or self.beam, self.normalise)
        return [
            ParsedSentence(list(theirs), heads, [names[n] for n in numbers])
            for theirs, (heads, numbers) in zip(shown, trees, strict=True)
        ]


def open_parser(run: Run) -> TrainedParser:
    """The parser of a run, ready to parse sentences that are cut into words.

    Raises:
        RunError: a file is damaged or missing.
    """
    config: Any = run.config
    path = run.path / "vocabulary.json"
    try:
        vocabulary = read_vocabulary(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError) as error:
        raise RunError(f"{path} is damaged or missing: {error}") from error
    model = build(config, vocabulary)
    model.load_state_dict(run.load_weights())
    normalise = not isinstance(config, GlobalConfig) or config.potentials == "log-probabilities"
    return TrainedParser(model.eval(), vocabulary, config.beam, normalise)


def load_parser(run: Run) -> Predictor:
    """The trees of texts: takes texts, which are cut into sentences and words.

    Each answer has `input` and `sentences`, each a list of words with `word`, `tag`, `head` (the
    number of a word of the sentence, counted from 1; 0: it is the root), `label`, and `start` and
    `end`, where it stands in the input.
    """
    parser = open_parser(run)

    def predict(*inputs: str) -> list[Answer]:
        cut = [tokenise(text) for text in inputs]
        words = [[token.word for token in sentence] for text in cut for sentence in text]
        with torch.inference_mode():
            trees = iter(parser.parse(words))
        return [
            {
                "input": text,
                "sentences": [
                    [
                        {
                            "word": token.word,
                            "tag": tag,
                            "head": head,
                            "label": label,
                            "start": token.start,
                            "end": token.end,
                        }
                        for token, tag, head, label in zip(sentence, *next(trees), strict=True)
                    ]
                    for sentence in sentences
                ],
            }
            for text, sentences in zip(inputs, cut, strict=True)
        ]

    return predict
