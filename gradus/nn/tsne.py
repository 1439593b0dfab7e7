"""Maps of points by t-SNE: neighbours stay neighbours.

Source: van der Maaten and Hinton 2008, "Visualizing Data using t-SNE".
"""

import numpy as np
import torch
from jaxtyping import Float

from gradus.core.errors import UsageError

COMPONENTS = 50
"""Principal components that are kept before neighbours are looked for."""
EXACT = 20_000
"""Points up to which neighbours are found exactly."""


def tsne(
    points: Float[np.ndarray, "n features"], *, perplexity: float = 30.0, seed: int = 0
) -> Float[np.ndarray, "n 2"]:
    """A map in which neighbours stay neighbours.

    Points of more than `COMPONENTS` dimensions are first brought down to so many by PCA. The same
    points and seed give the same map on the same machine.

    Args:
        points: n > 3 · perplexity of them.
        perplexity: about how many neighbours each point has, > 1.
        seed: of the small noise that the map begins with, around the first two components.

    Raises:
        UsageError: there are too few points, or they are not finite.
    """
    from openTSNE import TSNE
    from sklearn.decomposition import PCA

    n = len(points)
    if not 1 < perplexity < n / 3:
        raise UsageError(
            f"perplexity must be > 1 and less than a third of the {n:,} points, got {perplexity:g}"
        )
    if not np.isfinite(points).all():
        raise UsageError("points must be finite: some are NaN or infinite")
    points = np.asarray(points, np.float64)
    if points.shape[1] > COMPONENTS and n > COMPONENTS:
        points = PCA(COMPONENTS, svd_solver="covariance_eigh").fit_transform(points)
    found = TSNE(
        perplexity=perplexity,
        neighbors="exact" if n <= EXACT else "auto",
        random_state=seed,
        n_jobs=torch.get_num_threads(),
    ).fit(points)
    return np.array(found)
