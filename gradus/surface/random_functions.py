"""Critical points of random functions: how many are minima, in how many dimensions.

The functions are samples of a Gaussian process with covariance exp(−½‖x − y‖²). Its second
derivatives at a critical point are known (Rice 1944, Kac 1943; Bray and Dean 2007, "Statistics of
critical points of Gaussian fields on large-dimensional spaces"), so the share of minima can be had
without looking for any; and functions can be sampled and searched, to check.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

SHIFTS = np.linspace(-9, 9, 241)
NEWTON_STEPS = 60
LONGEST_STEP = 0.25


@dataclass(frozen=True)
class RandomFunction:
    """f(x) = √(2/m) Σₖ cos(wₖ·x + φₖ): nearly a Gaussian process (Rahimi and Recht 2007).

    Attributes:
        waves: wₖ, standard normal.
        phases: φₖ, in [0, 2π).
    """

    waves: Float[np.ndarray, "m d"]
    phases: Float[np.ndarray, "m"]

    def value(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n"]:
        """The function at each point."""
        return np.sqrt(2 / len(self.waves)) * np.cos(self._angles(points)).sum(axis=1)

    def gradient(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        """∇f at each point."""
        return -np.sqrt(2 / len(self.waves)) * np.sin(self._angles(points)) @ self.waves

    def hessian(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d d"]:
        """The matrix of second derivatives at each point."""
        m, d = self.waves.shape
        squares = (self.waves[:, :, None] * self.waves[:, None, :]).reshape(m, d * d)
        found = -np.sqrt(2 / m) * np.cos(self._angles(points)) @ squares
        return found.reshape(len(points), d, d)

    def _angles(self, points: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n m"]:
        return points @ self.waves.T + self.phases


def random_function(dimensions: int, seed: int = 0, waves: int = 100) -> RandomFunction:
    """A random smooth function of some dimensions, its hills about one unit wide."""
    rng = np.random.default_rng(seed)
    return RandomFunction(rng.normal(size=(waves, dimensions)), rng.uniform(0, 2 * np.pi, waves))


def critical_points(function: RandomFunction, side: float) -> Float[np.ndarray, "found d"]:
    """The critical points in the box [0, side]ᵈ, each once.

    Newton's method, its steps kept short, starts from every point of a fine grid.
    """
    d = function.waves.shape[1]
    marks = np.linspace(0, side, int(2 * side) + 1)
    points = np.stack(np.meshgrid(*[marks] * d), axis=-1).reshape(-1, d)
    for _ in range(NEWTON_STEPS):
        step = np.linalg.solve(function.hessian(points), function.gradient(points)[..., None])
        length = np.linalg.norm(step, axis=1, keepdims=True)
        points = points - (step * np.minimum(1, LONGEST_STEP / length.clip(1e-300)))[..., 0]
    still = np.linalg.norm(function.gradient(points), axis=1) < 1e-9
    inside = ((points >= 0) & (points <= side)).all(axis=1)
    return np.unique(points[still & inside].round(6), axis=0)


def downward_axes(function: RandomFunction, points: Float[np.ndarray, "n d"]) -> list[int]:
    """Along how many axes each critical point is a maximum: 0 for a minimum, d for a maximum."""
    return (np.linalg.eigvalsh(function.hessian(points)) < 0).sum(axis=1).tolist()


def expected_shares(dimensions: int, samples: int = 8000, seed: int = 0) -> Float[np.ndarray, "k"]:
    """The share of critical points with 0, 1 … d downward axes, in the mean of all functions.

    The Hessian of a sample is G + zI, with G a symmetric Gaussian matrix (variance 1 off the
    diagonal and 2 on it) and z standard normal, independent of the gradient; and critical points
    are as dense as |det(G + zI)|. The mean over G is taken at random, that over z by a
    sum; f and −f being equally likely, minima are as many as maxima, and so on inwards.

    Args:
        dimensions: d ≥ 1.
        samples: how many G.
        seed: of the samples.

    Returns:
        d + 1 shares, which sum to 1; the first is that of the minima.
    """
    noise = np.random.default_rng(seed).normal(size=(samples, dimensions, dimensions))
    curvatures = np.linalg.eigvalsh((noise + noise.transpose(0, 2, 1)) / np.sqrt(2))
    shifted = curvatures[:, None] + SHIFTS[:, None]
    weights = np.abs(shifted.prod(axis=2)) * np.exp(-0.5 * SHIFTS**2)
    downward = (shifted < 0).sum(axis=2)
    shares = np.bincount(downward.reshape(-1), weights.reshape(-1), minlength=dimensions + 1)
    return (shares + shares[::-1]) / (2 * shares.sum())
