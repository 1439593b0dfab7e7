"""gradus.core.space: what a search may look through, and how it is written down."""

import itertools
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradus import catalog
from gradus.cli import _combined
from gradus.core.errors import UsageError
from gradus.core.space import (
    Range,
    checked,
    configured,
    default_space,
    grid,
    largest_batch,
    parse_space,
    show,
    space_from_json,
    space_to_json,
    train_words,
)
from gradus.parse import parse
from gradus.verbs.training import TrainArgs

MNIST = catalog.recipe("mnist-mlp")


def read(*values, ranges=()):
    return parse_space(MNIST.config, values, ranges)


def test_values_have_the_types_of_their_settings():
    space = read("lr=1,0.01", "batch-size=16,64", "optimizer=sgd,adam", "compile=true,false")
    assert space == {
        "lr": (1.0, 0.01),
        "batch_size": (16, 64),
        "optimizer": ("sgd", "adam"),
        "compile": (True, False),
    }
    assert type(space["lr"][0]) is float
    assert read("hidden=none,64,64x32", "data=digits,a b") == {
        "hidden": ((), (64,), (64, 32)),
        "data": ("digits", "a b"),
    }


def test_ranges():
    words = ("lr=1e-4..1:log", "dropout=0..0.5:0.1", "batch_size=16..256:log", "l2=.1...5")
    assert read(ranges=words) == {
        "lr": Range(1e-4, 1.0, log=True),
        "dropout": Range(0.0, 0.5, step=0.1),
        "batch_size": Range(16, 256, log=True),
        "l2": Range(0.1, 0.5),
    }


@pytest.mark.parametrize(
    ("values", "ranges", "message"),
    [
        (["lr"], [], r"'lr' must be of the form NAME=…, such as lr=0.1,0.01"),
        (["=1"], [], "must be of the form"),
        ([], ["lr"], r"such as lr=1e-4..1:log"),
        (["lr=1", "lr=2"], [], "lr is given twice"),
        (["lr=1"], ["lr=1..2"], "lr is given twice"),
        ([], ["lr=1"], r"lr='1' must be LOW..HIGH, LOW..HIGH:log or LOW..HIGH:STEP in numbers"),
        ([], ["lr=a..b"], "must be LOW..HIGH"),
        ([], ["batch_size=1.5..3"], "in whole numbers"),
        ([], ["lr=1..2:linear"], "must be LOW..HIGH"),
        ([], ["lr=2..1"], r"a range must rise from a number to a larger one, got 2..1"),
        ([], ["lr=1..inf"], "a range must rise"),
        ([], ["lr=0..1:log"], r"in the logarithm must begin above 0, got 0..1"),
        ([], ["lr=0..1:0.3"], r"a step must divide its range, got 0.3 for 0..1"),
        ([], ["optimizer=a..b"], "optimizer is not a number: give its values"),
        ([], ["hidden=1..2"], "hidden is not a number"),
    ],
)
def test_what_is_not_of_the_form_is_refused(values, ranges, message):
    with pytest.raises(UsageError, match=message):
        parse_space(MNIST.config, values, ranges)


def test_a_range_has_a_step_or_is_in_the_logarithm():
    with pytest.raises(UsageError, match="got both"):
        Range(1, 2, log=True, step=0.5)


@pytest.mark.parametrize(
    ("space", "message"),
    [
        ({"lrr": (1.0,)}, r"mnist-mlp has no setting 'lrr': did you mean lr"),
        ({"lr": (0.1, -1.0)}, "lr must be > 0 and finite, got -1"),
        ({"batch_size": Range(0.5, 16)}, "batch_size must be a whole number, got 0.5..16"),
        ({"hidden": ((64, 0),)}, "hidden must be all ≥ 1"),
        ({"dropout": Range(0, 1)}, r"dropout must be in \[0, 1\), got 1"),
        ({"lr": ()}, "lr needs values"),
        ({"data": "digits"}, "data needs values, got 'digits'"),
        ({"lr": (0.1, 1, 1.0)}, "lr is given the value 1 twice"),
        ({"device": ("cpu", "cuda")}, "device does not change what is learnt"),
        ({"compile": Range(0, 1)}, "compile does not change what is learnt"),
        ({"optimizer": Range(0, 1)}, "optimizer is not a number"),
    ],
)
def test_what_the_settings_forbid_is_refused(space, message):
    with pytest.raises(UsageError, match=message):
        checked(MNIST, MNIST.config, space)


def test_a_combination_that_cannot_be_meant_is_refused_before_anything_starts():
    space = {"optimizer": ("sgd", "adam"), "momentum": Range(0.0, 0.9)}
    with pytest.raises(UsageError, match="momentum"):
        checked(MNIST, MNIST.config, space)
    assert checked(MNIST, MNIST.config, {**space, "optimizer": ("sgd", "rmsprop")})


def test_numbers_get_the_type_of_their_setting():
    typed = checked(
        MNIST, MNIST.config, {"lr": [1, 2], "hidden": [[8], ()], "l2": Range(0, 1, step=1)}
    )
    assert typed == {"lr": (1.0, 2.0), "hidden": ((8,), ()), "l2": Range(0.0, 1.0, step=1.0)}
    assert all(type(v) is float for v in (*typed["lr"], typed["l2"].low, typed["l2"].step))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4))
def test_a_grid_is_every_combination_once(sizes):
    space = {f"s{n}": tuple(range(size)) for n, size in enumerate(sizes)}
    found = [tuple(point.values()) for point in grid(space)]
    assert found == list(itertools.product(*(range(size) for size in sizes)))
    assert all(list(point) == list(space) for point in grid(space))


def test_a_grid_has_no_ranges_and_an_end():
    with pytest.raises(UsageError, match=r"takes values, not a range: lr=0.1..1"):
        grid({"lr": Range(0.1, 1.0)})
    with pytest.raises(UsageError, match="has 1,000,000 points, at most 10,000"):
        grid({name: range(100) for name in "abc"})


def test_the_default_space_lies_around_the_recipe():
    space = default_space(MNIST.config, 150)
    assert space["lr"] == Range(1e-4, 0.09, log=True)
    assert space["batch_size"] == (25, 50, 100, 150)
    assert default_space(replace(MNIST.config, batch_size=1), 60)["batch_size"] == (1, 2, 4)
    assert checked(MNIST, MNIST.config, space) == space


def test_the_largest_minibatch():
    config = MNIST.config
    assert largest_batch(config, {}) == {"batch_size": config.batch_size}
    assert largest_batch(config, {"lr": (1.0, 2.0), "batch_size": (8, 32)}) == {
        "lr": 1.0,
        "batch_size": 32,
    }
    assert largest_batch(config, {"batch_size": Range(8, 64)})["batch_size"] == 64


@given(
    st.dictionaries(
        st.sampled_from(["lr", "hidden", "optimizer"]),
        st.one_of(
            st.lists(st.one_of(st.floats(0, 9), st.tuples(st.integers(1, 9))), min_size=1),
            st.builds(Range, st.floats(0.1, 1), st.floats(2, 3), st.booleans()),
        ),
    )
)
def test_a_space_survives_json(space):
    read_back = space_from_json(json.loads(json.dumps(space_to_json(space))))
    assert read_back == {n: p if isinstance(p, Range) else tuple(p) for n, p in space.items()}


@given(
    lr=st.floats(1e-8, 10),
    hidden=st.lists(st.integers(1, 999), max_size=3).map(tuple),
    optimizer=st.sampled_from(["sgd", "adam"]),
    compile=st.booleans(),
    epochs=st.integers(1, 99),
    data=st.sampled_from(["mnist", "my pictures"]),
)
def test_the_command_trains_with_exactly_these_settings(**settings):
    config = configured(MNIST, MNIST.config, settings)
    verb, *words = train_words(MNIST, config)
    assert verb == "train"
    assert parse(_combined(TrainArgs, MNIST.config), words, "gradus train").recipe == config


def test_values_in_few_letters():
    values = (1e-4, 0.94576, 3, True, (64, 32), (), "sgd", Range(0.1, 1.0, log=True))
    words = ["0.0001", "0.9458", "3", "true", "64x32", "none", "sgd", "0.1..1:log"]
    assert [show(v) for v in values] == words
    assert show(Range(0, 0.5, step=0.1)) == "0..0.5:0.1"
