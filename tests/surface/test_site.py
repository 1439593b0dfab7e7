import pytest
import torch

from gradus.core import checkpoint
from gradus.core.experiment import train
from gradus.core.task import build_task
from gradus.surface.evaluation import parameter_vector
from gradus.surface.site import open_site, path_of
from tests.tiny import TINY


@pytest.fixture
def run(tmp_path):
    return train(TINY, TINY.configure(device="cpu"), path=tmp_path / "run")


def site_of(run, split="test"):
    return open_site(run, split, run.path / "surface", "cpu")


def test_the_start_is_that_of_the_seed_and_the_solution_the_best(run):
    site = site_of(run)
    assert torch.equal(site.start, parameter_vector(build_task(run.recipe, run.config).model))
    best = run.load_weights()
    named = [best[name].reshape(-1) for name, _ in site.task.model.named_parameters()]
    assert torch.equal(site.solution, torch.cat(named))
    assert torch.equal(site.solution, parameter_vector(site.task.model))
    assert not torch.equal(site.start, site.solution)
    assert site.words == "tiny, 60 test examples"


def test_training_examples_come_whole_and_in_the_given_order(run):
    site = site_of(run, "train")
    batches = [batch for batch, _ in site.batches.epoch(3)]
    assert len(batches) == 1
    assert torch.equal(batches[0][0], build_task(run.recipe, run.config).train.tensors[0])


def test_the_path_holds_each_checkpoints_parameters_by_epoch(run):
    site = site_of(run)
    expected = {0: site.start, run.results["best_epoch"]: site.solution}
    for file in run.checkpoints.glob("step-*.pt"):
        state = checkpoint.load(file)
        expected[state["epoch"]] = torch.cat([v.reshape(-1) for v in state["model"].values()])
    found = path_of(site)
    assert len(found) == len(expected) >= 6
    for position, epoch in zip(found, sorted(expected), strict=True):
        assert torch.equal(position, expected[epoch])
