"""What a search looks through: values and ranges of settings, and which of them are legal."""

import contextlib
import itertools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from decimal import Decimal
from typing import Any, Literal, get_args, get_origin

from gradus.core.errors import UsageError
from gradus.core.recipe import MACHINE_SETTINGS, FitConfig, Recipe

Sampler = Literal["grid", "random", "tpe"]
Pruner = Literal["auto", "none", "median", "hyperband"]

GRID_LIMIT = 10_000
"""Most points of a grid, and most combinations of extremes that are tried for legality."""
SPREAD = 30.0
"""The default space reaches from the recipe's learning rate / 30 to × 30."""
NOT_SEARCHED = MACHINE_SETTINGS | {"checkpoint_seconds"}
"""Settings without influence on what is learnt."""


@dataclass(frozen=True)
class Range:
    """All numbers between two, both included; whole ones for a whole-numbered setting.

    Attributes:
        low: the smallest.
        high: the largest, > low.
        log: spread evenly over the logarithm; low must be > 0.
        step: distance between two numbers, which divides high − low; 0: any number.
    """

    low: float
    high: float
    log: bool = False
    step: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no range."""
        what = f"{self.low:g}..{self.high:g}"
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise UsageError(f"a range must rise from a number to a larger one, got {what}")
        if self.log and self.low <= 0:
            raise UsageError(f"a range in the logarithm must begin above 0, got {what}")
        if self.log and self.step:
            raise UsageError(f"a range has a step or is in the logarithm, got both for {what}")
        wide = Decimal(str(self.high)) - Decimal(str(self.low))
        if self.step < 0 or (self.step and wide % Decimal(str(self.step))):
            raise UsageError(f"a step must divide its range, got {self.step:g} for {what}")


Space = Mapping[str, Sequence[Any] | Range]
"""Name of a setting -> its values or its range."""


def parse_space(config: FitConfig, values: Iterable[str], ranges: Iterable[str]) -> Space:
    """The space that words of the command line spell out.

    Args:
        config: gives each setting its type.
        values: words such as `lr=0.1,0.01` or `hidden=none,64,64x64`.
        ranges: words such as `lr=1e-4..1:log`, `dropout=0..0.5:0.1` or `batch_size=16..256`.

    Raises:
        UsageError: a word is not of that form, or a setting is named twice.
    """
    kinds = {f.name: f.type for f in fields(config)}
    space: dict[str, Sequence[Any] | Range] = {}
    for word, is_range in [*((w, False) for w in values), *((w, True) for w in ranges)]:
        name, equals, text = word.partition("=")
        name = name.strip().replace("-", "_")
        if not (name and equals):
            example = "lr=1e-4..1:log" if is_range else "lr=0.1,0.01"
            raise UsageError(f"{word!r} must be of the form NAME=…, such as {example}")
        if name in space:
            raise UsageError(f"{name} is given twice: once with all its values is enough")
        kind = kinds.get(name, str)
        if is_range:
            space[name] = _range(name, text, kind)
        else:
            space[name] = tuple(_value(part.strip(), kind) for part in text.split(","))
    return space


def _range(name: str, text: str, kind: Any) -> Range:
    low, dots, rest = text.partition("..")
    high, _, how = rest.partition(":")
    if kind not in (int, float):
        raise UsageError(f"{name} is not a number: give its values, {name}=A,B,C, not a range")
    number = int if kind is int else float
    try:
        if not dots:
            raise ValueError
        log, step = how == "log", number(how) if how not in ("", "log") else 0
        ends = number(low), number(high)
    except ValueError:
        kind_of = "whole numbers" if kind is int else "numbers"
        raise UsageError(
            f"{name}={text!r} must be LOW..HIGH, LOW..HIGH:log or LOW..HIGH:STEP in {kind_of}"
        ) from None
    return Range(*ends, log, step)


def _value(text: str, kind: Any) -> Any:
    """The value that a word means; a word that is none stays one, for the config to refuse."""
    if get_origin(kind) is tuple:
        parts = [] if text in ("", "none") else text.split("x")
        return tuple(_value(part, get_args(kind)[0]) for part in parts)
    if get_origin(kind) is Literal:
        return {str(a): a for a in get_args(kind)}.get(text, text)
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    if kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def checked(recipe: Recipe, config: FitConfig, space: Space) -> dict[str, tuple[Any, ...] | Range]:
    """The space in the types of the settings, once all of it that can be tried was found legal.

    Args:
        recipe: whose settings they are.
        config: the settings that stay as they are.
        space: values and ranges; all combinations of values and of the ends of ranges are tried,
            the first 10,000 if there are more.

    Raises:
        UsageError: a setting is unknown or cannot be searched, a value is given twice or none is,
            or the config refuses a combination; the message is the config's own.
    """
    kinds = {f.name: f.type for f in fields(config)}
    typed: dict[str, tuple[Any, ...] | Range] = {}
    for name, part in space.items():
        if name not in kinds:
            configured(recipe, config, {name: None})  # says what is unknown, and what is near
        if name in NOT_SEARCHED:
            raise UsageError(f"{name} does not change what is learnt: set it for all trials")
        if isinstance(part, Range):
            number = kinds[name]
            if number not in (int, float):
                raise UsageError(f"{name} is not a number: give its values, not a range")
            given = (part.low, part.high, part.step)
            if number is int and any(int(v) != v for v in given):
                raise UsageError(f"{name} must be a whole number, got {show(part)}")
            low, high, step = (int(v) if number is int else float(v) for v in given)
            typed[name] = Range(low, high, part.log, step)
        else:
            typed[name] = _distinct(name, part, kinds[name])
    for point in itertools.islice(_extremes(typed), GRID_LIMIT):
        configured(recipe, config, point)
    return typed


def _distinct(name: str, values: Sequence[Any], kind: Any) -> tuple[Any, ...]:
    if isinstance(values, str) or not len(values):
        raise UsageError(f"{name} needs values, got {values!r}")
    kept = tuple(float(v) if kind is float and type(v) is int else v for v in values)
    if get_origin(kind) is tuple:
        kept = tuple(tuple(v) if isinstance(v, list) else v for v in kept)
    elif get_origin(kind) is not Literal and kind not in (int, float, bool, str):
        raise UsageError(f"{name} cannot be searched: its values are neither numbers nor words")
    for number, value in enumerate(kept):
        if value in kept[:number]:
            raise UsageError(f"{name} is given the value {show(value)} twice")
    return kept


def configured(recipe: Recipe, config: FitConfig, point: Mapping[str, Any]) -> FitConfig:
    """`config` with a point of the space laid over it.

    Raises:
        UsageError: a setting is unknown or its value is refused.
    """
    return replace(recipe, config=config).configure(**point)


def _extremes(space: Space) -> Iterator[dict[str, Any]]:
    """Every combination of the values and of the ends of the ranges."""
    sides = [(p.low, p.high) if isinstance(p, Range) else p for p in space.values()]
    for point in itertools.product(*sides):
        yield dict(zip(space, point, strict=True))


def grid(space: Space) -> list[dict[str, Any]]:
    """Every combination of the values, the last setting changing fastest.

    Raises:
        UsageError: the space holds a range, or there are more than 10,000 points.
    """
    for name, part in space.items():
        if isinstance(part, Range):
            raise UsageError(f"a grid takes values, not a range: {name}={show(part)}")
    count = math.prod(len(p) for p in space.values() if not isinstance(p, Range))
    if count > GRID_LIMIT:
        raise UsageError(f"the grid has {count:,} points, at most {GRID_LIMIT:,} can be tried")
    return list(_extremes(space))


def largest_batch(config: FitConfig, space: Space) -> dict[str, Any]:
    """A point of the space with its largest minibatch, which the training set must hold."""
    point = next(_extremes(space), {})
    sizes = space.get("batch_size", (config.batch_size,))
    return {**point, "batch_size": sizes.high if isinstance(sizes, Range) else max(sizes)}


def default_space(config: FitConfig, examples: int) -> Space:
    """What is searched where nothing else is asked for: learning rate and minibatch.

    Args:
        config: the settings to look around.
        examples: in the training set; no minibatch is larger.

    Returns:
        The learning rate from a thirtieth to thirty times, in the logarithm, and minibatches of a
        quarter to four times the size.
    """
    low, high = (float(f"{config.lr * factor:.2g}") for factor in (1 / SPREAD, SPREAD))
    sizes = (max(1, min(int(config.batch_size * f), examples)) for f in (0.25, 0.5, 1, 2, 4))
    return {"lr": Range(low, high, log=True), "batch_size": tuple(dict.fromkeys(sizes))}


def space_to_json(space: Space) -> dict[str, Any]:
    """The space as plain JSON values."""
    return {n: asdict(p) if isinstance(p, Range) else list(p) for n, p in space.items()}


def space_from_json(values: Mapping[str, Any]) -> Space:
    """The inverse of `space_to_json`."""
    return {
        n: Range(**p)
        if isinstance(p, dict)
        else tuple(tuple(v) if isinstance(v, list) else v for v in p)
        for n, p in values.items()
    }


def show(value: Any) -> str:
    """A value of a setting, or a range, in few letters: numbers with four digits."""
    match value:
        case Range():
            how = ":log" if value.log else f":{value.step:g}" if value.step else ""
            return f"{value.low:g}..{value.high:g}{how}"
        case bool():
            return str(value).lower()
        case float():
            return f"{value:.4g}"
        case tuple():
            return "x".join(show(v) for v in value) or "none"
    return str(value)


def train_words(recipe: Recipe, config: FitConfig) -> list[str]:
    """The words after `gradus` that train the recipe with exactly these settings."""
    words = ["train", recipe.name]
    for f in fields(config):
        value, usual = getattr(config, f.name), getattr(recipe.config, f.name)
        if value == usual:
            continue
        option = "--" + f.name.replace("_", "-")
        if isinstance(value, bool):
            words.append(option if value else option.replace("--", "--no-", 1))
        elif isinstance(value, tuple):
            words += [option, *map(str, value)]
        else:
            words += [option, repr(value) if isinstance(value, float) else str(value)]
    return words
