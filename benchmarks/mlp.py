"""Seconds an epoch of the MNIST net 784-256-256-10, against the libraries people use.

    make bench        (or: GRADUS_DATA=... python benchmarks/mlp.py [--rounds 3] [--epochs 4])

Every contestant trains on the same 55,000 images in batches of 100 with plain SGD, rate 0.1,
ReLU, cross-entropy, and measures loss and accuracy on the same 5,000 images after each epoch.
Each runs in a process of its own; the contestants take turns, so that a slow moment of the machine
hits them all; the first epoch (warm-up, compilation) is not counted. Ours trains as the command
line does: run folder, TensorBoard, checkpoints, and the progress bar drawn on a pseudo-terminal.
"""

import time

from contest import Contestant, contest, train_bare, train_keras, train_lightning, train_ours

BATCH, RATE, HIDDEN, HELD_OUT, IMAGES = 100, 0.1, 256, 5000, 55_000


def main() -> None:
    """Run the contest."""
    what = (__doc__ or "").split("\n")[0]
    contest(__file__, what, CONTESTANTS, IMAGES, rounds=3, epochs=4)


def data():
    """The same images and labels for everyone: float32 in [0, 1], training and validation."""
    from gradus.data.tensors import image_parts

    parts = image_parts("mnist", HELD_OUT)
    return *parts.train, *parts.validation


def ours(epochs: int, **settings) -> list[float]:
    """`gradus train mnist-mlp`, everything on."""
    plain = {"optimizer": "sgd", "lr": RATE, "schedule": "constant", "dropout": 0.0}
    return train_ours("mnist-mlp", **{**plain, "batch_size": BATCH, "epochs": epochs, **settings})


def ours_compiled(epochs: int) -> list[float]:
    """The same with torch.compile."""
    return ours(epochs, compile=True)


def torch_net():
    """The net and its optimiser as one writes them by hand."""
    import torch
    from torch import nn

    model = nn.Sequential(
        nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(),
        nn.Linear(HIDDEN, 10),
    )  # fmt: skip
    return model, torch.optim.SGD(model.parameters(), RATE)


def bare(epochs: int) -> list[float]:
    """A bare loop in PyTorch."""
    return train_bare(*torch_net(), data(), BATCH, epochs)


def lightning(epochs: int) -> list[float]:
    """Lightning's Trainer."""
    return train_lightning(*torch_net(), data(), BATCH, epochs)


def keras_jax(epochs: int) -> list[float]:
    """Keras 3 on JAX."""
    import keras

    model = keras.Sequential(
        [
            keras.layers.Dense(HIDDEN, activation="relu"),
            keras.layers.Dense(HIDDEN, activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    return train_keras(model, keras.optimizers.SGD(RATE), data(), BATCH, epochs)


def sklearn(epochs: int) -> list[float]:
    """scikit-learn's MLPClassifier."""
    from sklearn.neural_network import MLPClassifier

    x, y, vx, vy = (t.numpy() for t in data())
    model = MLPClassifier(
        (HIDDEN, HIDDEN), solver="sgd", learning_rate_init=RATE, momentum=0.0, alpha=0.0,
        batch_size=BATCH, shuffle=True,
    )  # fmt: skip
    ends = []
    for _ in range(epochs):
        model.partial_fit(x, y, classes=range(10))
        model.score(vx, vy)
        ends.append(time.perf_counter())
    return ends


CONTESTANTS: dict[str, Contestant] = {
    "gradus": ours,
    "gradus, compiled": ours_compiled,
    "bare PyTorch loop": bare,
    "Lightning Trainer": lightning,
    "Keras 3 on JAX": keras_jax,
    "scikit-learn": sklearn,
}

if __name__ == "__main__":
    main()
