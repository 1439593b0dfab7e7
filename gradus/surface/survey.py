"""A look at the error surface around a run's solution: line, plane and curvature, by one call.

Everything lands in `<run>/surface/`: an .npz of each measurement, the figures, and `findings.json`.
A measurement that is there already is not made again, and one that was broken off goes on.
"""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from gradus.core.errors import UsageError
from gradus.core.files import write_atomically
from gradus.core.progress import Reporter, current
from gradus.core.run import Run
from gradus.surface.critical import kind_of
from gradus.surface.curvature import Expansion, Step, expand_task, gradient_step
from gradus.surface.drawing import draw_interpolation, draw_plane, draw_spectrum, draw_step
from gradus.surface.grid import evaluate_points, fingerprint, load_arrays, save_arrays
from gradus.surface.interpolation import Interpolation, alpha_grid, interpolate
from gradus.surface.lanczos import Spectrum, extreme_eigenvalues, spectral_density
from gradus.surface.plane import (
    check_side,
    measure_plane,
    path_directions,
    path_extents,
    random_directions,
)
from gradus.surface.site import Site, open_site, path_of

EIGENVALUES, LANCZOS_STEPS = 10, 200
PROBES, PROBE_STEPS = 1, 80
STEP_POINTS = 41
"""Rates from 0 to twice the best, at which a step along the gradient is measured."""

DIRECTIONS = ("random", "path")


def survey(
    run: Run,
    *,
    interpolation: bool = True,
    plane: bool = True,
    curvature: bool = True,
    points: int = 400,
    side: int = 41,
    alpha: tuple[float, float] = (-2.0, 2.0),
    directions: str = "random",
    split: str = "test",
    folder: Path | None = None,
    device: str = "auto",
    seed: int = 0,
    reporter: Reporter | None = None,
) -> dict[str, Any]:
    """Look at the error surface around a run's solution, from any recipe.

    Args:
        run: a run with weights. Its random start is built again from its seed.
        interpolation: the loss on the line from start to solution (book figure 4-3).
        plane: the loss on a plane through the solution.
        curvature: gradient, eigenvalues, kind of place, and a step along the gradient.
        points: how many α, evenly spaced; α = 0 and 1 are added.
        side: points along each direction of the plane.
        alpha: the first and the last α; 0 is the start, 1 the solution.
        directions: the plane's: "random" filter-normalised ones, or "path", those of the
            optimiser's path through start, checkpoints and solution.
        split: the examples to measure on.
        folder: where to keep what is found; by default `surface` in the run's folder.
        device: where to compute; see `gradus.core.device.choose`.
        seed: of random directions and vectors.
        reporter: hears of the progress; by default the one in use.

    Returns:
        What was found, as JSON values (None for what is not finite): `recipe`, `split`,
        `examples`, and for each part its numbers and the `figures` it drew.

    Raises:
        UsageError: an argument is refused, or the run keeps too few checkpoints for its path.
        RunError: the run has no weights, or the folder cannot be written.
    """
    if not (interpolation or plane or curvature):
        raise UsageError("nothing to look at: ask for interpolation, plane or curvature")
    if directions not in DIRECTIONS:
        raise UsageError(f"directions must be random or path, got {directions!r}")
    check_side(side)
    alphas = alpha_grid(*alpha, points)
    site = open_site(run, split, folder or run.path / "surface", device, reporter)
    findings: dict[str, Any] = {
        "recipe": run.recipe.name,
        "split": split,
        "examples": site.batches.examples,
    }
    if interpolation:
        findings["interpolation"] = _interpolation(site, alphas)
    if plane:
        findings["plane"] = _plane(site, side, directions, seed)
    if curvature:
        findings["curvature"] = _curvature(site, seed)
    findings = _plain(findings)
    text = json.dumps(findings, indent=2, ensure_ascii=False) + "\n"
    write_atomically(site.folder / "findings.json", text.encode())
    return findings


def _interpolation(site: Site, alphas: Float[np.ndarray, "points"]) -> dict[str, Any]:
    line = interpolate(
        site.task,
        site.start,
        site.solution,
        alphas,
        site.batches,
        file=site.folder / "interpolation.npz",
        reporter=site.reporter,
    )
    figure = draw_interpolation(line, f"{site.words}. θ(α) = α·solution + (1 − α)·start")
    return {
        "convention": "alpha 0 is the random start, 1 the solution",
        "alpha": [float(alphas[0]), float(alphas[-1])],
        "points": len(alphas),
        "start_loss": _loss_at(line, 0.0),
        "solution_loss": _loss_at(line, 1.0),
        "hill": line.hill,
        "barrier": line.barrier,
        "figures": [site.save(figure, "interpolation")],
    }


def _loss_at(line: Interpolation, alpha: float) -> float | None:
    found = line.losses[line.alphas == alpha]
    return float(found[0]) if len(found) else None


def _plane(site: Site, side: int, directions: str, seed: int) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    if directions == "path":
        own = path_directions(path_of(site), site.solution)
        axes, explained = own.directions, list(own.explained)
        first, second = (f"{share:.1%}".replace("%", " %") for share in explained)
        settings = {
            "path": own.path,
            "extents": path_extents(own.path),
            "names": (f"first direction: {first} of the path", f"second: {second}"),
        }
        words = "path: start, kept checkpoints and best epoch"
    else:
        axes, explained = random_directions(site.task.model, seed), None
        words = f"directions: random, filter-normalised, seed {seed}"
    found = measure_plane(
        site.task,
        site.solution,
        axes,
        site.batches,
        side=side,
        file=site.folder / f"plane-{directions}.npz",
        reporter=site.reporter,
        **settings,
    )
    row, column = np.unravel_index(np.argmin(found.losses), found.losses.shape)
    figure = draw_plane(found, f"{site.words}; {words}. Star: the solution")
    return {
        "directions": directions,
        "side": side,
        "a": [float(found.a[0]), float(found.a[-1])],
        "b": [float(found.b[0]), float(found.b[-1])],
        "explained": explained,
        "path": found.path.tolist(),
        "lowest": {
            "loss": float(found.losses[row, column]),
            "at": [float(found.a[column]), float(found.b[row])],
        },
        "highest": float(found.losses.max()),
        "figures": [site.save(figure, f"plane-{directions}")],
    }


def _curvature(site: Site, seed: int) -> dict[str, Any]:
    reporter = site.reporter or current()
    expansion = expand_task(site.task, site.batches)
    step = gradient_step(expansion)
    reporter.begin(
        LANCZOS_STEPS + PROBES * PROBE_STEPS, 0, "curvature: products of the Hessian with a vector"
    )
    try:
        ends, spectrum = _spectra(site, _heard(expansion, reporter), seed)
    finally:
        reporter.end()
    largest, smallest = ends["largest"], ends["smallest"]
    figure = draw_spectrum(
        spectrum,
        largest,
        smallest,
        f"{site.words}, at the solution; near 0: within 1 % of the largest",
    )
    figures = [site.save(figure, "spectrum")]
    norm = expansion.gradient_norm
    findings = {
        "loss": expansion.value,
        "gradient_norm": norm,
        "kind": kind_of(norm, float(smallest[0]), float(largest[0])),
        "largest": largest.tolist(),
        "smallest": smallest.tolist(),
        "error": float(ends["error"]),
        "settled": bool(ends["settled"]),
        "mean": spectrum.mean,
        "best_step": step.best,
    }
    if step.slope > 0:
        findings["step"], drawn = _step(site, expansion, step)
        figures.append(drawn)
    return {**findings, "figures": figures}


def _heard(expansion: Expansion, reporter: Reporter) -> Expansion:
    """The same expansion, each product reported."""

    def product(v: Tensor) -> Tensor:
        image = expansion.product(v)
        reporter.step(expansion.value)
        return image

    return replace(expansion, product=product)


def _spectra(site: Site, expansion: Expansion, seed: int) -> tuple[dict[str, Any], Spectrum]:
    """The ends of the spectrum and its density, each kept once it is whole."""
    settings = np.array([seed, EIGENVALUES, LANCZOS_STEPS, PROBES, PROBE_STEPS], dtype=float)
    mark = fingerprint(site.task, site.batches, settings)

    def ends() -> dict[str, Any]:
        found = extreme_eigenvalues(expansion, EIGENVALUES, steps=LANCZOS_STEPS, seed=seed)
        return {
            name: getattr(found, name)
            for name in ("largest", "smallest", "error", "settled", "steps")
        }

    def density() -> dict[str, Any]:
        found = spectral_density(expansion, probes=PROBES, steps=PROBE_STEPS, seed=seed)
        return {"nodes": found.nodes, "weights": found.weights}

    return (
        _kept(site.folder / "eigenvalues.npz", mark, ends),
        Spectrum(**_kept(site.folder / "density.npz", mark, density)),
    )


def _kept(file: Path, mark: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the file holds, or else what is measured now."""
    arrays = load_arrays(file, mark)
    if not arrays:
        arrays = measure()
        save_arrays(file, fingerprint=np.array(mark), **arrays)
    return arrays


def _step(site: Site, expansion: Expansion, step: Step) -> tuple[dict[str, Any], str]:
    """A step along the gradient, predicted and measured."""
    longest = 2 * step.best if math.isfinite(step.best) else 1 / expansion.gradient_norm
    rates = np.linspace(0, longest, STEP_POINTS)
    measured = evaluate_points(
        site.task,
        site.batches,
        np.stack([np.ones_like(rates), -rates], axis=1),
        torch.stack([site.solution, expansion.gradient]),
        file=site.folder / "step.npz",
        reporter=site.reporter,
        what=f"loss after {STEP_POINTS} steps along the gradient",
    )["loss"]
    figure = draw_step(step, rates, measured, f"{site.words}. A step of −ε·gradient")
    middle = STEP_POINTS // 2
    found = {
        "rate": float(rates[middle]),
        "predicted": float(step.predict(rates)[middle]),
        "measured": float(measured[middle]),
    }
    return found, site.save(figure, "step")


def _plain(value: Any) -> Any:
    """The same, with None in place of numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
