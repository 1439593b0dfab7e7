"""The part of a survey that looks at curvature: spectrum and gradient step at the solution."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from gradus.core.files import save_arrays
from gradus.core.progress import current
from gradus.surface.critical import kind_of
from gradus.surface.curvature import Expansion, Step, expand_task, gradient_step
from gradus.surface.drawing import draw_spectrum, draw_step
from gradus.surface.grid import evaluate_points, fingerprint, load_arrays
from gradus.surface.lanczos import Spectrum, extreme_eigenvalues, spectral_density
from gradus.surface.site import Site

EIGENVALUES, LANCZOS_STEPS = 10, 200
PROBES, PROBE_STEPS = 1, 80
STEP_POINTS = 41
"""Rates from 0 to twice the best, at which a step along the gradient is measured."""


def look_at_curvature(site: Site, seed: int) -> dict[str, Any]:
    """Gradient, eigenvalues, kind of place, and a step along the gradient, at the solution.

    Args:
        site: where.
        seed: of the random vectors.

    Returns:
        What was found, as `gradus.surface.survey.survey` gives it, and the `figures` drawn.
    """
    expansion = expand_task(site.task, site.batches)
    step = gradient_step(expansion)
    ends, spectrum = _spectra(site, expansion, seed)
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


@contextmanager
def _told(site: Site, expansion: Expansion, products: int, what: str) -> Iterator[Expansion]:
    """The same expansion, its products reported."""
    reporter = site.reporter or current()

    def product(v: Tensor) -> Tensor:
        image = expansion.product(v)
        reporter.step(expansion.value)
        return image

    reporter.begin(products, 0, what)
    try:
        yield replace(expansion, product=product)
    finally:
        reporter.end()


def _spectra(site: Site, expansion: Expansion, seed: int) -> tuple[dict[str, Any], Spectrum]:
    """The ends of the spectrum and its density, each kept once it is whole."""
    settings = np.array([seed, EIGENVALUES, LANCZOS_STEPS, PROBES, PROBE_STEPS], dtype=float)
    mark = fingerprint(site.task, site.batches, settings)

    def ends() -> dict[str, Any]:
        what = f"the {EIGENVALUES} largest eigenvalues: at most {LANCZOS_STEPS} Hessian products"
        with _told(site, expansion, LANCZOS_STEPS, what) as heard:
            found = extreme_eigenvalues(heard, EIGENVALUES, steps=LANCZOS_STEPS, seed=seed)
        return {
            name: getattr(found, name)
            for name in ("largest", "smallest", "error", "settled", "steps")
        }

    def density() -> dict[str, Any]:
        products = PROBES * PROBE_STEPS
        what = f"density of the eigenvalues: {products} Hessian products"
        with _told(site, expansion, products, what) as heard:
            found = spectral_density(heard, probes=PROBES, steps=PROBE_STEPS, seed=seed)
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
