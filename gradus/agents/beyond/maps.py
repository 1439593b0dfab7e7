"""Where in a picture an agent looks (attention) or expects to change something (pixel control)."""

import numpy as np
import torch
from jaxtyping import Float, Shaped, UInt8
from PIL import Image
from torch import nn

from gradus.agents.beyond.recurrent import AttentiveQ, Remembering
from gradus.agents.beyond.unreal import CELLS, PATCH, Unreal

DIM = 0.25
"""Brightness that is left where a map is 0."""


@torch.inference_mode()
def pixel_control_maps(
    model: Unreal, seen: Shaped[np.ndarray, "1 channels 84 84"]
) -> Float[np.ndarray, "actions 84 84"]:
    """Q_aux of every action for every square, as large as the picture; 0 at its edge."""
    squares = model.pixel_control(model.features(torch.as_tensor(seen)))[0].numpy()
    maps = np.zeros((len(squares), 84, 84), dtype=np.float32)
    edge = (84 - CELLS * PATCH) // 2
    middle = slice(edge, edge + CELLS * PATCH)
    maps[:, middle, middle] = squares.repeat(PATCH, 1).repeat(PATCH, 2)
    return maps


def map_of(
    model: nn.Module, seen: Shaped[np.ndarray, "1 *shape"]
) -> Float[np.ndarray, "rows columns"] | None:
    """The map of what was just seen, or None for a network that has none.

    Attention's weights of the last step, or the largest Q_aux over the actions.
    """
    if isinstance(model, Unreal):
        return pixel_control_maps(model, seen).max(0)
    if isinstance(model, Remembering) and isinstance(model.inner, AttentiveQ):
        return model.inner.looked[0].numpy()
    return None


def with_map(
    model: nn.Module,
    seen: Shaped[np.ndarray, "1 *shape"],
    picture: UInt8[np.ndarray, "height width 3"],
) -> UInt8[np.ndarray, "height wide 3"]:
    """The picture, and where the network has a map, beside it the picture in the map's light."""
    found = map_of(model, seen)
    return picture if found is None else np.concatenate([picture, lit(picture, found)], 1)


def lit(
    picture: UInt8[np.ndarray, "height width 3"], light: Float[np.ndarray, "rows columns"]
) -> UInt8[np.ndarray, "height width 3"]:
    """The picture, dim where the map is low and as it is where the map is highest."""
    low, high = float(light.min()), float(light.max())
    share = (light - low) / (high - low) if high > low else np.zeros_like(light)
    grey = Image.fromarray((share * 255).astype(np.uint8))
    height, width = picture.shape[:2]
    wide = np.asarray(grey.resize((width, height), Image.Resampling.BILINEAR)) / 255
    return (picture * (DIM + (1 - DIM) * wide[:, :, None])).astype(np.uint8)
