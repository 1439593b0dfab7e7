"""Looking for an image with the content of one and the style of another, from coarse to fine."""

import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import interpolate

from gradus.core.errors import RunError, UsageError
from gradus.vision.style.colours import luminance, match_histogram, match_luminance, with_luminance
from gradus.vision.style.config import StyleConfig
from gradus.vision.style.losses import Loss, Targets, Weights, gram
from gradus.vision.style.networks import StyleNetwork

COARSEST = 64
"""No size is halved whose longer side would then have fewer pixels than this."""
HISTORY = 20
"""Steps that L-BFGS remembers: each costs as much memory as two images."""

Size = tuple[int, int]
Numbers = dict[str, float]
Judge = Callable[[Tensor], Loss]


@dataclass(frozen=True)
class Frame:
    """Where the work stands after an evaluation.

    Attributes:
        level: which size, from 0, the coarsest.
        sizes: (height, width) of each level.
        evaluation: of this level, from 1.
        losses: `total` and its parts `content`, `style`, `variation`, for `canvas`.
        canvas: the best of this level so far, in [0, 1]: colours, or luminance alone.
        image: makes the picture of the canvas.
        before: the losses of what was started with, at the last size.
    """

    level: int
    sizes: list[Size]
    evaluation: int
    losses: Numbers
    canvas: Float[Tensor, "1 channels height width"]
    image: Callable[[], Float[Tensor, "1 3 height width"]]
    before: Numbers


def stylize(
    content: Float[Tensor, "1 3 height width"],
    artwork: Float[Tensor, "1 3 rows columns"],
    network: StyleNetwork,
    config: StyleConfig,
    *,
    seen: Callable[[Frame], None] = lambda frame: None,
    resume: tuple[int, int, Tensor] | None = None,
) -> Frame:
    """Minimise α · content + β · style + total variation over the pixels of an image.

    The image is found at a small size first, which settles the large strokes at little cost, then
    enlarged and worked on at twice the size, up to the whole.

    Args:
        content: p, colours in [0, 1].
        artwork: a, colours in [0, 1].
        network: which judges; on the device of the images.
        config: sizes, weights, optimiser.
        seen: is told of every evaluation; what it raises ends the work.
        resume: level, evaluations done and canvas of an earlier frame, to go on from.

    Returns:
        The last frame.

    Raises:
        UsageError: an image is too small for the network.
        RunError: the loss is not finite.
    """
    sizes = pyramid(content.shape[2], content.shape[3], config.size)
    _check_size(content, sizes[-1], network, "content", "--size")
    sizes = [size for size in sizes if network.takes(*size)]
    photo, art, image_of = _in_colours(content, artwork, config)
    weights = Weights(config.content_weight, config.style_weight, config.variation_weight)

    def judge(size: Size) -> Judge:
        targets = _targets(photo, art, size, network, config.style_scale)
        return lambda canvas: targets.loss(network.features(_rgb(canvas)), canvas, weights)

    start = photo if config.start == "content" else _noise(photo, config.seed)
    last = judge(sizes[-1])
    with torch.no_grad():
        before = _numbers(last(resized(start, sizes[-1])))
    level, done, canvas = resume or (0, 0, start)
    frame = None
    for number in range(level, len(sizes)):
        canvas = resized(canvas, sizes[number])

        def heard(evaluation: int, losses: Numbers, best: Tensor, number: int = number) -> None:
            nonlocal frame
            frame = Frame(number, sizes, evaluation, losses, best, partial(image_of, best), before)
            seen(frame)

        here = last if number == len(sizes) - 1 else judge(sizes[number])
        canvas = descend(here, canvas, config, heard, done)
        done = 0
    if frame is None:
        raise UsageError("nothing is left to do: every evaluation of the last size was made")
    return frame


def pyramid(height: int, width: int, size: int) -> list[Size]:
    """The (height, width) of each level, coarsest first: each twice the one before, to a pixel.

    Args:
        height: of the content.
        width: of the content.
        size: longer side of the last level; 0: of the content's own size.
    """
    longer = size or max(height, width)
    sizes = [_fitted(height, width, longer)]
    while longer / 2 >= COARSEST:
        longer = longer // 2
        sizes.insert(0, _fitted(height, width, longer))
    return sizes


def descend(
    judge: Judge,
    canvas: Tensor,
    config: StyleConfig,
    heard: Callable[[int, Numbers, Tensor], None],
    done: int = 0,
) -> Tensor:
    """The best canvas that an optimiser finds in `config.steps` evaluations of loss and gradient.

    The loss is that of the canvas cut to [0, 1], which is what is seen in the end.

    Args:
        judge: canvas -> its loss.
        canvas: where to begin.
        config: optimiser and number of evaluations.
        heard: is told after each of its number, the losses of the best canvas, and that canvas.
        done: evaluations made before.

    Raises:
        RunError: a loss is not finite.
    """
    x = canvas.clone(memory_format=torch.contiguous_format).requires_grad_()  # for L-BFGS
    best, losses, count = canvas, {"total": math.inf}, done

    def evaluate() -> float:
        nonlocal best, losses, count
        if count >= config.steps:
            raise _Spent
        shown = x.clamp(0, 1)
        loss = judge(shown)
        optimizer.zero_grad()
        loss.total.backward()
        found, count = _numbers(loss), count + 1
        if not math.isfinite(found["total"]):
            raise RunError(f"the loss became {found['total']}: take smaller weights")
        if found["total"] < losses["total"]:
            best, losses = shown.detach().clone(), found
        heard(count, losses, best)
        return found["total"]

    optimizer = _optimizer(x, config)
    with suppress(_Spent):
        if config.optimizer == "lbfgs":
            optimizer.step(evaluate)
        else:
            while True:
                optimizer.step(evaluate)
    return best


class _Spent(Exception):
    """All evaluations are made."""


def _optimizer(x: Tensor, config: StyleConfig) -> torch.optim.Optimizer:
    if config.optimizer == "adam":
        return torch.optim.Adam([x], lr=config.lr)
    return torch.optim.LBFGS(
        [x],
        max_iter=config.steps,
        history_size=HISTORY,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )


def resized(image: Tensor, size: Size) -> Tensor:
    """An image at another size: what is lost in making it smaller is averaged, not skipped."""
    if tuple(image.shape[2:]) == size:
        return image
    smooth = interpolate(image, size, mode="bicubic", antialias=True, align_corners=False)
    return smooth.clamp(0, 1)


def _fitted(height: int, width: int, longer: int) -> Size:
    """(height, width) with these proportions and this longer side; neither below 1."""
    scale = longer / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def _check_size(
    image: Tensor, scaled: Size, network: StyleNetwork, what: str, setting: str
) -> None:
    if not network.takes(*scaled):
        before, now = (f"{width}×{height}" for height, width in (image.shape[2:], scaled))
        raise UsageError(
            f"a {what} picture of {before} pixels, scaled to {now}, is too small for the layers "
            f"of {network.name}: crop it or raise {setting}"
        )


def _targets(
    photo: Tensor, art: Tensor, size: Size, network: StyleNetwork, style_scale: float
) -> Targets:
    """What the network sees in photograph and artwork at one size."""
    fitted = _fitted(art.shape[2], art.shape[3], round(style_scale * max(size)))
    _check_size(art, fitted, network, "style", "--style-scale")
    with torch.no_grad():
        seen, painted = (
            network.features(_rgb(resized(i, s))) for i, s in ((photo, size), (art, fitted))
        )
    return Targets(
        {layer: seen[layer] for layer in network.content},
        {layer: gram(painted[layer]) for layer in network.style},
    )


def _in_colours(
    content: Tensor, artwork: Tensor, config: StyleConfig
) -> tuple[Tensor, Tensor, Callable[[Tensor], Tensor]]:
    """Photograph, artwork, and canvas -> picture, for the colours that are asked for."""
    if config.colours == "luminance":
        photo = luminance(content)

        def coloured(canvas: Tensor) -> Tensor:
            return with_luminance(resized(content, (canvas.shape[2], canvas.shape[3])), canvas)

        return photo, match_luminance(luminance(artwork), photo).clamp(0, 1), coloured
    if config.colours == "histogram":
        artwork = match_histogram(artwork, content)
    return content, artwork, lambda canvas: canvas


def _noise(like: Tensor, seed: int) -> Tensor:
    """White noise around middle grey, of the shape and on the device of an image."""
    draw = torch.randn(like.shape, generator=torch.Generator().manual_seed(seed))
    return (0.5 + 0.15 * draw).clamp(0, 1).to(like)


def _rgb(canvas: Tensor) -> Tensor:
    """Three channels, whether the canvas has them or luminance alone."""
    return canvas.expand(-1, 3, -1, -1)


def _numbers(loss: Loss) -> Numbers:
    return {name: float(value.detach()) for name, value in vars(loss).items()}
