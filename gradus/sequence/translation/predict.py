"""Translations from a finished run, from its folder alone."""

from typing import cast

import numpy as np
import torch
from matplotlib.figure import Figure

from gradus.core.errors import RunError, UsageError
from gradus.core.progress import current
from gradus.core.run import Run
from gradus.data.answers import Answer
from gradus.sequence.translation.average import chosen
from gradus.sequence.translation.decode import attention_of
from gradus.sequence.translation.drawing import attention_map
from gradus.sequence.translation.recipes import TranslationConfig
from gradus.sequence.translation.scores import translate
from gradus.sequence.translation.seq2seq import Seq2Seq
from gradus.sequence.translation.tokens import SPACE, Tokenizer, read_tokenizer
from gradus.sequence.translation.train import translator


class Translator:
    """Translates sentences.

    Attributes:
        model: in evaluation mode.
        tokenizers: of source and target.
        config: the run's.
    """

    def __init__(self, run: Run) -> None:
        """Open a run's network and vocabularies.

        Raises:
            RunError: a file is damaged or missing, or a vocabulary does not fit the weights.
        """
        self.config = cast(TranslationConfig, run.config)
        source, target = (_tokenizer(run, side) for side in ("source", "target"))
        self.tokenizers = (source, source if self.config.shared else target)
        sizes = (len(self.tokenizers[0]), len(self.tokenizers[1]))
        for side, size, trained in zip(
            ("source", "target"), sizes, run.info["facts"]["sizes"], strict=True
        ):
            if size != trained:
                raise RunError(
                    f"{run.path}/{side}.json has {size:,} entries, the network was trained with "
                    f"{trained:,}: restore the run's own file from a backup"
                )
        model = translator(self.config, sizes)
        model.load_state_dict(run.load_weights())
        self.model: Seq2Seq = chosen(model.eval())

    def __call__(self, *inputs: str) -> list[Answer]:
        """Each answer has `input`, `text`, the translation, and `score`, log-probability a token.

        A sentence longer than the training's longest is cut there, with a warning; then `cut` says
        how many tokens were left out.
        """
        sources, cuts = self._encode(inputs)
        beam, power = self.config.beam, self.config.length_power
        texts, found = translate(
            self.model, self.tokenizers, sources, self.config.reverse, beam, power
        )
        return [
            {"input": given, "text": text, "score": said.score, **({"cut": cut} if cut else {})}
            for given, text, said, cut in zip(inputs, texts, found, cuts, strict=True)
        ]

    def draw(self, text: str) -> Figure:
        """The map of the attention as a sentence is translated (figure 7-33).

        Raises:
            UsageError: the sentence is empty, or the network has no attention.
        """
        weights, read, said = self.look(text)
        return attention_map(weights, read, said, f"Beam of {self.config.beam}")

    def look(self, text: str) -> tuple[np.ndarray, list[str], list[str]]:
        """(the attention's weights "steps positions", tokens read, tokens said with the end)."""
        (source,), _ = self._encode((text,))
        if not source:
            raise UsageError("a map of the attention needs a sentence, got an empty one")
        turn = -1 if self.config.reverse else 1
        beam, power = self.config.beam, self.config.length_power
        _, (said,) = translate(
            self.model, self.tokenizers, [source], self.config.reverse, beam, power
        )
        weights = attention_of(self.model, torch.tensor(source[::turn]), said.tokens)
        pieces = [
            [piece.replace(SPACE, "·") for piece in tokenizer.pieces(tokens)]
            for tokenizer, tokens in zip(self.tokenizers, (source, said.tokens), strict=True)
        ]
        return weights.numpy()[:, ::turn], pieces[0], [*pieces[1], "(end)"]

    def _encode(self, texts: tuple[str, ...]) -> tuple[list[list[int]], list[int]]:
        """The tokens of sentences, and how many of each were left out."""
        longest = self.config.kept[0]
        whole = self.tokenizers[0].encode([str(text).strip() for text in texts])
        cuts = [max(0, len(tokens) - longest) for tokens in whole]
        for text, cut in zip(texts, cuts, strict=True):
            if cut:
                current().note(
                    f"a sentence has {longest + cut} tokens, the longest of the training had "
                    f"{longest}: the last {cut} are left out of {str(text)[:40]!r}…"
                )
        return [tokens[:longest] for tokens in whole], cuts


def _tokenizer(run: Run, side: str) -> Tokenizer:
    path = run.path / f"{side}.json"
    try:
        return read_tokenizer(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error}") from error


def load_translator(run: Run) -> Translator:
    """Translates: takes sentences; see `Translator`."""
    return Translator(run)
