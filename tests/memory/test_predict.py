"""Questions to a finished run: bits to copy, lengths, stories; a trace kept; figures."""

import numpy as np
import pytest
import torch

from gradus import UsageError, catalog
from gradus.core.experiment import train
from gradus.memory.trace import trace
from tests.commands import offline
from tests.figures import assert_readable


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs of three kinds, made in seconds."""
    made = {}
    with pytest.MonkeyPatch.context() as patch:
        offline(patch, tmp_path_factory.mktemp("offline"))
        for name in ("ntm-copy", "dnc-series-copy", "babi-dnc-stable"):
            recipe = catalog.recipe(name)
            path = tmp_path_factory.mktemp("runs") / name
            made[name] = train(recipe, recipe.configure(**recipe.smoke), path=path)
    return made


def test_bits_are_copied(runs):
    vectors = "10110011 00001111"
    (found,) = runs["ntm-copy"].predict(vectors)
    assert found["input"] == vectors
    assert found["asked"] == 16
    said = "".join(found["said"].split())
    differ = sum(a != b for a, b in zip(said, vectors.replace(" ", ""), strict=True))
    assert found["wrong"] == differ


def test_a_length_is_tried(runs):
    short, long = runs["dnc-series-copy"].predict("1", 30)
    assert short["steps"] == 11
    assert long["steps"] == 330  # far more vectors than locations
    assert 0 <= long["wrong"] <= long["asked"] == 30 * 5 * 6


@pytest.mark.parametrize("given", ["0", "-1", "x", "101100112 1", "", "99999"])
def test_what_is_no_length_is_refused(runs, given):
    with pytest.raises(UsageError, match="an input must be a length in"):
        runs["ntm-copy"].predict(given)


def test_a_story_is_answered(runs):
    run = runs["babi-dnc-stable"]
    story = "Mary went to the kitchen. John went to the office. Where is Mary?"
    one, again, two = run.predict(story, story + " -", story + " - -")
    assert one["label"] == again["label"] == one["top"][0]["label"]
    assert len(two["label"].split(",")) == 2
    assert 0 < two["probability"] <= 1


@pytest.mark.parametrize(
    ("story", "said"),
    [
        ("Mary went to the kitchen.", 'must end with a question and its "?"'),
        ("", "must end with a question"),
        ("Where is Mary? She is here.", "must end with a question"),
        ("Where - is Mary?", "must end with a question"),
        ("Where is Zoe?", "'zoe' must be among the"),
    ],
)
def test_stories_that_cannot_be_answered_are_refused(runs, story, said):
    with pytest.raises(UsageError, match=said):
        runs["babi-dnc-stable"].predict(story)


def test_the_trace_is_kept_and_is_what_the_network_does(runs):
    run = runs["dnc-series-copy"]
    run.figure("memory")
    with np.load(run.path / "trace.npz") as kept:
        found = dict(kept)
    config, steps = run.config, 2 * 11
    n = config.locations
    assert found["memory"].shape == (steps, n, config.width)
    assert found["links"].shape == (steps, n, n)
    assert found["usage"].shape == (steps, n)
    assert found["modes"].shape == (steps, 1, 3)
    assert found["read_weightings"].shape == found["write_weightings"].shape == (steps, 1, n)
    with torch.no_grad():
        outputs, state = run.task().model(torch.from_numpy(found["inputs"])[None])
    np.testing.assert_allclose(found["outputs"], outputs[0].numpy(), atol=1e-5)
    np.testing.assert_allclose(found["memory"][-1], state.memory[0].numpy(), atol=1e-5)


def test_the_trace_of_an_ntm(runs):
    model = runs["ntm-copy"].task().model
    x = torch.rand(4, model.controller.weight_x.shape[1])
    found = trace(model, x)
    outputs, state = model(x[None])
    np.testing.assert_allclose(found["outputs"], outputs[0].detach().numpy(), atol=1e-5)
    np.testing.assert_allclose(found["read_weightings"][-1], state.weightings[0, :1].detach())
    assert found["shifts"].shape == (4, 2, 3)
    assert found["add"].shape == (4, 1, model.width)


def test_the_figures_of_runs_are_readable(runs):
    for run in runs.values():
        for draw in run.figures().values():
            assert_readable(draw(run))
