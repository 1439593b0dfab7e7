"""Chapter 6: representations of few numbers, learned without labels.

Reading order: `data` (circles), `pca`, `distances`, `autoencoder`, `sparse`, `hashing`; then
`recipes` (the named experiments), `build`, `train` (config → task), `predict` and `figures`. What
codes are good for: `compare` (against PCA), `few_labels` (naming images from few labels), `search`
(finding images like a given one). `words` has vectors of words: word2vec.
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.embed.autoencoder import Autoencoder
    from gradus.embed.words.word2vec import Word2Vec

__all__ = ["Autoencoder", "Word2Vec"]

__getattr__ = lazy(
    __name__,
    {"Autoencoder": "autoencoder:Autoencoder", "Word2Vec": "words.word2vec:Word2Vec"},
)
