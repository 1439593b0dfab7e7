"""The command line: for each verb one dataclass of arguments and one function."""

import contextlib
import io
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

from tyro.conf import Positional, arg

import gradus
from gradus import catalog
from gradus.api import open_run, starting_config
from gradus.core.errors import Interrupted, RunError, UsageError
from gradus.core.launch import UNEXPECTED, in_group, is_leading_process, launch
from gradus.core.progress import reporting
from gradus.core.recipe import FitConfig, Recipe, check_setting, nearest
from gradus.parse import parse
from gradus.tables import heading, say, show_json, table

Name = Annotated[str, arg(metavar="RECIPE")]
RunFolder = Annotated[Path, arg(metavar="RUN")]
Folder = Annotated[Path, arg(metavar="FOLDER")]

OVERVIEW = """\
usage: gradus VERB [...]        gradus VERB --help tells more

Learn, run and look inside the models of "Fundamentals of Deep Learning".

start here
  list         the recipes: what each learns, from which data, how well
  train        train a recipe into a run folder; --quick takes under a minute
  figure       redraw a figure of the book, or the figures of a run

look at a run
  runs         the run folders, with their results
  evaluate     measure a run's best epoch on the test set
  predict      answer about new inputs: image files, numbers
  advise       what the curves say, and what to try next

look around
  describe     a recipe's layers, shapes, parameters, operations; its drawing
  data         the public data sets: where they are, where they come from
  completion   a script that completes gradus commands in your shell

--debug shows where an error came from; --version the version.
Example:  gradus train digits-mlp --quick
"""


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
    from gradus.core.experiment import train as train_recipe

    run = train_recipe(recipe, config, path=args.run_dir, resume=args.resume)
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


@dataclass(frozen=True)
class CompletionArgs:
    """Print a script that completes gradus commands: source it from your shell's start-up."""

    shell: Positional[Literal["bash", "zsh", "fish"]] = "bash"
    """Your shell."""


def completion(args: CompletionArgs) -> None:
    """Print the completion script."""
    from gradus.parse import completion_script

    verbs = {}
    for name, (arguments, _, of_recipe) in VERBS.items():
        recipes = catalog.recipes() if of_recipe else []
        verbs[name] = {r.name: _combined(arguments, r.config) for r in recipes} or arguments
    sys.stdout.write(completion_script(args.shell, "gradus", verbs))


class Verb(NamedTuple):
    """A verb's arguments, its function, and whether a recipe's settings are options too."""

    arguments: Any
    function: Callable[..., None]
    of_recipe: bool = False


VERBS = {
    "list": Verb(ListArgs, list_),
    "describe": Verb(DescribeArgs, describe, of_recipe=True),
    "train": Verb(TrainArgs, train, of_recipe=True),
    "evaluate": Verb(EvaluateArgs, evaluate),
    "predict": Verb(PredictArgs, predict),
    "data": Verb(DataArgs, data),
    "runs": Verb(RunsArgs, runs),
    "figure": Verb(FigureArgs, figure),
    "advise": Verb(AdviseArgs, advise),
    "completion": Verb(CompletionArgs, completion),
}


def _combined(arguments: type, settings: FitConfig) -> type:
    """A verb's own arguments and a recipe's settings as one dataclass."""
    made = make_dataclass(
        arguments.__name__,
        [("general", arguments), ("recipe", type(settings), field(default=settings))],
        frozen=True,
    )
    made.__doc__ = arguments.__doc__
    return made


def _call(verb: str, words: list[str]) -> None:
    """Parse a verb's words and call its function."""
    if verb not in VERBS:
        raise UsageError(f"no verb is called {verb!r}{nearest(verb, VERBS)} (see: gradus --help)")
    arguments, function, of_recipe = VERBS[verb]
    if not of_recipe:
        function(parse(arguments, words, f"gradus {verb}"))
        return
    if words and words[0] in ("-h", "--help"):
        parse(arguments, words, f"gradus {verb}")
    if not words or words[0].startswith("-"):
        raise UsageError(f"which recipe? gradus {verb} RECIPE [...] (see: gradus list)")
    recipe = catalog.recipe(words[0])
    settings = starting_config(
        recipe,
        quick="--quick" in words,
        resume=Path(_value("--run-dir", words)) if "--resume" in words else None,
    )
    parsed: Any = parse(_combined(arguments, settings), words, f"gradus {verb} {recipe.name}")
    processes = getattr(parsed.general, "devices", 1)
    if processes > 1 and not in_group():
        raise SystemExit(launch(processes, [verb, *words]))
    function(parsed.general, recipe, parsed.recipe)


def _value(option: str, words: list[str]) -> str:
    """The value given to an option, before the real parsing."""
    for word, after in zip(words, [*words[1:], ""], strict=True):
        if word == option and after:
            return after
        if word.startswith(option + "="):
            return word.split("=", 1)[1]
    raise UsageError(f"{option} is needed here: which run should go on?")


def main(argv: Sequence[str]) -> int:
    """Run one command; the exit code: 0 done, 1 failed, 2 wrong use, 128 + signal."""
    words = [w for w in argv if w != "--debug"]
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(OVERVIEW)
        return 0
    if words[0] == "--version":
        sys.stdout.write(f"gradus {gradus.__version__}\n")
        return 0
    try:
        with reporting():
            _call(words[0], words[1:])
        sys.stdout.flush()
    except SystemExit as stop:  # tyro's, after --help; or the code of a group of processes
        return int(stop.code or 0)
    except (Exception, Interrupted, KeyboardInterrupt) as error:
        if len(words) < len(argv):
            raise
        return _tell(error)
    return 0


def _tell(error: BaseException) -> int:
    """One line about an error on standard error; the exit code."""
    match error:
        case Interrupted():
            text, code = f"stopped; go on with: {error}", 128 + error.signum
        case KeyboardInterrupt():
            text, code = "stopped", 130
        case UsageError():
            text, code = str(error), 2
        case RunError():
            text, code = str(error), 1
        case BrokenPipeError():
            return 0
        case OSError():
            text, code = str(error), 1
        case _:
            what = " ".join(f"{type(error).__name__}: {error}".split())
            text = f"unexpected {what} (--debug shows where)"
            code = UNEXPECTED if in_group() else 1
    sys.stderr.write(f"gradus: {text}\n")
    return code


def entry() -> None:
    """The `gradus` command."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # a terminal that lacks a sign shows "?"
    warnings.showwarning = _warn
    code = main(sys.argv[1:])
    with contextlib.suppress(OSError):  # told already
        sys.stdout.flush()
    sys.exit(code)


def _warn(message: Warning | str, *where: object, **more: object) -> None:
    """A warning in one line on standard error."""
    sys.stderr.write(f"gradus: {message}\n")
