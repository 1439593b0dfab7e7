"""The wiring of chapter 5: what happens in training only, and what is refused before it."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from gradus.core.errors import UsageError
from gradus.core.experiment import train
from gradus.core.fit import fit
from gradus.core.progress import Silent
from gradus.core.task import build_task, evaluate
from gradus.nn.classify import classify
from gradus.vision.build import net
from gradus.vision.data import planes
from gradus.vision.recipes import DIGITS_CNN
from gradus.vision.run_figures import IMAGE_RUN
from gradus.vision.train import decay, learn
from tests.figures import assert_readable

SMALL = {"layers": "conv 3x3x4 relu pool 2", "epochs": 1}


def task_of(**settings):
    return build_task(DIGITS_CNN, DIGITS_CNN.configure(**{**SMALL, **settings}))


def batch_of(task):
    return next(task.train.epoch(0))[0]


def test_planes_are_grey_or_coloured():
    grey = torch.arange(2 * 3 * 4, dtype=torch.uint8).view(2, 3, 4)
    assert torch.equal(planes(grey), grey[:, None] / 255)
    colour = torch.arange(2 * 3 * 4 * 3, dtype=torch.uint8).view(2, 3, 4, 3)
    found = planes(colour)
    assert found.shape == (2, 3, 3, 4)
    assert found.is_contiguous()
    for n, c, i, j in np.ndindex(*found.shape):
        assert float(found[n, c, i, j]) == pytest.approx(float(colour[n, i, j, c]) / 255)


def test_images_are_distorted_and_targets_smoothed_in_training_only():
    seen = []
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 3))
    model.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    batch = torch.rand(5, 1, 2, 2), torch.tensor([0, 1, 2, 0, 1])
    settings = {"distort": lambda x: x + 1, "smoothing": 0.3}
    trained, _ = learn(model.train(), batch, **settings)
    torch.testing.assert_close(seen[0], batch[0] + 1)
    torch.testing.assert_close(trained, classify(model, (batch[0] + 1, batch[1]), 0.3)[0])
    judged, metrics = learn(model.eval(), batch, **settings)
    torch.testing.assert_close(seen[2], batch[0])
    torch.testing.assert_close(judged, classify(model, batch)[0])
    assert metrics["accuracy"]().shape == (5,)


def test_the_last_epoch_is_kept_where_the_config_says_so():
    best, last = task_of(), task_of(keep="last")
    assert not best.keeps(0.8, 0.9)
    assert last.keeps(0.8, 0.9)
    assert not last.keeps(math.nan, 0.9)
    for keep, expected in (("best", 1), ("last", 3)):
        config = DIGITS_CNN.configure(**{**DIGITS_CNN.smoke, "keep": keep, "epochs": 3})
        task = build_task(DIGITS_CNN, config)
        task.better = "min"  # so that the first epoch is the best
        assert fit(task, config).best_epoch == expected
    with pytest.raises(UsageError, match="patience must be 0 where --keep last, got 3"):
        DIGITS_CNN.configure(keep="last", patience=3)


def test_evaluation_is_the_same_each_time_and_training_is_not():
    task = task_of(distort="shift 1, brightness 0.2")
    assert evaluate(task, task.validation) == evaluate(task, task.validation)
    batch = batch_of(task)
    task.model.train()
    one, other = (float(task.loss(task.model, batch)[0].detach()) for _ in range(2))
    assert one != other


def test_weights_decay_apart_from_the_gradient():
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 3))
    model[0].weight.requires_grad_(False)
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    decay(model, 0.5, 0.1)
    for name, p in model.named_parameters():
        shrunk = name == "3.weight"  # not the frozen one, no bias, no norm
        torch.testing.assert_close(p.detach(), before[name] * (0.95 if shrunk else 1.0))


def test_decay_is_at_the_rate_of_the_step():
    """At a learning rate of which the gradient's part is negligible, ten steps are ten decays."""
    task = task_of(weight_decay=1.0, optimizer="sgd", lr=1e-3, schedule="constant")
    before = task.model.net.output.weight.detach().clone()
    task.loss = lambda model, batch: (0.0 * model(batch[0]).sum(), {})
    task.watch, task.better = "validation/loss", "min"
    config = DIGITS_CNN.configure(**SMALL, lr=1e-3, optimizer="sgd", schedule="constant")
    fitted = fit(task, config, reporter=Silent())
    expected = before * (1 - 1e-3) ** fitted.step
    torch.testing.assert_close(task.model.net.output.weight.detach(), expected)


def test_the_first_convolution_whitens_and_stays():
    layers = "conv 2x2x8 pad valid relu, conv 3x3x8 norm relu, pool 2"
    task = task_of(layers=layers, whitened=True, distort="flip")
    conv = task.model.net.conv_1
    before, bias = conv.weight.clone(), conv.bias.detach().clone()
    images = task.train.tensors[0]
    answers = nn.functional.conv2d(images, before, bias.detach()).movedim(1, 0).flatten(1)
    assert float(answers.mean(1).abs().max()) < 1e-3
    fit(task, DIGITS_CNN.configure(**{**SMALL, "layers": layers}), reporter=Silent())
    assert torch.equal(conv.weight, before)
    assert not torch.equal(conv.bias, bias)


def test_convolutions_begin_as_the_identity():
    task = task_of(layers="conv 3x3x4 relu, conv 3x3x6 relu, conv 3x3x3", identity=True)
    x = torch.rand(2, 4, 5, 5)
    second, third = task.model.net.conv_2, task.model.net.conv_3
    torch.testing.assert_close(second(x)[:, :4], x)
    torch.testing.assert_close(third(second(x)), second(x)[:, :3])


def test_the_weights_lie_with_the_channels_innermost():
    model = net(DIGITS_CNN.configure(layers="conv 3x3x4, conv 3x3x5"), (8, 8, 3), 10)
    assert model.net.conv_1.weight.shape == (4, 3, 3, 3)
    assert model.net.conv_2.weight.is_contiguous(memory_format=torch.channels_last)


def test_every_run_has_its_filters_among_its_figures(tmp_path):
    run = train(DIGITS_CNN, DIGITS_CNN.configure(**SMALL), path=tmp_path / "run")
    fig = IMAGE_RUN["filters"](run)
    assert_readable(fig)
    assert str(run.path) in fig.texts[1].get_text().replace("\n", "")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"distort": "crop 9"}, "crop must be at most the images' 8×8 pixels, got 9×9"),
        ({"distort": "hue 0.1"}, "hue is for images of 3 colours, got 1 channels"),
        ({"distort": "turn 3"}, "distort: 'turn' must be one of"),
        ({"size": 9}, "size must be ≤ the images' 8 pixels, got 9"),
        ({"size": -1}, "size must be ≥ 0 pixels, got -1"),
        ({"smoothing": 1.0}, r"smoothing must be in \[0, 1\), got 1.0"),
        ({"weight_decay": -0.1}, "weight_decay must be ≥ 0, got -0.1"),
        ({"whitened": True}, "such as conv 2x2x8, got Conv2d"),
        ({"layers": "cnv 3x3x4"}, "layers: part 1, 'cnv 3x3x4'"),
        ({"layers": "pool 9"}, r"layers: pool_1, whose input is 1×8×8"),
    ],
)
def test_refused_before_anything_is_trained(settings, message):
    with pytest.raises(UsageError, match=message):
        task_of(**settings)
