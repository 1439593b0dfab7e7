"""Looking at pictures through the network of a run: its feature maps, and what an answer rests on.

Typical use:

    import gradus
    from gradus.vision import look

    view = look.see(gradus.open("runs/mnist-cnn-1"), "digit.png")
    fig = look.draw_evidence(view, "relu_2")
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor, nn

from gradus.core import plot
from gradus.core.errors import UsageError
from gradus.core.log import EventLog
from gradus.core.recipe import nearest
from gradus.core.run import Run
from gradus.data.answers import Answer, image_predictor
from gradus.vision.activations import (
    activation_pictures,
    activations,
    check_spatial,
    draw_activations,
    spatial_layers,
)
from gradus.vision.classifier import Classifier
from gradus.vision.data import planes
from gradus.vision.filters import draw_filters, filter_pictures, first_filters
from gradus.vision.gradcam import grad_cam, upsample
from gradus.vision.predict import classifier
from gradus.vision.saliency import smooth_grad


@dataclass(frozen=True, eq=False)
class View:
    """A picture as the network of a run sees it.

    Attributes:
        name: of the file, without folder and ending.
        net: the network itself, without what is done to images before it.
        inputs: what it takes, "1 channels height width".
        picture: the same part of the picture as it was, in [0, 1].
        answer: the run's answer, as from `Run.predict`.
        classes: what it can answer.
        run: where the network is from, for people.
    """

    name: str
    net: nn.Module
    inputs: Float[Tensor, "1 channels height width"]
    picture: Float[Tensor, "channels height width"]
    answer: Answer
    classes: list[str]
    run: str


def see(run: Run, source: str | Path | np.ndarray) -> View:
    """Show a picture to the network of a run.

    Args:
        run: of a recipe that names images.
        source: an image file, or an array as `Run.predict` takes it.

    Raises:
        UsageError: the run's recipe does something else, or an array does not fit.
        DataError: the file cannot be read.
    """
    model, facts = classifier(run), run.info["facts"]
    shown: list[Tensor] = []

    def prepare(images: Tensor) -> Tensor:
        shown.append(planes(images))
        return shown[0]

    (answer,) = image_predictor(model, facts, prepare)(source)
    plain = Classifier(model.net, model.size)
    name = "array" if isinstance(source, np.ndarray) else Path(source).stem
    return View(
        name,
        model.net,
        model.prepared(shown[0]),
        plain.prepared(shown[0])[0],
        answer,
        facts["classes"],
        str(run.path),
    )


def layers_to_show(view: View, wanted: Sequence[str] = ()) -> list[str]:
    """The layers wanted, all with maps; without any, the activations, or else the convolutions.

    Raises:
        UsageError: one has no maps, or there is none of that name; those that have are named.
    """
    for layer in wanted:
        check_spatial(view.net, view.inputs, layer)
    having = [layer for layer in spatial_layers(view.net, view.inputs) if "." not in layer]
    kinds = (("relu", "tanh", "sigmoid", "gelu", "silu", "residual"), ("conv",), ("",))
    found = ([layer for layer in having if layer.startswith(kind)] for kind in kinds)
    return list(wanted) or next((layers for layers in found if layers), having)


def draw_maps(view: View, layer: str) -> Figure:
    """The feature maps of a layer for the picture: see `draw_activations`."""
    check_spatial(view.net, view.inputs, layer)
    with torch.no_grad():
        maps = activations(view.net, view.inputs, [layer])[layer]
    return draw_activations(maps[0].numpy(), layer)


@plot.style()
def draw_evidence(view: View, layer: str, of: str = "") -> Figure:
    """The picture, Grad-CAM over it, and the saliency of its pixels.

    Args:
        view: the picture and its network.
        layer: whose maps Grad-CAM weighs.
        of: a class; by default the likeliest.

    Raises:
        UsageError: the class is unknown, or the layer has no maps.
    """
    of = of or view.answer["label"]
    if of not in view.classes:
        raise UsageError(
            f"no class is called {of!r}{nearest(of, view.classes)}: {', '.join(view.classes)}"
        )
    number = torch.tensor([view.classes.index(of)])
    coarse = grad_cam(view.net, view.inputs, number, layer)
    size = (view.picture.shape[1], view.picture.shape[2])
    heat = upsample(coarse, size)[0]
    pixels = smooth_grad(view.net, view.inputs, number)[0]
    fig, panels = plot.new_figure(1, 3, (9.6, 3.9))
    for ax, name, over in (
        (panels[0], "the picture", None),
        (panels[1], f"Grad-CAM at {layer}", heat),
        (panels[2], "saliency of the pixels", pixels),
    ):
        ax.set_title(name)
        _show(ax, view.picture, over)
    share = _half(heat)
    finding = (
        f"Half of what speaks for {of} lies on {share:.0%} of the picture"
        if share
        else f"Nothing at {layer} speaks for {of}"
    )
    top = ", ".join(f"{t['label']} {t['probability']:.0%}" for t in view.answer["top"])
    plot.title(
        fig,
        finding,
        f"{view.name} is taken for {top}; {view.run}. Grad-CAM: {coarse.shape[1]}×"
        f"{coarse.shape[2]} places, enlarged; saliency: mean of 25 noisy copies; both from 0, "
        "dark, to their largest, yellow",
    )
    return fig


def look(
    run: Run,
    sources: Sequence[str | Path],
    folder: str | Path,
    *,
    layers: Sequence[str] = (),
    of: str = "",
    tensorboard: bool = False,
) -> tuple[list[Answer], list[Path]]:
    """Draw the filters of a run, and for each picture its feature maps and its evidence.

    Args:
        run: of a recipe that names images.
        sources: image files.
        folder: where the figures go: filters.png, and PICTURE-evidence.png and PICTURE-LAYER.png.
        layers: whose maps to draw, the last also for Grad-CAM; none: the activations.
        of: the class whose evidence is asked for; by default each picture's likeliest.
        tensorboard: also show filters and maps in the run's TensorBoard.

    Returns:
        The answers and the PNG files.

    Raises:
        UsageError: as `see` and `layers_to_show`; or two pictures have one name.
        DataError: a file cannot be read.
        RunError: the folder cannot be written.
    """
    names = [Path(source).stem for source in sources]
    if len(set(names)) < len(names):
        raise UsageError("two pictures have the same name: look at them one after the other")
    views = [see(run, source) for source in sources]
    chosen = [layers_to_show(view, layers) for view in views]
    drawn = {"filters": draw_filters(first_filters(classifier(run)), str(run.path))}
    for view, shown in zip(views, chosen, strict=True):
        drawn[f"{view.name}-evidence"] = draw_evidence(view, shown[-1], of)
        for layer in shown:
            drawn[f"{view.name}-{layer}"] = draw_maps(view, layer)
    if tensorboard:
        _to_tensorboard(run, views, chosen)
    paths = [plot.save(fig, Path(folder) / f"{name}.png") for name, fig in drawn.items()]
    return [view.answer for view in views], paths


def _to_tensorboard(run: Run, views: Sequence[View], chosen: Sequence[Sequence[str]]) -> None:
    log = EventLog(run.path / "tensorboard")
    step = run.results.get("steps", 0)
    log.images(filter_pictures(classifier(run)), step)
    for view, layers in zip(views, chosen, strict=True):
        maps = activation_pictures(view.net, view.inputs, layers)
        log.images({f"{view.name}: {name}": batch for name, batch in maps.items()}, step)
    log.close()


def _show(ax: Axes, picture: Float[Tensor, "channels height width"], over: Tensor | None) -> None:
    """Draw a picture, or in its place a map of values ≥ 0 through which it is faintly seen."""
    ax.set_axis_off()
    grey = picture.mean(0).numpy()
    shown = picture.movedim(0, 2).numpy() if len(picture) == 3 and over is None else grey
    ax.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="none")
    if over is not None:
        top = max(float(over.max()), 1e-12)
        ax.imshow(over.numpy(), cmap=plot.MAGNITUDE, vmin=0, vmax=top, alpha=0.7)


def _half(heat: Float[Tensor, "height width"]) -> float:
    """The smallest share of the places that holds half of the heat; 0 where there is none."""
    total = float(heat.sum())
    if total <= 0:
        return 0.0
    rising = heat.flatten().sort(descending=True).values.cumsum(0) / total
    return float((rising < 0.5).sum() + 1) / heat.numel()
