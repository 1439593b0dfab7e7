"""A look at the error surface around a run's solution: line, plane and curvature, by one call.

Everything lands in `<run>/surface/`: an .npz of each measurement, the figures, and `findings.json`.
A measurement that is there already is not made again, and one that was broken off goes on.
"""

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float
from torch import Tensor

from gradus.core.errors import UsageError
from gradus.core.files import write_atomically
from gradus.core.progress import Reporter
from gradus.core.run import Run
from gradus.surface.drawing import draw_interpolation, draw_plane
from gradus.surface.interpolation import Interpolation, alpha_grid, interpolate
from gradus.surface.plane import (
    check_side,
    measure_plane,
    path_directions,
    path_extents,
    random_directions,
)
from gradus.surface.site import Site, open_site, path_of
from gradus.surface.survey_curvature import look_at_curvature

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
        UsageError: an argument is refused, the run has no weights yet, or it keeps too few
            checkpoints for its path. Nothing was measured then.
        RunError: the weights are damaged, or the folder cannot be written.
    """
    if not (interpolation or plane or curvature):
        raise UsageError("nothing to look at: ask for interpolation, plane or curvature")
    if directions not in DIRECTIONS:
        raise UsageError(f"directions must be random or path, got {directions!r}")
    check_side(side)
    alphas = alpha_grid(*alpha, points)
    site = open_site(run, split, folder or run.path / "surface", device, reporter)
    span = _span(site, directions, seed) if plane else None
    findings: dict[str, Any] = {
        "recipe": run.recipe.name,
        "split": split,
        "examples": site.batches.examples,
    }
    if interpolation:
        findings["interpolation"] = _interpolation(site, alphas)
    if span:
        findings["plane"] = _plane(site, side, span)
    if curvature:
        findings["curvature"] = look_at_curvature(site, seed)
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


@dataclass(frozen=True)
class _Span:
    """The directions of a plane, and what belongs to them.

    Attributes:
        name: "random" or "path".
        axes: d₁ and d₂.
        words: where they come from, for the figure.
        explained: the share of the path along each; None for random ones.
        settings: what else `measure_plane` is to be told.
    """

    name: str
    axes: Float[Tensor, "2 parameters"]
    words: str
    explained: list[float] | None = None
    settings: dict[str, Any] = field(default_factory=dict)


def _span(site: Site, directions: str, seed: int) -> _Span:
    """The plane's directions, had before anything is measured: they may be refused."""
    if directions == "random":
        words = f"directions: random, filter-normalised, seed {seed}"
        return _Span(directions, random_directions(site.task.model, seed), words)
    own = path_directions(path_of(site), site.solution)
    first, second = (f"{share:.1%}".replace("%", " %") for share in own.explained)
    settings = {
        "path": own.path,
        "extents": path_extents(own.path),
        "names": (f"first direction: {first} of the path", f"second: {second}"),
    }
    words = "path: start, kept checkpoints and best epoch"
    return _Span(directions, own.directions, words, list(own.explained), settings)


def _plane(site: Site, side: int, span: _Span) -> dict[str, Any]:
    found = measure_plane(
        site.task,
        site.solution,
        span.axes,
        site.batches,
        side=side,
        file=site.folder / f"plane-{span.name}.npz",
        reporter=site.reporter,
        **span.settings,
    )
    row, column = found.lowest
    figure = draw_plane(found, f"{site.words}; {span.words}. Star: the solution")
    return {
        "directions": span.name,
        "side": side,
        "a": [float(found.a[0]), float(found.a[-1])],
        "b": [float(found.b[0]), float(found.b[-1])],
        "explained": span.explained,
        "path": found.path.tolist(),
        "lowest": {
            "loss": float(found.losses[row, column]),
            "at": [float(found.a[column]), float(found.b[row])],
        },
        "highest": float(found.losses.max()),
        "figures": [site.save(figure, f"plane-{span.name}")],
    }


def _plain(value: Any) -> Any:
    """The same, with None in place of numbers that JSON does not have."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
