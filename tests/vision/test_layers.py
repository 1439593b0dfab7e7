"""The language of layers: what it means and what it refuses."""

import re
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import UsageError
from gradus.vision.layers import (
    FORMS,
    Activation,
    ActivationName,
    Conv,
    Dense,
    Dropout,
    Fractional,
    Norm,
    Pool,
    Residual,
    parse,
)


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("", []),
        ("   ", []),
        ("conv 5x5x32", [Conv((5, 5), 32)]),
        ("conv 3x7x16 stride 1x2 pad valid nobias", [Conv((3, 7), 16, (1, 2), "valid", False)]),
        ("conv 9x4 pad 4", [Conv((9,), 4, padding=(4,))]),
        ("pool 2", [Pool("pool", (2,))]),
        ("pool 3 stride 2 pad 1", [Pool("pool", (3,), (2,), (1,))]),
        ("average all", [Pool("average", None)]),
        ("pool 1x2x2", [Pool("pool", (1, 2, 2))]),
        ("fractional 2", [Fractional((2,), 2**0.5)]),
        ("fractional 2x3 shrink 1.5", [Fractional((2, 3), 1.5)]),
        ("dense 1024 nobias", [Dense(1024, bias=False)]),
        ("residual 64 stride 2", [Residual(64, (2,))]),
        ("norm", [Norm(0.9, 1e-3)]),
        ("norm decay 0.6 epsilon 1e-5", [Norm(0.6, 1e-5)]),
        ("dropout 0.5", [Dropout(0.5)]),
        (
            "relu tanh sigmoid gelu silu",
            [Activation(n) for n in get_args(ActivationName)],
        ),
    ],
)
def test_words_and_their_meaning(text, layers):
    assert parse(text) == layers


def test_commas_only_group():
    together = "conv 3x3x8 norm relu dropout 0.1, pool 2"
    assert parse(together) == parse("conv 3x3x8, norm,relu ,  dropout 0.1,pool   2")


def test_layers_keep_their_order():
    assert parse("dense 3 relu norm") != parse("dense 3 norm relu")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "conv 5x5x64 relo",
            "part 1, 'conv 5x5x64 relo': 'relo' must be one of stride, pad, nobias",
        ),
        ("pool 2, convv 3x3x8", "part 2, 'convv 3x3x8': 'convv' must be one of conv, pool,"),
        ("convv 3x3x8", "did you mean conv?"),
        ("pool 2,, pool 2", "part 2, '': expected a layer, found nothing"),
        ("pool 2,", "part 2, '': expected a layer, found nothing"),
        ("conv", "expected 5x5x32 after conv, found nothing"),
        ("conv 5", "'5' must be kernel sizes and filters joined by x, such as 5x5x32"),
        ("conv 5x5xx", "'5x5xx' must be a whole number or several joined by x"),
        ("conv 5x5x-3", "must be a whole number"),
        ("conv 5x5x3 stride", "expected a value after stride, found nothing"),
        ("conv 5x5x3 stride 2 stride 2", "stride is given twice"),
        ("conv 5x5x3 stride 0", "stride must be ≥ 1, got 0"),
        ("conv 0x5x3", "size must be ≥ 1, got 0"),
        ("conv 5x5x0", "filters must be ≥ 1, got 0"),
        ("conv 5x5x3 relu stride 2", "'stride' must be one of conv"),
        ("pool 0", "size must be ≥ 1, got 0"),
        ("pool all pad 1", "pool all must be without stride and pad"),
        ("fractional 2 shrink 1", "shrink must be > 1, got 1.0"),
        ("fractional 0", "size must be ≥ 1, got 0"),
        ("dense 3x3", "'3x3' must be one whole number"),
        ("dense 0", "units must be ≥ 1, got 0"),
        ("residual 0", "filters must be ≥ 1, got 0"),
        ("residual 4 stride 0", "stride must be ≥ 1, got 0"),
        ("dropout 1", "dropout must be in [0, 1), got 1.0"),
        ("dropout much", "'much' must be a number"),
        ("dropout nan", "dropout must be in [0, 1), got nan"),
        ("norm decay 1", "decay must be in [0, 1), got 1.0"),
        ("norm epsilon 0", "epsilon must be > 0, got 0.0"),
    ],
)
def test_what_is_not_understood_is_named_with_its_place(text, message):
    with pytest.raises(UsageError, match=re.escape(message)) as error:
        parse(text)
    assert str(error.value).startswith("layers: part ")
    assert "\n" not in str(error.value)


@given(
    st.lists(st.sampled_from([*FORMS, "2", "3x3", "3x3x8", ",", "0.5", "stride", "x"]), max_size=8)
)
def test_any_words_are_read_or_refused_in_one_line(words):
    refusal = ""
    try:
        parse(" ".join(words))
    except UsageError as error:
        refusal = str(error)
    assert re.fullmatch("|layers: part .*", refusal)
