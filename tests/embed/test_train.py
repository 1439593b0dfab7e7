"""From config to task: what each loss is made of, against the formula written out."""

import math

import numpy as np
import pytest
import torch

import gradus
from gradus.core.errors import UsageError
from gradus.core.task import build_task, evaluate
from gradus.embed import recipes
from gradus.embed.build import circle_net
from gradus.embed.hashing import Bits
from gradus.embed.sparse import KLargest
from gradus.embed.train import agreement, denoise, rebuild, sparse
from gradus.nn.corrupt import corrupt
from gradus.nn.neighbours import knn_accuracy


def small(name, **settings):
    recipe = getattr(recipes, name)
    return build_task(recipe, recipe.configure(**{**recipe.smoke, **settings}))


def distance(one, other):
    """Mean distance of rows, in NumPy."""
    return np.sqrt(((one - other).detach().numpy().astype(float) ** 2).sum(1)).mean()


def test_the_hourglass_is_the_books():
    config = recipes.MNIST_AUTOENCODER.config
    assert (784, *config.hidden, config.code) == (784, 1000, 500, 250, 2)
    assert config.optimizer == "adam"
    model = small("MNIST_AUTOENCODER", hidden=(20, 10), code=3).model
    assert model.encoder.sizes == (64, 20, 10, 3)
    assert model.decoder.sizes == (3, 10, 20, 64)


def test_the_decoder_begins_with_the_mean_image():
    task = small("MNIST_AUTOENCODER")
    bias = task.model.decoder.output.bias.detach()
    mean = task.train.tensors[0].mean(0)
    torch.testing.assert_close(bias.sigmoid(), mean.clamp(0.001, 0.999))
    assert all((layer.weight == 3).all() for layer in (task.model.encoder.norm_1,))


def test_the_plain_loss_and_what_is_measured_beside_it():
    task = small("MNIST_AUTOENCODER")
    x, y = (t[:50] for t in task.validation.tensors)
    task.model.train()
    loss, metrics = rebuild(task.model, (x, y))
    assert metrics == {}
    assert loss.requires_grad
    task.model.eval()
    loss, metrics = rebuild(task.model, (x, y))
    code = task.model.encode(x)
    assert float(loss.detach()) == pytest.approx(distance(task.model.decode(code), x), rel=1e-5)
    right = metrics["knn accuracy"]().float().mean().item()
    assert right == pytest.approx(knn_accuracy(code.detach(), y))
    assert metrics["active"]().mean().item() == 1


def test_denoising_guesses_the_whole_image_and_is_measured_with_one_noise():
    task = small("MNIST_DENOISING")
    batch = tuple(t[:30] for t in task.validation.tensors)
    task.model.eval()
    loss, metrics = denoise(task.model, batch, 0.5)
    again, _ = denoise(task.model, batch, 0.5)
    assert loss == again
    masked = corrupt(batch[0], 0.5, torch.Generator().manual_seed(0))
    expected = distance(task.model(masked), batch[0])
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-5)
    assert metrics["clean"]() == rebuild(task.model, batch)[0]
    task.model.train()
    torch.manual_seed(0)
    one, other = (denoise(task.model, batch, 0.5)[0] for _ in range(2))
    assert one != other


def test_a_mask_of_nothing_is_the_plain_autoencoder():
    task = small("MNIST_DENOISING", mask=0.0)
    batch = tuple(t[:30] for t in task.validation.tensors)
    assert denoise(task.model, batch, 0.0)[0] == rebuild(task.model, batch)[0]


def test_the_sparse_loss_is_cost_plus_beta_times_penalty():
    task = small("MNIST_SPARSE")
    x, y = (t[:30] for t in task.validation.tensors)
    task.model.eval()
    loss, metrics = sparse(task.model, (x, y), target=0.1, beta=0.3)
    code = task.model.encode(x).detach().numpy()
    assert ((code > 0) & (code < 1)).all()
    means = code.mean(0)
    penalty = sum(0.1 * math.log(0.1 / m) + 0.9 * math.log(0.9 / (1 - m)) for m in means)
    cost = distance(task.model(x), x)
    assert float(loss.detach()) == pytest.approx(cost + 0.3 * penalty, rel=1e-5)
    assert metrics["cost"]().item() == pytest.approx(cost, rel=1e-5)
    assert metrics["activation"]().mean().item() == pytest.approx(code.mean(), rel=1e-5)
    assert metrics["active"]().mean().item() == pytest.approx((code > 0.5).mean())


def test_each_recipe_has_its_own_code():
    kept, bits = (small(name).model.code for name in ("MNIST_KSPARSE", "MNIST_HASHING"))
    assert isinstance(kept, KLargest)
    assert kept.k == 3
    assert isinstance(bits, Bits)
    assert bits.noise == 4
    task = small("MNIST_KSPARSE")
    assert evaluate(task, task.validation)["active"] == pytest.approx(3 / 12)


def test_points_are_rebuilt_from_where_noise_moved_them():
    recipe = recipes.CIRCLES_AUTOENCODER
    config = recipe.configure(**recipe.smoke, corruption=0.5, circles=1)
    task = build_task(recipe, config)
    points, labels = task.train.tensors
    assert not labels.any()
    assert float(points.norm(dim=1).mean()) == pytest.approx(1, abs=0.02)
    task.model.train()
    assert task.loss(task.model, (points, labels))[0] != task.loss(task.model, (points, labels))[0]
    task.model.eval()
    loss, metrics = task.loss(task.model, (points, labels))
    assert float(loss.detach()) == pytest.approx(distance(task.model(points), points), rel=1e-5)
    assert set(metrics) == {"knn accuracy", "threshold accuracy"}
    assert circle_net(config).encoder.sizes == (2, 8, 1)


@pytest.mark.parametrize("size", [1, 1236])
def test_a_minibatch_of_one_image_is_refused_where_it_is_normalised(size):
    with pytest.raises(
        UsageError, match=r"minibatches of two images or more, got one of 1 \(1,237"
    ):
        small("MNIST_AUTOENCODER", batch_size=size)
    assert small("MNIST_AUTOENCODER", batch_size=size, norm=0.0)


def test_an_example_alone_has_no_neighbours():
    metrics = agreement(torch.rand(1, 3), torch.tensor([2]))
    assert metrics["knn accuracy"]().tolist() == [0]


def test_snapshots_are_the_parameters_of_their_epochs(runs):
    run = runs("MNIST_AUTOENCODER", epochs=3, snapshots=(1, 2, 9))
    assert run.snapshots() == [1, 2]
    states = [run.load_snapshot(1), run.load_snapshot(2), run.load_weights()]
    assert all(s.keys() == states[0].keys() for s in states)
    shorter = runs("MNIST_AUTOENCODER", epochs=3, snapshots=())
    assert shorter.snapshots() == []
    with pytest.raises(UsageError, match="no snapshot of epoch 5; kept: 1, 2"):
        run.load_snapshot(5)
    costs = []
    for epoch, state in zip((1, 2), states[:2], strict=True):
        task = run.task()
        task.model.load_state_dict(state)
        costs.append(evaluate(task, task.validation)["loss"])
        assert costs[-1] == pytest.approx(run.records()[epoch - 1]["validation/loss"], rel=1e-6)
    task.model.load_state_dict(states[2])
    path = run.path / "snapshots" / "epoch-0002.safetensors"
    whole = path.read_bytes()
    path.write_bytes(b"nothing")
    with pytest.raises(gradus.RunError, match="damaged"):
        run.load_snapshot(2)
    path.write_bytes(whole)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("MNIST_AUTOENCODER", {"code": 0}, "code must be ≥ 1, got 0"),
        ("MNIST_AUTOENCODER", {"hidden": (10, 0)}, r"hidden must be all ≥ 1, got \(10, 0\)"),
        ("MNIST_AUTOENCODER", {"snapshots": (0,)}, "snapshots must be all ≥ 1"),
        ("MNIST_AUTOENCODER", {"norm": -1.0}, "norm must be ≥ 0 and finite, got -1"),
        ("MNIST_DENOISING", {"mask": 1.1}, r"mask must be in \[0, 1\], got 1.1"),
        ("MNIST_DENOISING", {"mask": -0.1}, r"mask must be in \[0, 1\], got -0.1"),
        ("MNIST_SPARSE", {"target": 0.0}, r"target must be in \(0, 1\), got 0.0"),
        ("MNIST_SPARSE", {"beta": -1.0}, "beta must be ≥ 0"),
        (
            "MNIST_KSPARSE",
            {"k": 1001},
            r"k must be in \[1, 1000\], the units of the code, got 1001",
        ),
        ("MNIST_KSPARSE", {"k": 0}, r"k must be in \[1, 1000\]"),
        ("MNIST_HASHING", {"code": 63}, "code must be ≤ 62 bits, to be one address, got 63"),
        ("MNIST_HASHING", {"noise": -1.0}, "noise must be ≥ 0"),
        ("CIRCLES_AUTOENCODER", {"circles": 3}, "circles must be 1 or 2, got 3"),
        ("CIRCLES_AUTOENCODER", {"examples": 2}, "examples must be ≥ 10"),
        ("CIRCLES_AUTOENCODER", {"spread": -1.0}, "spread must be ≥ 0"),
        ("CIRCLES_AUTOENCODER", {"corruption": -1.0}, "corruption must be ≥ 0"),
        ("CIRCLES_AUTOENCODER", {"code": 0}, "code must be ≥ 1"),
        ("CIRCLES_AUTOENCODER", {"hidden": (0,)}, "hidden must be all ≥ 1"),
    ],
)
def test_settings_that_cannot_be(name, settings, message):
    with pytest.raises(UsageError, match=message):
        getattr(recipes, name).configure(**settings)
