"""Chapter 6: embeddings and representation learning.

`words` has vectors of words: word2vec.
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.embed.words.word2vec import Word2Vec

__all__ = ["Word2Vec"]

__getattr__ = lazy(__name__, {"Word2Vec": "words.word2vec:Word2Vec"})
