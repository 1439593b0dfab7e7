"""A contest of training loops: each in a process of its own, in turn, medians of several rounds."""

import argparse
import json
import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

Contestant = Callable[[int], list[float]]
"""Number of epochs -> the clock at the end of each."""


def contest(
    file: str,
    what: str,
    contestants: Mapping[str, Contestant],
    images: int,
    rounds: int,
    epochs: int,
    more: Callable[[], dict[str, Any]] = dict,
) -> None:
    """Run the contest, print its table, and if all took part write results/<file's name>.json.

    Args:
        file: the script, which each contestant's process runs again.
        what: its purpose, for --help.
        contestants: name -> one that trains; "bare PyTorch loop" is what all are compared with.
        images: in an epoch.
        rounds: repeats, unless the user says otherwise.
        epochs: of each run, unless the user says otherwise; the first is not counted.
        more: what else goes into the results, measured at the end.
    """
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--rounds", type=int, default=rounds, help="repeats of the whole contest")
    parser.add_argument("--epochs", type=int, default=epochs, help="epochs, the first free")
    parser.add_argument("--only", nargs="*", default=list(contestants), help="contestants")
    parser.add_argument("--run", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run:
        print("RESULT", json.dumps(contestants[args.run](args.epochs)))
        return
    seconds: dict[str, list[float]] = {name: [] for name in args.only}
    for number in range(args.rounds):
        for name in args.only:
            seconds[name].append(one_run(file, name, args.epochs))
            print(f"round {number + 1}  {name:22} {seconds[name][-1]:.3f} s/epoch", flush=True)
    medians = {name: median(values) for name, values in seconds.items()}
    bare = medians.get("bare PyTorch loop")
    print(f"\n{'contestant':22} {'s/epoch':>8} {'images/s':>9} {'× bare':>7}")
    for name, value in sorted(medians.items(), key=lambda item: item[1]):
        ratio = f"{value / bare:.3f}" if bare else "–"
        print(f"{name:22} {value:8.3f} {images / value:9,.0f} {ratio:>7}")
    if args.only == list(contestants):
        from gradus.core.run import environment

        record = {
            "images": images,
            "rounds": args.rounds,
            "seconds_per_epoch": seconds,
            "medians": medians,
            **more(),
            "machine": environment(),
        }
        results = Path(file).parent / "results" / f"{Path(file).stem}.json"
        results.write_text(json.dumps(record, indent=2) + "\n")


def one_run(file: str, name: str, epochs: int) -> float:
    """Median seconds an epoch of one contestant, in a process whose stderr is a terminal."""
    master, slave = pty.openpty()
    words = [sys.executable, file, "--run", name, "--epochs", str(epochs)]
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


def train_ours(recipe: str, **settings: Any) -> list[float]:
    """`gradus train RECIPE`, everything on; the clock at the end of each epoch."""
    import tempfile

    import gradus
    from gradus.core.progress import console

    ends: list[float] = []
    bar = console()
    inner = bar.epoch

    def epoch(record: dict, total: int) -> None:
        ends.append(time.perf_counter())
        inner(record, total)

    bar.epoch = epoch  # type: ignore[method-assign]
    with tempfile.TemporaryDirectory() as folder:
        gradus.train(recipe, run_dir=Path(folder) / "run", reporter=bar, **settings)
    return ends


def train_bare(model: Any, optimizer: Any, data: Any, batch: int, epochs: int) -> list[float]:
    """The loop that anyone would write: no records, no checkpoints, no bar.

    Args:
        model: inputs -> logits.
        optimizer: of its parameters.
        data: training inputs and labels, validation inputs and labels.
        batch: examples in a minibatch.
        epochs: how many.
    """
    import torch
    from torch.nn.functional import cross_entropy

    x, y, vx, vy = data
    ends = []
    for _ in range(epochs):
        model.train()
        for rows in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            for inputs, labels in zip(vx.split(1000), vy.split(1000), strict=True):
                logits = model(inputs)
                cross_entropy(logits, labels), (logits.argmax(1) == labels).float().mean()
        ends.append(time.perf_counter())
    return ends


def train_lightning(model: Any, optimizer: Any, data: Any, batch: int, epochs: int) -> list[float]:
    """Lightning's Trainer with a DataLoader without workers, its bar on, its logger off."""
    import lightning
    from torch.nn.functional import cross_entropy
    from torch.utils.data import DataLoader, TensorDataset

    x, y, vx, vy = data
    ends: list[float] = []

    class Net(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = model

        def training_step(self, batch, _):
            return cross_entropy(self.net(batch[0]), batch[1])

        def validation_step(self, batch, _):
            logits = self.net(batch[0])
            self.log("loss", cross_entropy(logits, batch[1]))
            self.log("accuracy", (logits.argmax(1) == batch[1]).float().mean())

        def configure_optimizers(self):
            return optimizer

        def on_train_epoch_end(self) -> None:
            ends.append(time.perf_counter())

    trainer = lightning.Trainer(
        max_epochs=epochs, accelerator="cpu", logger=False, enable_checkpointing=False,
        num_sanity_val_steps=0, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(
        Net(),
        DataLoader(TensorDataset(x, y), batch, shuffle=True),
        DataLoader(TensorDataset(vx, vy), 1000),
    )
    return ends


def train_keras(model: Any, optimizer: Any, data: Any, batch: int, epochs: int) -> list[float]:
    """Keras 3 on JAX, its bar on."""
    import keras

    x, y, vx, vy = (t.numpy() for t in data)
    ends: list[float] = []

    class Clock(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None) -> None:
            ends.append(time.perf_counter())

    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    sys.stdout = sys.stderr  # the bar belongs on the terminal, as everyone's
    model.fit(x, y, batch_size=batch, epochs=epochs, validation_data=(vx, vy), callbacks=[Clock()])
    sys.stdout = sys.__stdout__
    return ends
