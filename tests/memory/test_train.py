"""From config to task: lengths, lessons, splits, reports; and what is refused."""

import pytest
import torch

from gradus import UsageError, catalog
from gradus.core.task import build_task, measure
from gradus.memory.dnc import DNC
from gradus.memory.ntm import NTM
from gradus.memory.recipes import BABI_DNC, DNC_SERIES_COPY, NTM_COPY, NTM_NGRAMS
from gradus.memory.train import draw, error_at, held_out, read_stories, split_stories

ALGORITHMS = [n for n in catalog.RECIPES if n.startswith(("ntm-", "dnc-"))]
STORIES = [n for n in catalog.RECIPES if n.startswith("babi-")]


def steps(batch):
    return batch[0].shape[1]


@pytest.mark.parametrize("name", ALGORITHMS)
def test_full_settings_make_a_task(name):
    recipe = catalog.recipe(name)
    task = build_task(recipe, recipe.config)
    assert isinstance(task.model, NTM if name.startswith("ntm") else DNC)
    assert task.model(task.sample)[0].shape[:2] == task.sample.shape[:2]
    assert 190 <= task.validation.examples <= 200
    assert 990 <= task.test().examples <= 1000


def test_lessons_begin_short_and_end_long():
    config = NTM_COPY.configure(lessons=10)
    early = {steps(draw(config, torch.Generator().manual_seed(i), 1, 0)) for i in range(200)}
    late = {steps(draw(config, torch.Generator().manual_seed(i), 1, 50)) for i in range(400)}
    assert max(early) <= 2 * 3 + 1
    assert late == {2 * n + 1 for n in range(1, 21)}


def test_validation_and_test_differ_and_do_not_hang_on_the_seed():
    tasks = [build_task(NTM_COPY, NTM_COPY.configure(seed=seed)) for seed in (0, 1)]
    assert torch.equal(tasks[0].validation.tensors[0], tasks[1].validation.tensors[0])
    shorter = tasks[0].validation.tensors[0][:10]
    assert not torch.equal(shorter, tasks[0].test().tensors[0][:10])
    batches = [next(iter(task.train.epoch(0)))[0][0] for task in tasks]
    assert batches[0].shape != batches[1].shape or not torch.equal(*batches)


def test_every_length_is_held_out_as_often():
    config = NTM_COPY.configure(longest=4)
    asked = held_out(config, range(1, 5), 1_000)[2].sum(1)
    assert asked.long().bincount().tolist() == [0, 50, 50, 50, 50]


def test_longer_lengths_are_reported():
    config = NTM_COPY.configure(**{**NTM_COPY.smoke, "longer": (4, 6)})
    task = build_task(NTM_COPY, config)
    found = measure(task, task.validation)
    assert {"loss", "bits", "wrong", "error", "error at 4", "error at 6"} == set(found)
    assert found["error at 4"] == error_at(config, task.model, 4)


def test_ngrams_report_the_best():
    task = build_task(NTM_NGRAMS, NTM_NGRAMS.configure(**NTM_NGRAMS.smoke))
    found = measure(task, task.validation)
    assert 0 < found["bits of the best"] <= found["bits"]


def test_a_series_needs_fewer_locations_than_vectors():
    assert DNC_SERIES_COPY.config.locations < 5 * DNC_SERIES_COPY.config.longest


@pytest.mark.parametrize("name", STORIES)
def test_stories_are_reported_by_task(name):
    recipe = catalog.recipe(name)
    task = build_task(recipe, recipe.configure(**recipe.smoke))
    found = measure(task, task.test())
    names = {"error 1, single supporting fact", "error 8, lists sets"}
    assert names | {"loss", "error", "error, mean of tasks", "tasks failed"} == set(found)
    assert found["error, mean of tasks"] == pytest.approx(sum(found[n] for n in names) / 2)


def test_stories_held_out_are_of_every_task_and_never_learned():
    config = BABI_DNC.configure(**{**BABI_DNC.smoke, "stories": 20})
    told = read_stories(config)["train"]
    train, validation = split_stories(config, told)
    assert [s.task for s in validation] == [1, 1, 8, 8]
    assert len(train) == 36
    assert (train, validation) == split_stories(config, told)


def test_too_few_stories_are_refused():
    config = BABI_DNC.configure(**{**BABI_DNC.smoke, "longest": 5})
    with pytest.raises(UsageError, match="has 0 stories of at most 5 words"):
        split_stories(config, read_stories(config)["train"])


@pytest.mark.parametrize(
    ("recipe", "settings", "said"),
    [
        (NTM_COPY, {"locations": 0}, "locations must be ≥ 1, got 0"),
        (NTM_COPY, {"longest": 0}, "longest must be ≥ shortest, got 0"),
        (NTM_COPY, {"problem": "recall", "shortest": 1}, "shortest must be ≥ 2 for recall"),
        (NTM_COPY, {"problem": "ngrams", "shortest": 9}, "ngrams has one bit at a time"),
        (NTM_COPY, {"longer": (0,)}, "longer must be ≥ 1 for copy"),
        (NTM_COPY, {"shift": 200}, r"shift must be in \[0, locations\], got 200"),
        (DNC_SERIES_COPY, {"width": 0}, "width must be ≥ 1, got 0"),
        (BABI_DNC, {"reads": 0}, "reads must be ≥ 1, got 0"),
        (BABI_DNC, {"tasks": (0,)}, r"tasks must be numbers in \[1, 20\], got \(0,\)"),
        (BABI_DNC, {"tasks": ()}, r"tasks must be numbers in \[1, 20\]"),
        (BABI_DNC, {"held_out": 1.0}, r"held_out must be in \(0, 1\), got 1.0"),
        (BABI_DNC, {"bypass_dropout": 1.0}, r"bypass_dropout must be in \[0, 1\)"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(recipe, settings, said):
    with pytest.raises(UsageError, match=said):
        recipe.configure(**settings)
