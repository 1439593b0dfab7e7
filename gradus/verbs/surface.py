"""`surface`: the error surface around a run's solution."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from gradus.api import open_run
from gradus.tables import heading, say, show_json, table
from gradus.verbs.words import RunFolder


@dataclass(frozen=True)
class SurfaceArgs:
    """Look at the error surface around a run's solution: a line, a plane, the curvature."""

    run: Positional[RunFolder]
    """Run folder."""
    interpolation: bool = False
    """The loss on the line from random start to solution (with no look named: all three)."""
    plane: bool = False
    """The loss on a plane through the solution."""
    curvature: bool = False
    """Gradient, eigenvalues of the Hessian, kind of place, the best step along the gradient."""
    points: int = 400
    """Points on the line, ≥ 2; α = 0 and 1 are added."""
    alpha: Annotated[tuple[float, float], arg(metavar="FROM TO")] = (-2.0, 2.0)
    """Where the line begins and ends: α is 0 at the start, 1 at the solution."""
    side: int = 41
    """Points along each side of the plane, odd and ≥ 3."""
    directions: Literal["random", "path"] = "random"
    """The plane's: random, filter-normalised; or those of the optimiser's own path."""
    split: Literal["test", "validation", "train"] = "test"
    """Which examples to measure on."""
    folder: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Where to keep what is found; by default the folder surface within the run's."""
    device: str = "auto"
    """Where to compute: auto, cpu, cuda, cuda:1, mps …"""
    seed: int = 0
    """Seed of random directions and vectors."""
    json: bool = False
    """Print one JSON document."""


def surface(args: SurfaceArgs) -> None:
    """Look, and say what was found."""
    from gradus.core.signals import raised_signals
    from gradus.surface.survey import survey

    run = open_run(args.run)
    looks = {name: getattr(args, name) for name in ("interpolation", "plane", "curvature")}
    if not any(looks.values()):
        looks = dict.fromkeys(looks, True)
    with raised_signals("the same command: what is measured is kept"):
        findings = survey(
            run,
            **looks,
            points=args.points,
            side=args.side,
            alpha=args.alpha,
            directions=args.directions,
            split=args.split,
            folder=args.folder,
            device=args.device,
            seed=args.seed,
        )
    if args.json:
        show_json({"run": str(run.path), **findings})
        return
    heading(f"{run.path} ({run.recipe.name}), {findings['examples']:,} {args.split} examples")
    table(["look", "what was found"], _rows(findings))
    for look in looks:
        for figure in findings.get(look, {}).get("figures", ()):
            say(figure)


def _rows(findings: dict[str, Any]) -> list[list[str]]:
    """Look and finding, a sentence each."""
    rows = []
    if line := findings.get("interpolation"):
        ends = f"loss {_number(line['start_loss'])} at the start, "
        ends += f"{_number(line['solution_loss'])} at the solution; "
        hill = f"a hill of {_number(line['hill'])}" if line["barrier"] else "no barrier"
        rows.append(["line", f"{ends}{hill} between them"])
    if plane := findings.get("plane"):
        a, b = plane["lowest"]["at"]
        lowest = f"lowest loss {_number(plane['lowest']['loss'])} at ({a:.2g}, {b:.2g})"
        rows.append(["plane", f"{lowest}, highest {_number(plane['highest'])}"])
    if bends := findings.get("curvature"):
        ends = f"{_number(bends['smallest'][0])} to {_number(bends['largest'][0])}"
        unsure = "" if bends["settled"] else " (not settled)"
        rows.append(["curvature", f"eigenvalues of the Hessian from {ends}{unsure}"])
        gradient = f"gradient of length {_number(bends['gradient_norm'])}"
        rows.append(["place", f"{bends['kind']}; {gradient}"])
        if step := bends.get("step"):
            told = f"to {_number(step['measured'])}, to second order {_number(step['predicted'])}"
            best = f"a step of −ε·gradient with ε = {_number(step['rate'])}"
            rows.append(["step", f"{best}: loss {_number(bends['loss'])} {told}"])
    return rows


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3g}"
