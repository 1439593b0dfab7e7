import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gradus.core.errors import UsageError
from gradus.nn.mlp import MLP
from gradus.surface.identifiability import permute_units, rescale_unit

X = torch.randn(16, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def net(activation="relu", seed=0):
    torch.manual_seed(seed)
    model = MLP((4, 6, 5, 3), activation).double()
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            nn.init.normal_(parameter)
    return model


orders = {1: st.permutations(range(6)), 2: st.permutations(range(5))}


@given(
    data=st.data(),
    layer=st.sampled_from([1, 2]),
    activation=st.sampled_from(["relu", "sigmoid", "tanh"]),
    seed=st.integers(0, 100),
)
def test_any_order_of_hidden_units_computes_the_same(data, layer, activation, seed):
    model, order = net(activation, seed), data.draw(orders[layer])
    twin = permute_units(model, layer, order)
    assert torch.allclose(twin(X), model(X), rtol=0, atol=1e-12)
    weights = getattr(twin, f"hidden_{layer}").weight
    for place, unit in enumerate(order):
        assert torch.equal(weights[place], getattr(model, f"hidden_{layer}").weight[unit])


@given(order=orders[1])
def test_the_inverse_order_leads_back(order):
    model = net()
    back = [order.index(i) for i in range(6)]
    there = permute_units(model, 1, order)
    again = permute_units(there, 1, back)
    assert all(
        torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True)
    )


@given(
    layer=st.sampled_from([1, 2]),
    unit=st.integers(0, 4),
    k=st.floats(1e-6, 1e6),
    seed=st.integers(0, 100),
)
def test_a_relu_unit_can_be_scaled_by_any_positive_k(layer, unit, k, seed):
    model = net("relu", seed)
    twin = rescale_unit(model, layer, unit, k)
    assert torch.allclose(twin(X), model(X), rtol=0, atol=1e-11)
    weight = getattr(model, f"hidden_{layer}").weight[unit]
    assert torch.allclose(getattr(twin, f"hidden_{layer}").weight[unit], k * weight)


@given(exponent=st.integers(-20, 20), unit=st.integers(0, 5))
def test_by_a_power_of_two_not_even_the_rounding_changes(exponent, unit):
    model = net()
    assert torch.equal(rescale_unit(model, 1, unit, 2.0**exponent)(X), model(X))


@pytest.mark.parametrize("k", [-1.0, -0.5, -3.0])
def test_a_negative_k_breaks_it(k):
    model = net()
    with torch.no_grad():
        before = model(X)
        model.hidden_1.weight[0] *= k
        model.hidden_1.bias[0] *= k
        model.hidden_2.weight[:, 0] /= k
        after = model(X)
    assert (after - before).abs().max() > 0.01


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_scaling_is_for_relu_only(activation):
    model = net(activation)
    assert (rescale_unit(model, 1, 0, 3.0)(X) - model(X)).abs().max() > 0.01


def test_the_model_itself_is_left_alone():
    model = net()
    before = [p.clone() for p in model.parameters()]
    permute_units(model, 1, [5, 4, 3, 2, 1, 0])
    rescale_unit(model, 2, 1, 7.0)
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_layers_without_biases():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3, bias=False), nn.ReLU(), nn.Linear(3, 2, bias=False))
    model.double()
    for twin in (permute_units(model, 1, [2, 0, 1]), rescale_unit(model, 1, 2, 0.3)):
        assert torch.allclose(twin(X), model(X), rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, [0]), "layer must be from 1 to 2, the number of hidden layers, got 0"),
        ((3, [0]), "layer must be from 1 to 2"),
        ((2, [0, 1, 2]), r"each of the numbers 0 to 4 once, got \[0, 1, 2\]"),
        ((2, [0, 0, 1, 2, 3]), "once"),
    ],
)
def test_impossible_orders_are_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        permute_units(net(), *arguments)


@pytest.mark.parametrize(
    ("unit", "k", "message"),
    [
        (0, 0.0, "k must be > 0"),
        (0, -2.0, "k must be > 0 and finite.*got -2.0"),
        (0, float("inf"), "k must be > 0"),
        (0, float("nan"), "k must be > 0"),
        (6, 1.0, "unit must be from 0 to 5, got 6"),
        (-1, 1.0, "unit must be from 0 to 5"),
    ],
)
def test_impossible_scalings_are_refused(unit, k, message):
    with pytest.raises(UsageError, match=message):
        rescale_unit(net(), 1, unit, k)


def test_models_that_are_no_chain_are_refused():
    convolution = nn.Sequential(nn.Conv1d(1, 1, 1), nn.Linear(3, 3), nn.Linear(3, 3))
    with pytest.raises(UsageError, match="chain of linear layers; it has a Conv1d"):
        permute_units(convolution, 1, [0, 1, 2])
    split = nn.Sequential(nn.Linear(3, 4), nn.Flatten(0), nn.Linear(8, 1))
    with pytest.raises(UsageError, match="layer 1 has 4 units and the next takes 8"):
        permute_units(split, 1, [0, 1, 2, 3])
