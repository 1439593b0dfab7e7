"""Principal component analysis: the axes along which data vary most (book figure 6-2).

Symbols: X data "n d", W axes "d m", T = (X − x̄)W codes, λ variance along an axis.

Three ways to the same axes, for each a function: eigenvectors of the covariance matrix, the
singular value decomposition of the centred data, and scikit-learn. They agree up to an axis' sign.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from gradus.core.errors import UsageError


@dataclass(frozen=True, eq=False)
class PCA:
    """Axes found in a data set; `encode` and `decode` as an autoencoder has them.

    Attributes:
        mean: x̄, subtracted before the projection.
        axes: W, orthonormal columns, the one of largest variance first.
        variances: λ along each axis, with divisor n − 1.
        total: the variance of the data, summed over all d features.
    """

    mean: Float[Tensor, "d"]
    axes: Float[Tensor, "d m"]
    variances: Float[Tensor, "m"]
    total: float

    @property
    def explained(self) -> Float[Tensor, "m"]:
        """The share of the total variance that lies along each axis."""
        return self.variances / self.total

    def encode(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "n m"]:
        """T = (X − x̄)W (book ch. 6, "Principal Component Analysis")."""
        return (x - self.mean) @ self.axes

    def decode(self, codes: Float[Tensor, "n m"]) -> Float[Tensor, "n d"]:
        """TWᵀ + x̄: the point nearest to x of those that lie in the plane of the axes."""
        return codes @ self.axes.T + self.mean


def pca(x: Float[Tensor, "n d"], m: int) -> PCA:
    """The m axes of largest variance, as eigenvectors of (X − x̄)ᵀ(X − x̄).

    That matrix is the covariance matrix times n − 1, so both have the same eigenvectors. Takes d²
    numbers of memory, however many examples there are.

    Args:
        x: X, an example a row; n ≥ 2.
        m: how many axes, in [1, min(n, d)].

    Raises:
        UsageError: `m` or `x` is out of range, or the data do not vary at all.
    """
    mean, centred = _centred(x, m)
    # In double precision: in single it may fail on features that hardly vary.
    values, vectors = torch.linalg.eigh((centred.T @ centred / (len(x) - 1)).double())
    axes = vectors.flip(1)[:, :m].to(x)
    return PCA(mean, axes, values.flip(0)[:m].clamp_min(0).to(x), _total(centred))


def pca_svd(x: Float[Tensor, "n d"], m: int) -> PCA:
    """The same axes as right singular vectors of X − x̄ = U S Wᵀ, with λ = s²/(n − 1).

    Small variances are more exact than by `pca`, which squares the data first.

    Args and errors are those of `pca`.
    """
    mean, centred = _centred(x, m)
    _, values, vectors = torch.linalg.svd(centred, full_matrices=False)
    return PCA(mean, vectors[:m].T, values[:m].square() / (len(x) - 1), _total(centred))


def pca_sklearn(x: Float[Tensor, "n d"], m: int) -> PCA:
    """The same axes as scikit-learn finds them.

    Args and errors are those of `pca`.
    """
    from sklearn.decomposition import PCA as Sklearn

    _, centred = _centred(x, m)
    found = Sklearn(m, svd_solver="full").fit(x.numpy())
    mean, axes, values = (
        torch.as_tensor(part, dtype=x.dtype)
        for part in (found.mean_, found.components_.T.copy(), found.explained_variance_)
    )
    return PCA(mean, axes, values, _total(centred))


def _centred(x: Tensor, m: int) -> tuple[Tensor, Tensor]:
    """x̄ and X − x̄."""
    n, d = x.shape
    if n < 2:
        raise UsageError(f"PCA needs two examples or more, got {n}")
    if not 1 <= m <= min(n, d):
        raise UsageError(
            f"m must be in [1, {min(n, d)}] for {n:,} examples of {d:,} features, got {m}"
        )
    mean = x.mean(0)
    centred = x - mean
    if not torch.isfinite(centred).all():
        raise UsageError("PCA needs finite numbers: some are NaN or infinite")
    if not centred.any():
        raise UsageError("PCA needs examples that differ: all are the same")
    return mean, centred


def _total(centred: Tensor) -> float:
    return float(centred.square().sum() / (len(centred) - 1))
