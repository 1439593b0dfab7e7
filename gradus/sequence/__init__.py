"""Chapter 7: sequences and language.

Reading order: `tokenise` (a text as sentences and words), then `tagging` (which part of speech each
word is).
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.sequence.tagging.tagger import Tagger
    from gradus.sequence.tokenise import tokenise

__all__ = ["Tagger", "tokenise"]

__getattr__ = lazy(
    __name__,
    {"Tagger": "tagging.tagger:Tagger", "tokenise": "tokenise:tokenise"},
)
