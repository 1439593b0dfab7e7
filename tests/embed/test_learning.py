"""Small problems that must be learned (minutes): circles told apart, noise taken off."""

import pytest
import torch

import gradus
from gradus.embed.compare import both
from gradus.embed.data import best_threshold
from gradus.embed.pca import pca
from gradus.nn.neighbours import knn_accuracy

pytestmark = pytest.mark.learn


def test_one_number_tells_the_circles_apart_and_no_axis_does(tmp_path):
    run = gradus.train("circles-autoencoder", run_dir=tmp_path / "run")
    assert run.results["test"]["knn accuracy"] >= 0.99
    points, labels = run.task().test().tensors
    axis = pca(points, 2).encode(points)[:, :1]
    assert knn_accuracy(axis, labels) < 0.9
    assert best_threshold(axis[:, 0], labels) < 0.8


def test_a_denoising_autoencoder_leads_back_to_the_circle(tmp_path):
    settings = {"circles": 1, "corruption": 0.25, "code": 16, "epochs": 60}
    run = gradus.train("circles-autoencoder", run_dir=tmp_path / "run", **settings)
    model = run.task().model.eval()
    points = run.task().test().tensors[0]
    moved = points + 0.25 * torch.randn(points.shape, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before, after = ((x.norm(dim=1) - 1).abs().mean() for x in (moved, model(moved)))
    assert after < before / 2


def test_codes_of_two_numbers_beat_pca_on_the_small_digits(tmp_path):
    settings = {"data": "digits", "validation": 200, "hidden": (64, 32), "batch_size": 20}
    run = gradus.train("mnist-autoencoder", run_dir=tmp_path / "run", lr=0.01, **settings)
    linear, ours, _, _ = both(run)
    assert ours.cost < 0.9 * linear.cost
    assert ours.agreement > linear.agreement + 0.1
