"""What the verbs of the command line take and do: one dataclass and one function for each."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from gradus import catalog
from gradus.api import open_run
from gradus.core.errors import UsageError
from gradus.core.launch import is_leading_process
from gradus.core.recipe import Recipe, check_setting, nearest
from gradus.tables import heading, say, show_json, table

Name = Annotated[str, arg(metavar="RECIPE")]
RunFolder = Annotated[Path, arg(metavar="RUN")]
Folder = Annotated[Path, arg(metavar="FOLDER")]


@dataclass(frozen=True)
class ListArgs:
    """The recipes: what each learns, from which data, how well and how fast."""

    json: bool = False
    """Print one JSON document."""


def list_(args: ListArgs) -> None:
    """Print the catalogue."""
    rows = [catalog.row(recipe) for recipe in catalog.recipes()]
    if args.json:
        show_json({"recipes": rows})
        return
    table(
        ["recipe", "what it does", "--quick", "in full"],
        [
            [
                row["name"],
                f"{row['summary']} [{row['data'].split(' (')[0]}]",
                _expectation(row["expected"].get("quick")),
                _expectation(row["expected"].get("full")),
            ]
            for row in rows
        ],
        numbers=(2, 3),
    )
    say("Measured on the test set; `gradus train RECIPE --quick` is the place to start.")


def _expectation(measured: dict[str, Any] | None) -> str:
    if not measured:
        return "–"
    from gradus.core.report import show

    return f"{show(measured['metric'], measured['mean'])}, {measured['seconds']:.0f} s"


@dataclass(frozen=True)
class DescribeArgs:
    """A recipe's layers with output shapes, parameters and operations."""

    recipe: Positional[Name]
    """Name of the recipe."""
    draw: Annotated[Path | None, arg(metavar="FILE")] = None
    """Also draw the network into this file (.png; an .svg is put beside it)."""
    json: bool = False
    """Print one JSON document."""


def describe(args: DescribeArgs, recipe: Recipe, config: Any) -> None:
    """Print a model's table, and draw it."""
    from gradus.core.describe import describe
    from gradus.core.task import build_task

    task = build_task(recipe, config)
    rows = describe(task.model, task.sample)
    if args.draw:
        from gradus.core.drawing import draw_model
        from gradus.core.plot import save

        save(draw_model(task.model, task.sample), args.draw)
    if args.json:
        show_json({"recipe": recipe.name, "layers": [vars(r) for r in rows]})
        return
    heading(f"{recipe.name}: {recipe.summary}")
    say(f"source: {recipe.source}\ndata:   {recipe.data}\n")
    table(
        ["layer", "kind", "output shape", "parameters", "FLOPs an example"],
        [[r.path, r.kind, str(r.output_shape), f"{r.parameters:,}", f"{r.flops:,}"] for r in rows],
        numbers=(2, 3, 4),
    )
    total = sum(p.numel() for p in task.model.parameters())
    say(f"\n{total:,} parameters; change the settings with: gradus train {recipe.name} --help")


@dataclass(frozen=True)
class TrainArgs:
    """Train a recipe into a run folder. Every setting of the recipe is an option."""

    recipe: Positional[Name]
    """Name of the recipe (gradus list)."""
    run_dir: Annotated[Path | None, arg(metavar="FOLDER")] = None
    """Run folder; by default the next free runs/RECIPE-NUMBER."""
    resume: bool = False
    """Go on with the run in --run-dir, with its own settings."""
    quick: bool = False
    """The classroom version: at most a minute on two cores, with the score to expect."""
    devices: int = 1
    """Processes to share the work: one per GPU, or CPU processes."""

    def __post_init__(self) -> None:
        """Refuse a number that cannot be meant."""
        check_setting(self.devices >= 1, "devices", "≥ 1", self.devices)


def train(args: TrainArgs, recipe: Recipe, config: Any) -> None:
    """Train, and say what came of it."""
    from gradus.core.device import leave_group
    from gradus.core.experiment import train as train_recipe

    try:
        run = train_recipe(recipe, config, path=args.run_dir, resume=args.resume)
    finally:
        leave_group()
    if not is_leading_process():
        return
    from gradus.core.report import show

    results, metric = run.results, recipe.metric
    value = results["test"][metric]
    heading(
        f"{recipe.name}: test {metric} {show(metric, value)} "
        f"({results['steps']:,} updates in {results['seconds']:.1f} s)"
    )
    if args.quick:
        say(catalog.verdict(recipe, value))
    say(f"{run.path}/report.md has the figures; go on with")
    say(f"  gradus evaluate {run.path}")
    say(f"  gradus advise {run.path}")
    say(f"  tensorboard --logdir {run.path.parent}")


@dataclass(frozen=True)
class EvaluateArgs:
    """Measure a run's best epoch; everything needed is in its folder, but for the data."""

    run: Positional[RunFolder]
    """Run folder."""
    split: Literal["test", "validation", "train"] = "test"
    """Which examples to measure on."""
    json: bool = False
    """Print one JSON document."""


def evaluate(args: EvaluateArgs) -> None:
    """Print a run's loss and metrics."""
    from gradus.core.report import show

    run = open_run(args.run)
    values = run.evaluate(args.split)
    if args.json:
        show_json({"run": str(run.path), "recipe": run.recipe.name, args.split: values})
        return
    heading(f"{run.path} ({run.recipe.name}), {args.split} set")
    table(["metric", "value"], [[k, show(k, v)] for k, v in values.items()], numbers=(1,))


@dataclass(frozen=True)
class PredictArgs:
    """Answer about new inputs: image files, or numbers such as 7,5; one a line on stdin too."""

    run: Positional[RunFolder]
    """Run folder."""
    inputs: Positional[Annotated[tuple[str, ...], arg(metavar="[INPUT ...]")]] = ()
    """What to answer about; without any, each line of standard input is one."""
    json: bool = False
    """Print one JSON document."""


def predict(args: PredictArgs) -> None:
    """Print an answer for each input."""
    run = open_run(args.run)
    inputs = args.inputs or tuple(line.strip() for line in sys.stdin if line.strip())
    if not inputs:
        raise UsageError("nothing to answer about: name an input, or give lines on stdin")
    answers = run.predict(*inputs)
    if args.json:
        show_json({"run": str(run.path), "answers": answers})
        return
    for answer in answers:
        given = answer.pop("input")
        say(f"{given}: {_words(answer)}")


def _words(answer: dict[str, Any]) -> str:
    """An answer in one line."""
    if "top" in answer:
        return "  ".join(f"{t['label']} ({t['probability']:.1%})" for t in answer["top"])
    return "  ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in answer.items()
    )


@dataclass(frozen=True)
class DataArgs:
    """The public data sets: where they lie here, where they come from, their terms."""

    name: Positional[Annotated[str, arg(metavar="[NAME]")]] = ""
    """One data set, to see its files and addresses."""
    fetch: bool = False
    """Download what is missing of it, checksums verified."""
    json: bool = False
    """Print one JSON document."""


def data(args: DataArgs) -> None:
    """Print or fetch data sets."""
    from gradus.core.download import locate, status
    from gradus.data.public import SETS

    if args.name and args.name not in SETS:
        raise UsageError(f"no data set is called {args.name!r}{nearest(args.name, SETS)}")
    if args.fetch and not args.name:
        raise UsageError("fetch which data set? gradus data NAME --fetch")
    chosen = [SETS[args.name]] if args.name else list(SETS.values())
    if args.fetch:
        for file in chosen[0].files:
            locate(file, folder=chosen[0].name)
    states = {s.name: status(s) for s in chosen}
    if args.json:
        show_json({name: [vars(f) for f in files] for name, files in states.items()})
        return
    rows = []
    for remote in chosen:
        files = states[remote.name]
        here = sum(f.path is not None for f in files)
        rows.append([remote.name, remote.about, f"{here} of {len(files)}", remote.licence])
    table(["data set", "what", "files here", "terms"], rows, numbers=(2,))
    if args.name:
        for file, state in zip(chosen[0].files, states[args.name], strict=True):
            say(f"\n{file.name}  {state.path or 'not here'}")
            say(f"  sha256 {file.sha256}")
            for url in file.urls:
                say(f"  {url}")
    else:
        say("digits comes with scikit-learn. $GRADUS_DATA names a folder of raw files used first.")


@dataclass(frozen=True)
class RunsArgs:
    """The run folders, newest last, with their results."""

    folder: Positional[Folder] = Path("runs")
    """Folder that holds the run folders."""
    recipe: str = ""
    """Only runs of this recipe."""
    json: bool = False
    """Print one JSON document."""


def runs(args: RunsArgs) -> None:
    """Print the table of runs."""
    from gradus.core.report import show
    from gradus.core.run import all_runs

    found = [
        (path, info)
        for path, info in all_runs(args.folder)
        if args.recipe in ("", info.get("recipe"))
    ]
    if args.json:
        show_json({"runs": [{"path": str(p), **info} for p, info in found]})
        return
    if not found:
        say(f"no runs in {args.folder}/ yet; make one with: gradus train digits-mlp --quick")
        return
    rows = []
    for path, info in found:
        results = info.get("results", {})
        test = results.get("test", {})
        name = next((n for n in ("accuracy", "error", "loss") if n in test), "loss")
        rows.append(
            [
                path.name,
                info.get("status", "?"),
                f"{name} {show(name, test.get(name))}" if test else "–",
                f"{results.get('best_epoch', '–')}/{results.get('epochs', '–')}",
                f"{results['seconds']:.1f}" if results else "–",
                info.get("created", "")[:16].replace("T", " "),
            ]
        )
    table(["run", "status", "test", "best epoch", "time (s)", "made (UTC)"], rows, (2, 3, 4))


@dataclass(frozen=True)
class FigureArgs:
    """Redraw figures of the book from real runs, or the figures of one of your runs."""

    what: Positional[Annotated[tuple[str, ...], arg(metavar="[FIGURE | RUN ...]")]] = ()
    """Figures of the book, such as 1-4 2-3, or run folders."""
    all: bool = False
    """Draw every figure of the book that there is."""
    list: bool = False
    """Name the figures instead of drawing."""
    out: Folder = Path("figures")
    """Folder for the book's figures; a run's own go into its folder."""
    json: bool = False
    """Print one JSON document."""


def figure(args: FigureArgs) -> None:
    """Draw figures, and say where they are."""
    figures = catalog.figures()
    if args.list:
        rows = [{"figure": n, "what": (f.__doc__ or "").split("\n")[0]} for n, f in figures.items()]
        if args.json:
            show_json({"figures": rows})
        else:
            table(["figure", "what it shows"], [[r["figure"], r["what"]] for r in rows])
        return
    wanted = list(figures) if args.all else list(args.what)
    if not wanted:
        raise UsageError("which figure? gradus figure 2-3, gradus figure RUN (see: --list, --all)")
    drawn = [path for name in wanted for path in _draw(name, figures, args.out)]
    if args.json:
        show_json({"figures": [str(p) for p in drawn]})
    else:
        for path in drawn:
            say(str(path))


def _draw(name: str, figures: dict[str, Callable[[], Any]], out: Path) -> list[Path]:
    """One figure of the book, or all of a run; the PNG files."""
    from gradus.core.plot import save

    if name in figures:
        return [save(figures[name](), out / f"figure-{name}.png")]
    if Path(name, "run.json").exists():
        run = open_run(name)
        return [run.figure(f) for f in run.figures()]
    raise UsageError(
        f"{name!r} is neither a figure of the book{nearest(name, list(figures))} "
        "nor a run folder (see: gradus figure --list)"
    )


@dataclass(frozen=True)
class AdviseArgs:
    """What a run's curves say (underfits, overfits, plateau …) and what to try next."""

    run: Positional[RunFolder]
    """Run folder."""
    json: bool = False
    """Print one JSON document."""


def advise(args: AdviseArgs) -> None:
    """Print the diagnosis of a run."""
    from gradus.core.advise import advise

    run = open_run(args.run)
    advice = advise(run.records())
    if args.json:
        show_json({"run": str(run.path), **vars(advice)})
        return
    heading(f"{run.path}: {advice.verdict}")
    for line in advice.evidence:
        say(f"  {line}")
    if advice.next_steps:
        say("What to try next")
        for line in advice.next_steps:
            say(f"  {line}")
