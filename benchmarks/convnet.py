"""Images a second of training the book's MNIST network, against the libraries people use.

    make bench        (or: GRADUS_DATA=... python benchmarks/convnet.py [--rounds 3] [--epochs 3])

conv 5×5×32, pool, conv 5×5×64, pool, dense 1024, dropout 0.5, with Adam in batches of 100: every
contestant trains on the same 10,000 images of MNIST and measures loss and accuracy on the same
1,000 after each epoch. Each runs in a process of its own; they take turns, so that a slow moment of
the machine hits them all; the first epoch (warm-up, compilation) is not counted. Ours trains as the
command line does: run folder, TensorBoard, checkpoints, progress bar.

Then what the machine could do: the fastest product of two float32 matrices, and the share of it
that is left when the arithmetic of a training step is divided by our time.
"""

import gzip
import struct
import tempfile
import time
from pathlib import Path
from typing import Any

from contest import (
    Contestant,
    contest,
    one_run,
    train_bare,
    train_keras,
    train_lightning,
    train_ours,
)

BATCH, RATE, HELD_OUT, IMAGES = 100, 0.001, 1000, 10_000
SIDE = 2048
"""Rows and columns of the matrices."""


def main() -> None:
    """Run the contest, and see what the machine can do."""
    what = (__doc__ or "").split("\n")[0]
    contest(__file__, what, CONTESTANTS, IMAGES, rounds=3, epochs=3, more=peak)


def write_set(folder: Path) -> None:
    """The first images of MNIST as the four IDX files of a set of its own."""
    from gradus.data.idx import PARTS
    from gradus.data.public import load_images

    mnist = load_images("mnist", limit=IMAGES + HELD_OUT)
    arrays = (mnist.train_images, mnist.train_labels, mnist.test_images, mnist.test_labels)
    for name, array in zip(PARTS, arrays, strict=True):
        head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        with gzip.open(folder / f"{name}.gz", "wb", compresslevel=1) as file:
            file.write(head + array.astype("u1").tobytes())


def data():
    """The same images and labels for everyone: float32 in [0, 1], training and validation."""
    from gradus.data.tensors import image_parts
    from gradus.vision.data import planes

    with tempfile.TemporaryDirectory() as folder:
        write_set(Path(folder))
        parts = image_parts(folder, HELD_OUT, planes)
    return *parts.train, *parts.validation


def ours(epochs: int) -> list[float]:
    """`gradus train mnist-cnn`, everything on."""
    with tempfile.TemporaryDirectory() as folder:
        write_set(Path(folder))
        return train_ours(
            "mnist-cnn", data=folder, validation=HELD_OUT, batch_size=BATCH, lr=RATE,
            optimizer="adam", schedule="constant", distort="", smoothing=0.0, epochs=epochs,
        )  # fmt: skip


def torch_net():
    """The network and its optimiser as one writes them by hand."""
    import torch
    from torch import nn

    model = nn.Sequential(
        nn.Conv2d(1, 32, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(7 * 7 * 64, 1024), nn.ReLU(), nn.Dropout(0.5),
        nn.Linear(1024, 10),
    )  # fmt: skip
    return model, torch.optim.Adam(model.parameters(), RATE)


def bare(epochs: int) -> list[float]:
    """A bare loop in PyTorch."""
    return train_bare(*torch_net(), data(), BATCH, epochs)


def lightning(epochs: int) -> list[float]:
    """Lightning's Trainer."""
    return train_lightning(*torch_net(), data(), BATCH, epochs)


def keras_jax(epochs: int) -> list[float]:
    """Keras 3 on JAX."""
    import keras
    from keras import layers

    x, y, vx, vy = data()
    model = keras.Sequential(
        [
            layers.Conv2D(32, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Conv2D(64, 5, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(1024, activation="relu"),
            layers.Dropout(0.5),
            layers.Dense(10),
        ]
    )
    channels_last = x.movedim(1, -1).contiguous(), y, vx.movedim(1, -1).contiguous(), vy
    return train_keras(model, keras.optimizers.Adam(RATE), channels_last, BATCH, epochs)


def peak() -> dict[str, Any]:
    """Arithmetic of a step, the machine's fastest, and our share of it, all now and here."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    model, _ = torch_net()
    with FlopCounterMode(display=False) as counter:
        model(torch.rand(BATCH, 1, 28, 28)).sum().backward()
    step = counter.get_total_flops() / BATCH
    a, b = torch.rand(SIDE, SIDE), torch.rand(SIDE, SIDE)
    fastest = min(seconds_of(lambda: a @ b) for _ in range(20))
    gemm = 2 * SIDE**3 / fastest
    rate = IMAGES / one_run(__file__, "gradus", epochs=3)
    print(f"\na training step: {step / 1e6:.1f} MFLOP an image; matrix product: {gemm / 1e9:.0f} ")
    print(f"GFLOP/s; {rate:,.0f} images/s are {rate * step / gemm:.0%} of that")
    return {"flops_per_image": step, "gemm_flops": gemm, "share_of_gemm": rate * step / gemm}


def seconds_of(work) -> float:
    """How long this takes once."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


CONTESTANTS: dict[str, Contestant] = {
    "gradus": ours,
    "bare PyTorch loop": bare,
    "Lightning Trainer": lightning,
    "Keras 3 on JAX": keras_jax,
}

if __name__ == "__main__":
    main()
