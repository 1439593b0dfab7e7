"""Eigenvalues of a Hessian from its products with vectors alone.

The Lanczos iteration takes H into a small tridiagonal T on the space of v, Hv, H²v …; the ends of
T's spectrum soon are those of H. Every new vector is made orthogonal to all before it, twice, so
that rounding brings no eigenvalue back a second time (Golub and Van Loan, *Matrix Computations*,
4th edition, section 10.3).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gradus.core.errors import RunError, UsageError
from gradus.surface.curvature import Expansion, Product

CHECK_EVERY = 5
"""Steps between two looks at whether the eigenvalues have settled."""

Settled = Callable[["Tridiagonal"], bool]


@dataclass(frozen=True)
class Tridiagonal:
    """H seen on a few orthonormal vectors Q: T = QHQᵀ.

    Attributes:
        diagonal: α of T.
        beside: β of T, next to its diagonal.
        residual: the β that would come next: how far H leads out of the vectors' space.
        basis: Q, one vector a row.
    """

    diagonal: Float[np.ndarray, "m"]
    beside: Float[np.ndarray, "m-1"]
    residual: float
    basis: Float[Tensor, "m n"]

    def eigen(self) -> tuple[Float[np.ndarray, "m"], Float[np.ndarray, "m m"]]:
        """T's eigenvalues, rising, and its eigenvectors as columns."""
        matrix = np.diag(self.diagonal) + np.diag(self.beside, 1) + np.diag(self.beside, -1)
        values, vectors = np.linalg.eigh(matrix)
        return values, vectors


@dataclass(frozen=True)
class Extremes:
    """Both ends of a Hessian's spectrum.

    Attributes:
        largest: the largest eigenvalues, falling.
        smallest: the smallest eigenvalues, rising.
        vectors: unit eigenvectors of the largest, one a row.
        error: no eigenvalue given is further than this from one of H.
        settled: whether the error came below the tolerance.
        steps: products Hv that it took.
    """

    largest: Float[np.ndarray, "k"]
    smallest: Float[np.ndarray, "l"]
    vectors: Float[Tensor, "k n"]
    error: float
    settled: bool
    steps: int


@dataclass(frozen=True)
class Spectrum:
    """The density of a Hessian's eigenvalues, from several random vectors.

    Attributes:
        nodes: where each vector's quadrature has its points.
        weights: and their weights; each row sums to 1.
    """

    nodes: Float[np.ndarray, "probes m"]
    weights: Float[np.ndarray, "probes m"]

    @property
    def mean(self) -> float:
        """The mean eigenvalue, an estimate of trace(H)/n (Hutchinson 1990)."""
        return float((self.nodes * self.weights).sum(axis=1).mean())

    def density(
        self, eigenvalues: Float[np.ndarray, "points"], width: float
    ) -> Float[np.ndarray, "points"]:
        """The share of eigenvalues per unit, each smoothed by a Gaussian.

        Args:
            eigenvalues: where to give the density.
            width: standard deviation of the Gaussian, > 0.
        """
        if not width > 0:
            raise UsageError(f"width must be > 0, got {width:g}")
        distance = (eigenvalues[:, None] - self.nodes.reshape(-1)) / width
        bells = np.exp(-0.5 * distance**2) / (width * np.sqrt(2 * np.pi))
        return bells @ self.weights.reshape(-1) / len(self.nodes)


def lanczos(
    product: Product,
    start: Float[Tensor, "n"],
    steps: int,
    *,
    settled: Settled | None = None,
    generator: torch.Generator | None = None,
) -> Tridiagonal:
    """The Lanczos iteration with full re-orthogonalisation.

    Where the vectors' space is closed under H before `steps` are done, a new random vector
    orthogonal to it goes on, so that n steps give all eigenvalues, with their multiplicities.

    Args:
        product: v -> Hv, H symmetric.
        start: the first vector, of any length but 0.
        steps: how many products to take, ≥ 1; never more than n are taken.
        settled: asked every few steps whether to stop early.
        generator: of the random vectors.

    Raises:
        UsageError: `steps` or the start is refused.
        RunError: a product is not finite.
    """
    length = start.norm()
    if steps < 1 or not length > 0:
        raise UsageError(f"lanczos needs steps ≥ 1 and a start that is not 0, got {steps} steps")
    steps = min(steps, len(start))
    basis = torch.empty(steps, len(start), dtype=start.dtype, device=start.device)
    basis[0] = start / length
    diagonal: list[float] = []
    beside: list[float] = []
    scale = 0.0
    for step in range(1, steps + 1):
        image = product(basis[step - 1])
        diagonal.append(float(basis[step - 1] @ image))
        image = _orthogonal(image, basis[:step])
        residual = float(image.norm())
        if not np.isfinite(residual):
            raise RunError("a Hessian-vector product is not finite: no eigenvalues can be had")
        scale = max(scale, abs(diagonal[-1]), residual)
        found = Tridiagonal(np.array(diagonal), np.array(beside), residual, basis[:step])
        if step == steps or (settled and step % CHECK_EVERY == 0 and settled(found)):
            break
        if residual <= 100 * torch.finfo(start.dtype).eps * scale:
            residual = 0.0
            image = _orthogonal(_noise(start, generator), basis[:step])
        beside.append(residual)
        basis[step] = image / image.norm()
    return found


def _orthogonal(vector: Tensor, basis: Tensor) -> Tensor:
    """What is left of a vector once its part in the basis is taken away; twice is enough."""
    for _ in range(2):
        vector = vector - (basis @ vector) @ basis
    return vector


def _noise(like: Tensor, generator: torch.Generator | None) -> Tensor:
    return torch.randn(len(like), generator=generator).to(like)


def extreme_eigenvalues(
    expansion: Expansion,
    largest: int = 10,
    smallest: int = 1,
    *,
    tolerance: float = 1e-4,
    steps: int = 200,
    seed: int = 0,
) -> Extremes:
    """The largest and the smallest eigenvalues of the Hessian, by Lanczos.

    From one start an eigenvalue that occurs more than once is found once, unless the iteration
    goes through all dimensions.

    Args:
        expansion: the surface around a point.
        largest: how many of the largest, ≥ 1; all n where there are fewer.
        smallest: how many of the smallest, ≥ 1.
        tolerance: the error to stop at, as a share of the largest absolute eigenvalue.
        steps: the most products to take.
        seed: of the random start.

    Raises:
        UsageError: a number is out of its range.
        RunError: a product is not finite.
    """
    if min(largest, smallest) < 1:
        raise UsageError(f"ask for at least one eigenvalue, got {min(largest, smallest)}")
    count = len(expansion.gradient)
    top, bottom = min(largest, count), min(smallest, count)
    ends = np.r_[:bottom, -top:0]

    def relative_error(found: Tridiagonal) -> float:
        """The larger of the ends' residuals |β sₘᵢ|, as a share of the largest eigenvalue."""
        values, vectors = found.eigen()
        error = found.residual * abs(vectors[-1, ends]).max()
        return float(error / max(abs(values).max(), np.finfo(float).tiny))

    def settled(found: Tridiagonal) -> bool:
        return len(found.diagonal) >= top + bottom and relative_error(found) <= tolerance

    generator = torch.Generator().manual_seed(seed)
    found = lanczos(
        expansion.product,
        _noise(expansion.gradient, generator),
        max(steps, top, bottom),
        settled=settled,
        generator=generator,
    )
    values, vectors = found.eigen()
    mixing = torch.from_numpy(vectors[:, ::-1][:, :top].T.copy()).to(found.basis)
    error = relative_error(found)
    return Extremes(
        largest=values[::-1][:top].copy(),
        smallest=values[:bottom],
        vectors=mixing @ found.basis,
        error=error * float(abs(values).max()),
        settled=error <= tolerance,
        steps=len(values),
    )


def spectral_density(
    expansion: Expansion, *, probes: int = 4, steps: int = 80, seed: int = 0
) -> Spectrum:
    """How the Hessian's eigenvalues are spread, by stochastic Lanczos quadrature.

    For a random vector v of signs ±1, Lanczos gives the Gaussian quadrature of the density seen
    from v: T's eigenvalues, each weighted by the square of its eigenvector's first component. Its
    mean over v is the density of H (Ghorbani, Krishnan and Xiao 2019, section 2).

    Args:
        expansion: the surface around a point.
        probes: random vectors, ≥ 1.
        steps: products for each of them, ≥ 1.
        seed: of the vectors.

    Raises:
        UsageError: a number is out of its range.
        RunError: a product is not finite.
    """
    if probes < 1:
        raise UsageError(f"probes must be ≥ 1, got {probes}")
    generator = torch.Generator().manual_seed(seed)
    nodes, weights = [], []
    for _ in range(probes):
        signs = torch.randint(0, 2, expansion.gradient.shape, generator=generator) * 2.0 - 1.0
        start = signs.to(expansion.gradient)
        found = lanczos(expansion.product, start, steps, generator=generator)
        values, vectors = found.eigen()
        nodes.append(values)
        weights.append(vectors[0] ** 2)
    return Spectrum(np.stack(nodes), np.stack(weights))
