"""Seconds an epoch of the MNIST net 784-256-256-10, against the libraries people use.

    make bench        (or: GRADUS_DATA=... python benchmarks/mlp.py [--rounds 3] [--epochs 4])

Every contestant trains on the same 55,000 images in batches of 100 with plain SGD, rate 0.1,
ReLU, cross-entropy, and measures loss and accuracy on the same 5,000 images after each epoch.
Each runs in a process of its own; the contestants take turns, so that a slow moment of the machine
hits them all; the first epoch (warm-up, compilation) is not counted. Ours trains as the command
line does: run folder, TensorBoard, checkpoints, and the progress bar drawn on a pseudo-terminal.
"""

import argparse
import json
import os
import pty
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from statistics import median

RESULTS = Path(__file__).parent / "results" / "mlp.json"
BATCH, RATE, HIDDEN, HELD_OUT, IMAGES = 100, 0.1, 256, 5000, 55_000


def main() -> None:
    """Run the contest, print its table, write its results."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="repeats of the whole contest")
    parser.add_argument("--epochs", type=int, default=4, help="epochs of each run, the first free")
    parser.add_argument("--only", nargs="*", default=list(CONTESTANTS), help="contestants")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        print("RESULT", json.dumps(CONTESTANTS[args.run](args.epochs)))
        return
    seconds: dict[str, list[float]] = {name: [] for name in args.only}
    for number in range(args.rounds):
        for name in args.only:
            seconds[name].append(one_run(name, args.epochs))
            print(f"round {number + 1}  {name:22} {seconds[name][-1]:.3f} s/epoch", flush=True)
    medians = {name: median(values) for name, values in seconds.items()}
    bare = medians.get("bare PyTorch loop")
    print(f"\n{'contestant':22} {'s/epoch':>8} {'images/s':>9} {'× bare':>7}")
    for name, value in sorted(medians.items(), key=lambda item: item[1]):
        ratio = f"{value / bare:.3f}" if bare else "–"
        print(f"{name:22} {value:8.3f} {IMAGES / value:9,.0f} {ratio:>7}")
    if args.only == list(CONTESTANTS):
        from gradus.core.run import environment

        record = {
            "images": IMAGES,
            "rounds": args.rounds,
            "seconds_per_epoch": seconds,
            "medians": medians,
            "machine": environment(),
        }
        RESULTS.write_text(json.dumps(record, indent=2) + "\n")


def one_run(name: str, epochs: int) -> float:
    """Median seconds an epoch of one contestant, in a process whose stderr is a terminal."""
    master, slave = pty.openpty()
    words = [sys.executable, __file__, "--run", name, "--epochs", str(epochs)]
    environment = {**os.environ, "KERAS_BACKEND": "jax", "COLUMNS": "80"}
    process = subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=slave, text=True, env=environment
    )
    os.close(slave)
    said: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(master, said), daemon=True)
    reader.start()
    assert process.stdout
    lines = process.stdout.read().splitlines()
    if process.wait():
        raise SystemExit(f"{name} failed:\n{b''.join(said).decode(errors='replace')[-3000:]}")
    ends = json.loads(next(line for line in lines if line.startswith("RESULT"))[7:])
    return median(b - a for a, b in pairwise(ends))


def _drain(master: int, said: list[bytes]) -> None:
    """Read what a process draws on its terminal, so that it never waits for the screen."""
    try:
        while data := os.read(master, 65536):
            said.append(data)
    except OSError:
        return


def data():
    """The same images and labels for everyone: float32 in [0, 1], training and validation."""
    import torch

    from gradus.core.batches import split
    from gradus.data.public import load_images
    from gradus.data.tensors import pixels

    mnist = load_images("mnist")
    tensors = torch.from_numpy(mnist.train_images), torch.from_numpy(mnist.train_labels)
    (x, y), (vx, vy) = split(tensors, HELD_OUT)
    return pixels(x), y, pixels(vx), vy


def ours(epochs: int, **settings) -> list[float]:
    """`gradus train mnist-mlp`, everything on; the clock at the end of each epoch."""
    import gradus
    from gradus.core.progress import console

    ends: list[float] = []
    bar = console()
    inner = bar.epoch

    def epoch(record: dict, total: int) -> None:
        ends.append(time.perf_counter())
        inner(record, total)

    bar.epoch = epoch  # type: ignore[method-assign]
    plain = {"optimizer": "sgd", "lr": RATE, "schedule": "constant", "dropout": 0.0}
    with tempfile.TemporaryDirectory() as folder:
        gradus.train(
            "mnist-mlp",
            run_dir=Path(folder) / "run",
            reporter=bar,
            **{**plain, "batch_size": BATCH, "epochs": epochs, **settings},
        )
    return ends


def ours_compiled(epochs: int) -> list[float]:
    """The same with torch.compile."""
    return ours(epochs, compile=True)


def bare(epochs: int) -> list[float]:
    """The loop that anyone would write: no records, no checkpoints, no bar."""
    import torch
    from torch import nn
    from torch.nn.functional import cross_entropy

    x, y, vx, vy = data()
    model = nn.Sequential(
        nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(),
        nn.Linear(HIDDEN, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), RATE)
    ends = []
    for _ in range(epochs):
        for rows in torch.randperm(len(x)).split(BATCH):
            optimizer.zero_grad()
            cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            logits = model(vx)
            cross_entropy(logits, vy), (logits.argmax(1) == vy).float().mean()
        ends.append(time.perf_counter())
    return ends


def lightning(epochs: int) -> list[float]:
    """Lightning's Trainer with a DataLoader without workers, its bar on, its logger off."""
    import lightning
    import torch
    from torch import nn
    from torch.nn.functional import cross_entropy
    from torch.utils.data import DataLoader, TensorDataset

    x, y, vx, vy = data()
    ends: list[float] = []

    class Net(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = nn.Sequential(
                nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(),
                nn.Linear(HIDDEN, 10),
            )  # fmt: skip

        def training_step(self, batch, _):
            return cross_entropy(self.net(batch[0]), batch[1])

        def validation_step(self, batch, _):
            logits = self.net(batch[0])
            self.log("loss", cross_entropy(logits, batch[1]))
            self.log("accuracy", (logits.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), RATE)

        def on_train_epoch_end(self) -> None:
            ends.append(time.perf_counter())

    trainer = lightning.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
        num_sanity_val_steps=0, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(
        Net(),
        DataLoader(TensorDataset(x, y), BATCH, shuffle=True),
        DataLoader(TensorDataset(vx, vy), 1000),
    )
    return ends


def keras_jax(epochs: int) -> list[float]:
    """Keras 3 on JAX, its bar on."""
    import keras

    x, y, vx, vy = (t.numpy() for t in data())
    ends: list[float] = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None) -> None:
            ends.append(time.perf_counter())

    model = keras.Sequential(
        [
            keras.layers.Dense(HIDDEN, activation="relu"),
            keras.layers.Dense(HIDDEN, activation="relu"),
            keras.layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.SGD(RATE), loss, metrics=["accuracy"])
    sys.stdout = sys.stderr  # the bar belongs on the terminal, as everyone's
    model.fit(x, y, batch_size=BATCH, epochs=epochs, validation_data=(vx, vy), callbacks=[Clock()])
    sys.stdout = sys.__stdout__
    return ends


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


CONTESTANTS: dict[str, Callable[[int], list[float]]] = {
    "gradus": ours,
    "gradus, compiled": ours_compiled,
    "bare PyTorch loop": bare,
    "Lightning Trainer": lightning,
    "Keras 3 on JAX": keras_jax,
    "scikit-learn": sklearn,
}

if __name__ == "__main__":
    main()
