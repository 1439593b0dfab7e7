"""Sentences as numbers and back: word by word, character by character, or by parts of words.

Every vocabulary begins with the same four: PAD fills up, GO starts the decoder, EOS ends a
sentence, UNK stands for what is not known (book ch. 7, Dissecting a Neural Translation Network).
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Protocol, runtime_checkable

from gradus.core.errors import RunError
from gradus.core.extras import extra

PAD, GO, EOS, UNK = range(4)
SPECIAL = ["<pad>", "<go>", "<eos>", "<unk>"]
WORD = re.compile(r"\w+['’]|\w+(?:-\w+)*|[^\w\s]")
SPACE = "▁"
"""How a space is written within a part of a word."""
NO_SPACE_BEFORE = set(".,)…%")
NO_SPACE_AFTER = set("(")


@runtime_checkable
class Tokenizer(Protocol):
    """What makes numbers of sentences and sentences of numbers."""

    def __len__(self) -> int:
        """How many different numbers there are."""

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The numbers of each text, without GO and EOS."""

    def pieces(self, numbers: Sequence[int]) -> list[str]:
        """What each number stands for."""

    def join(self, pieces: Sequence[str]) -> str:
        """The text that pieces make."""

    def dump(self) -> str:
        """The tokenizer as text, for `read_tokenizer`."""


class Listed:
    """A vocabulary of words or of characters, the most frequent first.

    Attributes:
        kind: "word" or "char".
        entries: what each number stands for, `SPECIAL` first.
    """

    def __init__(self, kind: str, entries: Sequence[str]) -> None:
        self.kind = kind
        self.entries = list(entries)
        self._numbers = {piece: number for number, piece in enumerate(self.entries)}

    def __len__(self) -> int:
        return len(self.entries)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The numbers of each text; what the vocabulary lacks becomes UNK."""
        return [[self._numbers.get(p, UNK) for p in split(self.kind, text)] for text in texts]

    def pieces(self, numbers: Sequence[int]) -> list[str]:
        """The words or characters of numbers."""
        return [self.entries[number] for number in numbers]

    def join(self, pieces: Sequence[str]) -> str:
        """The text of pieces; words with a space between, but for stops and apostrophes."""
        return "".join(pieces) if self.kind == "char" else join_words(pieces)

    def dump(self) -> str:
        """The vocabulary as JSON."""
        return json.dumps({"kind": self.kind, "entries": self.entries}, ensure_ascii=False)


class Subwords:
    """Parts of words by byte-pair encoding, as the library `tokenizers` learns and applies it.

    Frequent words are one part, rare ones several, down to single characters (Sennrich, Haddow,
    Birch 2016, "Neural Machine Translation of Rare Words with Subword Units").
    """

    kind = "subword"

    def __init__(self, library: Any) -> None:
        self._library = library

    def __len__(self) -> int:
        return self._library.get_vocab_size()

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """The numbers of each text; a character never seen becomes UNK."""
        return [found.ids for found in self._library.encode_batch(list(texts))]

    def pieces(self, numbers: Sequence[int]) -> list[str]:
        """The parts of numbers; `SPACE` stands where a word begins."""
        return [self._library.id_to_token(number) for number in numbers]

    def join(self, pieces: Sequence[str]) -> str:
        """The text of parts, spaces where they were."""
        return "".join(pieces).replace(SPACE, " ").strip()

    def dump(self) -> str:
        """The tokenizer as JSON, in the library's own form."""
        return json.dumps({"kind": self.kind, "library": self._library.to_str()})


def split(kind: str, text: str) -> list[str]:
    """The words of a text, stops by themselves and apostrophes with what is before; or characters.

    >>> split("word", "Au bord de l'eau, 3 semi-remorques.")
    ['Au', 'bord', 'de', "l'", 'eau', ',', '3', 'semi-remorques', '.']
    """
    return list(text) if kind == "char" else WORD.findall(text)


def join_words(words: Sequence[str]) -> str:
    """A sentence of the words that `split` made.

    >>> join_words(['Au', 'bord', 'de', "l'", 'eau', ',', '3', 'semi-remorques', '.'])
    "Au bord de l'eau, 3 semi-remorques."
    """
    said = ""
    for word in words:
        glued = word in NO_SPACE_BEFORE or said.endswith(("'", "’")) or said[-1:] in NO_SPACE_AFTER
        said += word if not said or glued else f" {word}"
    return said


def learn_listed(kind: str, texts: Iterable[str], size: int) -> Listed:
    """The `size` most frequent words or characters (0: all), `SPECIAL` among them."""
    counts = Counter(chain.from_iterable(split(kind, text) for text in texts))
    most = sorted(counts, key=lambda piece: (-counts[piece], piece))
    return Listed(kind, (SPECIAL + most)[: size or None])


def learn_subwords(texts: Iterable[str], size: int) -> Subwords:
    """Byte-pair encoding with `size` parts, `SPECIAL` among them, learned from texts.

    Raises:
        UsageError: tokenizers is not installed.
    """
    package = extra("tokenizers", "text")
    pre_tokenizers = package.pre_tokenizers
    library = package.Tokenizer(package.models.BPE(unk_token=SPECIAL[UNK]))
    library.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Metaspace(replacement=SPACE),
            pre_tokenizers.Punctuation(),
            pre_tokenizers.Digits(),
        ]
    )
    library.train_from_iterator(
        texts,
        package.trainers.BpeTrainer(vocab_size=size, special_tokens=SPECIAL, show_progress=False),
    )
    return Subwords(library)


def read_tokenizer(text: str) -> Tokenizer:
    """The inverse of `dump`.

    Raises:
        RunError: it is damaged.
        UsageError: tokenizers is not installed.
    """
    try:
        found = json.loads(text)
        if found["kind"] == Subwords.kind:
            library = extra("tokenizers", "text").Tokenizer
            return Subwords(library.from_str(found["library"]))
        return Listed(found["kind"], found["entries"])
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"a vocabulary is damaged: {error}") from error
