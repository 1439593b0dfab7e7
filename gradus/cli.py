"""The command line: finds the verb, parses its words, calls it, tells of errors."""

import contextlib
import io
import sys
import warnings
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field, fields, make_dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple, cast

from tyro.conf import Positional, Suppress

import gradus
from gradus import catalog
from gradus.api import starting_config
from gradus.core.errors import Interrupted, RunError, UsageError
from gradus.core.launch import UNEXPECTED, in_group, launch
from gradus.core.progress import reporting
from gradus.core.recipe import FitConfig, Recipe, nearest
from gradus.parse import parse
from gradus.verbs import (
    compare,
    data,
    figures,
    look,
    lr_find,
    neighbors,
    play,
    race,
    recipes,
    runs,
    search,
    search_images,
    stylize,
    surface,
    training,
)

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
  surface      the loss around its solution: a line, a plane, the curvature
  play         watch an agent: a video of its games, with what it thinks beside
  look         filters, feature maps of a picture, and what its answer rests on
  search-images  images like a given one, by the codes of an autoencoder

ask about words
  neighbors    the words nearest to a word
  analogy      what is to C as B is to A
  vectors      write a run's word vectors to a file

paint and play
  stylize      the content of one picture in the style of another
  race         optimisers race down a valley: an animation

choose settings
  compare      optimisers side by side on a recipe: same seeds, same starts
  lr-find      a learning rate for a recipe, by a short training
  search       a recipe's best settings, by grid, at random or with TPE

look around
  describe     a recipe's layers, shapes, parameters, operations; its drawing
  data         the public data sets: where they are, where they come from
  completion   a script that completes gradus commands in your shell

--debug shows where an error came from; --version the version.
Example:  gradus train digits-mlp --quick
"""


@dataclass(frozen=True)
class CompletionArgs:
    """Print a script that completes gradus commands: source it from your shell's start-up."""

    shell: Positional[Literal["bash", "zsh", "fish"]] = "bash"
    """Your shell."""


def completion(args: CompletionArgs) -> None:
    """Print the completion script."""
    from gradus.parse import completion_script

    choices: dict[str, Any] = {}
    for name, verb in VERBS.items():
        kind, named = verb.arguments, catalog.recipes() if verb.of_recipe else []
        choices[name] = {r.name: _combined(kind, r.config) for r in named} or kind
    sys.stdout.write(completion_script(args.shell, "gradus", choices))


class Verb(NamedTuple):
    """A verb's arguments, its function, and whether a recipe's settings are options too.

    `resumed` tells what one that goes on begins with: (recipe, folder) -> arguments, settings.
    """

    arguments: Any
    function: Callable[..., None]
    of_recipe: bool = False
    resumed: Callable[[Recipe, Path], tuple[Any, FitConfig]] | None = None


VERBS = {
    "list": Verb(recipes.ListArgs, recipes.list_),
    "describe": Verb(recipes.DescribeArgs, recipes.describe, of_recipe=True),
    "train": Verb(training.TrainArgs, training.train, of_recipe=True),
    "compare": Verb(compare.CompareArgs, compare.compare, of_recipe=True, resumed=compare.resumed),
    "lr-find": Verb(lr_find.LrFindArgs, lr_find.lr_find, of_recipe=True),
    "search": Verb(search.SearchArgs, search.search, of_recipe=True, resumed=search.resumed),
    "evaluate": Verb(runs.EvaluateArgs, runs.evaluate),
    "predict": Verb(runs.PredictArgs, runs.predict),
    "data": Verb(data.DataArgs, data.data),
    "runs": Verb(runs.RunsArgs, runs.runs),
    "figure": Verb(figures.FigureArgs, figures.figure),
    "advise": Verb(runs.AdviseArgs, runs.advise),
    "surface": Verb(surface.SurfaceArgs, surface.surface),
    "neighbors": Verb(neighbors.NeighborsArgs, neighbors.neighbors),
    "analogy": Verb(neighbors.AnalogyArgs, neighbors.analogy),
    "vectors": Verb(neighbors.VectorsArgs, neighbors.vectors),
    "race": Verb(race.RaceArgs, race.race),
    "play": Verb(play.PlayArgs, play.play),
    "look": Verb(look.LookArgs, look.look),
    "search-images": Verb(search_images.SearchImagesArgs, search_images.search_images),
    "stylize": Verb(stylize.StylizeArgs, stylize.stylize),
    "completion": Verb(CompletionArgs, completion),
}


def _combined(arguments: type, settings: FitConfig, given: Any = None) -> type:
    """A verb's own arguments and a recipe's settings as one dataclass.

    Args:
        arguments: the verb's; a setting of the same name is no option then.
        settings: where the recipe's begin.
        given: where the verb's own begin; None: as they are declared.
    """
    own, kind, hidden = {f.name for f in fields(arguments)}, type(settings), cast(Any, Suppress)
    taken = [(f.name, hidden[f.type], copy(f)) for f in fields(settings) if f.name in own]
    if taken:
        kind = make_dataclass(kind.__name__, taken, bases=(kind,), frozen=True, kw_only=True)
    start = {} if given is None else {"default": given}
    made = make_dataclass(
        arguments.__name__,
        [
            ("general", arguments, field(**start)),
            ("recipe", kind, field(default=kind(**vars(settings)))),
        ],
        frozen=True,
    )
    made.__doc__ = arguments.__doc__
    return made


def _call(verb: str, words: list[str]) -> None:
    """Parse a verb's words and call its function."""
    if verb not in VERBS:
        raise UsageError(f"no verb is called {verb!r}{nearest(verb, VERBS)} (see: gradus --help)")
    arguments, function, of_recipe, resumed = VERBS[verb]
    if not of_recipe:
        function(parse(arguments, words, f"gradus {verb}"))
        return
    if words and words[0] in ("-h", "--help"):
        parse(arguments, words, f"gradus {verb}")
    if not words or words[0].startswith("-"):
        raise UsageError(f"which recipe? gradus {verb} RECIPE [...] (see: gradus list)")
    recipe = catalog.recipe(words[0])
    folder, given = Path(_value("--run-dir", words)) if "--resume" in words else None, None
    if folder and resumed:
        given, settings = resumed(recipe, folder)
    else:
        settings = starting_config(recipe, quick="--quick" in words, resume=folder)
    kind = _combined(arguments, settings, given)
    parsed: Any = parse(kind, words, f"gradus {verb} {recipe.name}")
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
