import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from torch import nn

from gradus.core.errors import UsageError
from gradus.nn.init import INITIALISERS, constant, he, initialise, lecun, normal

SHAPE = (400, 250)  # 100,000 draws: standard errors of about 0.3 % of the standard deviation


def drawn(name: str, shape: tuple[int, ...] = SHAPE, **numbers: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(7)
    return initialise(torch.empty(shape, dtype=torch.float64), name, generator, **numbers)


@pytest.mark.parametrize(("name", "value"), [("zeros", 0.0), ("ones", 1.0), ("constant", 0.1)])
def test_fixed_values(name, value):
    assert torch.all(drawn(name) == value)


def test_constant_takes_its_value():
    assert torch.all(drawn("constant", value=-3.5) == -3.5)
    assert torch.all(constant(torch.empty(3), value=2.0) == 2.0)


@pytest.mark.parametrize(
    ("name", "distribution"),
    [
        ("normal", stats.norm()),
        ("truncated_normal", stats.truncnorm(-2, 2)),
        ("uniform", stats.uniform(-1, 2)),
        ("he", stats.norm(scale=math.sqrt(2 / 250))),
        ("lecun", stats.norm(scale=math.sqrt(1 / 250))),
        ("xavier", stats.norm(scale=math.sqrt(2 / 650))),
    ],
)
def test_random_values_follow_scipys_distribution(name, distribution):
    weight = drawn(name).flatten().numpy()
    std = distribution.std()
    assert weight.mean() == pytest.approx(0, abs=4 * std / math.sqrt(weight.size))
    assert weight.std() == pytest.approx(std, rel=0.015)
    assert stats.kstest(weight, distribution.cdf).pvalue > 1e-3


def test_normal_takes_mean_and_standard_deviation():
    weight = drawn("normal", mean=3.0, std=0.5)
    assert weight.mean().item() == pytest.approx(3.0, abs=0.01)
    assert weight.std().item() == pytest.approx(0.5, rel=0.015)


def test_truncated_normal_is_cut_at_two_standard_deviations_from_its_mean():
    weight = drawn("truncated_normal", mean=10.0, std=3.0)
    assert 4.0 <= weight.min().item() < 4.1
    assert 15.9 < weight.max().item() <= 16.0
    assert weight.std().item() == pytest.approx(0.8796 * 3.0, rel=0.015)


def test_uniform_stays_in_its_range():
    weight = drawn("uniform", low=2.0, high=5.0)
    assert 2.0 <= weight.min().item() < 2.001
    assert 4.999 < weight.max().item() < 5.0


@pytest.mark.parametrize(("function", "gain"), [(he, 2.0), (lecun, 1.0)])
def test_a_convolution_counts_channels_times_kernel_as_inputs(function, gain):
    weight = function(torch.empty(500, 8, 5, 5), torch.Generator().manual_seed(0))
    assert weight.std().item() == pytest.approx(math.sqrt(gain / (8 * 5 * 5)), rel=0.02)


def test_he_keeps_the_signal_through_ten_relu_layers_and_lecun_halves_it_in_each():
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(200, 512, generator=generator, dtype=torch.float64)

    def mean_square_after_ten(function) -> float:
        y = x
        for _ in range(10):
            y = torch.relu(y @ function(torch.empty(512, 512, dtype=y.dtype), generator).T)
        return y.square().mean().item()

    start = x.square().mean().item()
    assert mean_square_after_ten(he) == pytest.approx(start, rel=0.5)
    assert mean_square_after_ten(lecun) == pytest.approx(start / 2**10, rel=0.5)


@given(
    name=st.sampled_from(sorted(INITIALISERS)),
    shape=st.lists(st.integers(1, 6), min_size=2, max_size=4),
    seed=st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=60)
def test_in_place_and_repeatable_from_a_generator(name, shape, seed):
    weight = nn.Parameter(torch.full(shape, float("nan")))
    filled = initialise(weight, name, torch.Generator().manual_seed(seed))
    assert filled is weight
    assert torch.isfinite(weight).all()
    again = initialise(torch.empty(shape), name, torch.Generator().manual_seed(seed))
    assert torch.equal(weight.detach(), again)


def test_without_a_generator_torchs_global_one_is_used():
    torch.manual_seed(5)
    first = normal(torch.empty(4, 4))
    assert not torch.equal(first, normal(torch.empty(4, 4)))
    torch.manual_seed(5)
    assert torch.equal(first, normal(torch.empty(4, 4)))


def test_an_unknown_name_is_answered_by_the_nearest():
    with pytest.raises(UsageError, match="got 'truncated-normal': did you mean truncated_normal"):
        initialise(torch.empty(2, 2), "truncated-normal")


def test_a_name_like_no_other_is_answered_by_the_list():
    message = r"init must be one of zeros, ones, .*, xavier, got 'qqq'$"
    with pytest.raises(UsageError, match=message):
        initialise(torch.empty(2, 2), "qqq")


@pytest.mark.parametrize("name", ["he", "lecun", "xavier"])
def test_inputs_of_a_vector_are_unknown(name):
    with pytest.raises(UsageError, match=rf"{name} needs a weight of shape .* got shape \(5,\)"):
        initialise(torch.empty(5), name)
