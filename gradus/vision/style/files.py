"""From two picture files to a third: previews, what is kept in between, going on after a stop."""

import hashlib
import io
import re
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from gradus.core import checkpoint
from gradus.core.errors import DataError, Interrupted, UsageError
from gradus.core.files import write_atomically
from gradus.core.progress import Reporter, current
from gradus.core.signals import Stop, stop_signals
from gradus.data.images import image_size, read_image
from gradus.vision.style.config import LARGEST, MOST_STEPS, StyleConfig
from gradus.vision.style.descent import Frame, Size, stylize
from gradus.vision.style.networks import StyleNetwork

SHORTEST = 16
"""Pixels that the shorter side of content and style must have."""
PREVIEW_SECONDS = 10.0
"""Longest time between two previews under the name of the result, in s."""
FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}
"""Ending of the result -> how it is written."""
FRAME = re.compile(r"\d+-\d+x\d+-\d+\.png")
FREE = ("steps", "keep_every")
"""Settings that may change where a stopped work goes on."""


@dataclass(frozen=True)
class Painting:
    """What came of it.

    Attributes:
        path: the result.
        size: its (height, width).
        before: the losses of what was started with: `total` and its parts.
        after: the losses of the result.
        frames: the intermediate images, in order.
        seconds: the time it took, without what was done before a stop.
    """

    path: Path
    size: Size
    before: dict[str, float]
    after: dict[str, float]
    frames: list[Path]
    seconds: float

    @property
    def fall(self) -> float:
        """The share of the loss that is gone."""
        return 1 - self.after["total"] / self.before["total"] if self.before["total"] else 0.0


def paint(
    content: str | Path,
    artwork: str | Path,
    out: str | Path,
    network: StyleNetwork,
    config: StyleConfig,
    *,
    resume: bool = False,
    go_on: str = "",
    reporter: Reporter | None = None,
) -> Painting:
    """Paint the content of one picture file in the style of another into a third.

    The best image so far stands under the name `out`, in its full size, after seconds, and is
    replaced as the work goes on. Every `config.keep_every` evaluations the image is kept as it is
    in the folder NAME-steps beside it, with what is needed to go on after a stop.

    Args:
        content: photograph p; any size, shape and kind that `gradus.data.images` reads.
        artwork: artwork a.
        out: the result, PNG, JPEG or TIFF by its ending; what is there is replaced.
        network: which judges.
        config: size, steps, weights, colours.
        resume: go on with a stopped work; pictures, network and settings must be the same but for
            `steps` and `keep_every`.
        go_on: what the user types to go on, for the message when a signal stops the work.
        reporter: hears of the progress; by default the one in use (`progress.reporting`).

    Raises:
        UsageError: a picture cannot be read or is too small, `out` cannot be written, or there is
            nothing to go on from.
        RunError: the loss is not finite, or the disk is full.
        Interrupted: SIGINT or SIGTERM asked to stop; the best image was saved first.
    """
    reporter = reporter or current()
    device = next(network.model.parameters()).device
    photo, art = (_picture(Path(p), reporter).to(device) for p in (content, artwork))
    out = _checked(Path(out), (Path(content), Path(artwork)))
    mark = _mark(photo, art, network, config)
    state = _earlier(_folder(out), mark, reporter) if resume else None
    with stop_signals() as stop:
        record = _Record(out, config, mark, reporter, stop, go_on, going_on=resume)
        if state and _is_done(state, config):
            reporter.note(f"{out} is done ({config.steps} steps at each size): nothing is left")
            return record.finished(state["sizes"][-1], state["before"], state["losses"])
        at = (state["level"], state["evaluation"], state["canvas"].to(device)) if state else None
        try:
            last = stylize(photo, art, network, config, seen=record.seen, resume=at)
            record.keep(last)
        finally:
            reporter.end()
    return record.finished(last.sizes[-1], last.before, last.losses)


@dataclass
class _Record:
    """What is written while the work goes on."""

    out: Path
    config: StyleConfig
    mark: dict[str, Any]
    reporter: Reporter
    stop: Stop
    go_on: str
    going_on: bool
    begun: bool = False
    started: float = field(default_factory=time.perf_counter)
    shown: float = field(default_factory=time.perf_counter)

    def seen(self, frame: Frame) -> None:
        """Report an evaluation; now and then keep the image or show it; stop if asked to."""
        if not self.begun:
            self._begin(frame)
        self.reporter.step(frame.losses["total"])
        steps = self.config.steps
        if frame.evaluation % self.config.keep_every == 0 or frame.evaluation == steps:
            self.keep(frame)
            parts = ", ".join(f"{k} {v:.3g}" for k, v in frame.losses.items() if k != "total")
            self.reporter.note(
                f"{_words(frame.sizes[frame.level])}, step {frame.evaluation} of {steps}: loss "
                f"{frame.losses['total']:.3g} ({parts})"
            )
        elif time.perf_counter() - self.shown > PREVIEW_SECONDS:
            self._show(frame)
        if self.stop.signum is not None:
            self.keep(frame)
            raise Interrupted(self.stop.signum, self.go_on)

    def keep(self, frame: Frame) -> None:
        """Keep the image and what is needed to go on; show it under the name of the result."""
        folder = _folder(self.out)
        folder.mkdir(parents=True, exist_ok=True)
        height, width = frame.sizes[frame.level]
        name = f"{frame.level + 1}-{width}x{height}-{frame.evaluation:04d}.png"
        write_atomically(folder / name, _encoded(frame.image(), "PNG"))
        state = {
            "step": frame.level * MOST_STEPS + frame.evaluation,
            "level": frame.level,
            "evaluation": frame.evaluation,
            "sizes": [tuple(size) for size in frame.sizes],
            "canvas": frame.canvas.cpu(),
            "losses": dict(frame.losses),
            "before": dict(frame.before),
            "mark": self.mark,
        }
        checkpoint.save(folder, state)
        self._show(frame)

    def finished(self, size: Size, before: dict[str, float], after: dict[str, float]) -> Painting:
        """The result in words and numbers."""
        frames = _frames(_folder(self.out))
        seconds = time.perf_counter() - self.started
        return Painting(self.out, (size[0], size[1]), before, after, frames, seconds)

    def _begin(self, frame: Frame) -> None:
        """Say what begins; clear away what an earlier work with this name kept."""
        folder, steps = _folder(self.out), self.config.steps
        if not self.going_on:
            for old in [*_frames(folder), *folder.glob("step-*.pt")]:
                old.unlink(missing_ok=True)
        self.out.parent.mkdir(parents=True, exist_ok=True)
        done = frame.level * steps + frame.evaluation - 1
        sizes = ", ".join(_words(size) for size in frame.sizes)
        what = f"{steps} steps at each size: {sizes}; previews in {self.out}"
        self.reporter.begin(steps * len(frame.sizes), done, what)
        self.begun = True

    def _show(self, frame: Frame) -> None:
        self.shown = time.perf_counter()
        kind = FORMATS[self.out.suffix.lower()]
        write_atomically(self.out, _encoded(frame.image(), kind, frame.sizes[-1]))


def _picture(path: Path, reporter: Reporter) -> Float[Tensor, "1 3 height width"]:
    """A picture's colours in [0, 1]; a very large one is scaled down, which is said."""
    try:
        height, width = image_size(path)
        if min(height, width) < SHORTEST:
            raise UsageError(f"{path} is {width}×{height} pixels, each side must be ≥ {SHORTEST}")
        array = read_image(path, longest=LARGEST, grey=False)
    except DataError as error:
        raise UsageError(str(error)) from error
    if max(height, width) > LARGEST:
        now = _words((array.shape[0], array.shape[1]))
        reporter.note(f"{path} is {width:,}×{height:,} pixels: scaled down to {now} on reading")
    return torch.from_numpy(array).movedim(2, 0)[None].float() / 255


def _checked(out: Path, sources: tuple[Path, ...]) -> Path:
    """The path of the result, if it can be written; nothing is made yet."""
    if out.suffix.lower() not in FORMATS:
        raise UsageError(f"out must end in one of {', '.join(FORMATS)}, got {out}")
    if any(out.resolve() == source.resolve() for source in sources):
        raise UsageError(f"{out} is one of the two pictures: give the result another name")
    if out.is_dir():
        raise UsageError(f"cannot write {out}: it is a folder")
    there = next(p for p in (out.parent, *out.absolute().parents) if p.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return out
    except OSError as error:
        raise UsageError(f"cannot write {out}: {error.strerror}") from error


def _mark(photo: Tensor, art: Tensor, network: StyleNetwork, config: StyleConfig) -> dict[str, Any]:
    """What must be the same where a stopped work goes on."""
    pictures = {
        name: hashlib.sha256(image.cpu().numpy().tobytes()).hexdigest()[:16]
        for name, image in (("content picture", photo), ("style picture", art))
    }
    layers = {"content layers": list(network.content), "style layers": list(network.style)}
    settings = {k: v for k, v in asdict(config).items() if k not in FREE}
    return {**pictures, "network": network.name, **layers, **settings}


def _earlier(folder: Path, mark: dict[str, Any], reporter: Reporter) -> dict[str, Any]:
    """The newest state of a stopped work.

    Raises:
        UsageError: there is none, or it is of other pictures or settings.
    """
    state = checkpoint.load_latest(folder, reporter.note)
    if state is None:
        raise UsageError(f"{folder} holds nothing to go on from: leave out --resume")
    for name, value in mark.items():
        before = state["mark"].get(name)
        if before != value:
            raise UsageError(
                f"{name} was {before} in {folder}, got {value}: go on with the same, or leave "
                "out --resume"
            )
    return state


def _is_done(state: dict[str, Any], config: StyleConfig) -> bool:
    last = state["level"] == len(state["sizes"]) - 1
    return last and state["evaluation"] >= config.steps


def _folder(out: Path) -> Path:
    return out.with_name(f"{out.stem}-steps")


def _frames(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("*.png") if FRAME.fullmatch(p.name))


def _encoded(
    image: Float[Tensor, "1 3 height width"], kind: str, size: Size | None = None
) -> bytes:
    """A picture file's bytes, the picture enlarged to a size if one is given."""
    levels = (image[0].movedim(0, 2) * 255).round().to(torch.uint8).cpu().numpy()
    picture = Image.fromarray(levels)
    if size is not None:
        picture = picture.resize((size[1], size[0]), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    picture.save(buffer, kind, **({"quality": 95} if kind == "JPEG" else {}))
    return buffer.getvalue()


def _words(size: Size) -> str:
    return f"{size[1]}×{size[0]}"
