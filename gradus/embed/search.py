"""Images like a given one: by the bits of a semantic hash, or by the distance of codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from gradus.core import plot
from gradus.core.charts import image_grid
from gradus.core.errors import UsageError
from gradus.core.recipe import check_setting
from gradus.core.run import Run
from gradus.data.answers import name_of, read_inputs
from gradus.embed.autoencoder import in_parts
from gradus.embed.hashing import Bits, HashTable
from gradus.embed.predict import encoder

Found = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Result:
    """What was found for one picture.

    Attributes:
        answer: `input`; `metric`, "bits" or "distance"; `found`: for each hit `image`, its number
            in the training set, `label` and `distance`, the nearest first; where codes are bits
            also `code` and `within`, how many images lie within the radius.
        query: the picture as the network sees it.
        rebuilt: the same, rebuilt from its code.
        hits: the images found.
    """

    answer: Found
    query: Float[Tensor, "*shape"]
    rebuilt: Float[Tensor, "*shape"]
    hits: Float[Tensor, "found *shape"]


def search_images(
    run: Run, pictures: Sequence[str | Path | np.ndarray], count: int = 10, radius: int = 2
) -> list[Result]:
    """The training images whose codes are nearest to those of the given pictures.

    Where the codes are bits, the addresses within `radius` bits are looked at and nothing else, as
    semantic hashing has it; images that lie further are not found. Other codes are compared one by
    one (Euclid).

    Args:
        run: of an autoencoder for images.
        pictures: image files, or arrays "height width *channels" of bytes.
        count: images wanted, ≥ 1.
        radius: of the Hamming ball, in bits.

    Raises:
        UsageError: a number is out of its range, there is no picture, or the run is no such one.
        DataError: a picture cannot be read.
    """
    check_setting(count >= 1, "of", "≥ 1 images", count)
    if not pictures:
        raise UsageError("which picture? name one or more image files")
    model, facts = encoder(run), run.info["facts"]
    bits = isinstance(model.code, Bits)
    if bits:
        check_setting(0 <= radius <= run.info["config"]["code"], "radius", _range(run), radius)
    queries = read_inputs(pictures, facts)
    images, labels = run.task().train.tensors
    codes, wanted = in_parts(model.encode, images), in_parts(model.encode, queries)
    again = in_parts(model.decode, wanted)
    table = HashTable(codes) if bits else None
    results = []
    for picture, query, code, back in zip(pictures, queries, wanted, again, strict=True):
        answer: Found = {"input": name_of(picture), "metric": "bits" if bits else "distance"}
        if table:
            at, distances = table.find(code, radius)
            answer |= {"code": "".join(str(int(bit)) for bit in code), "within": len(at)}
        else:
            far = torch.linalg.vector_norm(codes - code, dim=1)
            at = far.argsort(stable=True)[:count].numpy()
            distances = far[at].numpy()
        answer["found"] = [
            {"image": int(i), "label": facts["classes"][int(labels[i])], "distance": d.item()}
            for i, d in zip(at[:count], distances[:count], strict=True)
        ]
        shape = tuple(facts["shape"])
        hits = images[at[:count].copy()].reshape(-1, *shape)
        results.append(Result(answer, query.reshape(shape), back.reshape(shape), hits))
    return results


@plot.style()
def draw_result(result: Result, setting: str) -> Figure:
    """The picture as the network sees it, rebuilt, and what was found, each with its distance."""
    answer = result.answer
    unit = " bit" if answer["metric"] == "bits" else ""
    hits = [f"{found['label']}\n{found['distance']:.3g}{unit}" for found in answer["found"]]
    images = torch.cat([result.query[None], result.rebuilt[None], result.hits]).numpy()
    fig = image_grid(images, columns=6, captions=["searched", "rebuilt", *hits])
    plot.title(fig, _heading(answer), setting)
    return fig


def _heading(answer: Found) -> str:
    labels = [found["label"] for found in answer["found"]]
    if not labels:
        return "No training image lies within the radius"
    common = max(sorted(set(labels)), key=labels.count)
    return f"{labels.count(common)} of the {len(labels)} nearest images are of class {common}"


def _range(run: Run) -> str:
    return f"in [0, {run.info['config']['code']}] bits"
