"""Chapter 6: representations of few numbers, learned without labels.

Reading order: `data` (circles), `pca`, `distances`, `autoencoder`, `sparse`, `hashing`; then
`recipes` (the named experiments), `build`, `train` (config → task), `predict` and `figures`. What
codes are good for: `compare` (against PCA), `few_labels` (naming images from few labels), `search`
(finding images like a given one).
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.embed.autoencoder import Autoencoder

__all__ = ["Autoencoder"]

__getattr__ = lazy(__name__, {"Autoencoder": "autoencoder:Autoencoder"})
