import copy
import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from gradus.core.errors import UsageError
from gradus.nn.init import INITIALISERS
from gradus.nn.mlp import MLP, first_layer

FUNCTIONS = {
    "relu": nn.ReLU,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "linear": nn.Identity,
}


def sequential(model: MLP, activation: str, dropout: float = 0.0) -> nn.Sequential:
    """The same network written by hand, with copies of the parameters."""
    parts: list[nn.Module] = []
    for name, (n_in, n_out) in zip(
        [*(f"hidden_{i}" for i in range(1, len(model.sizes) - 1)), "output"],
        itertools.pairwise(model.sizes),
        strict=True,
    ):
        linear = nn.Linear(n_in, n_out).to(model.output.weight)
        linear.load_state_dict(model.get_submodule(name).state_dict())
        parts.append(linear)
        if name != "output":
            parts += [FUNCTIONS[activation](), *([nn.Dropout(dropout)] if dropout else [])]
    return nn.Sequential(*parts)


@given(
    sizes=st.lists(st.integers(1, 8), min_size=2, max_size=5),
    activation=st.sampled_from(sorted(FUNCTIONS)),
    batch=st.integers(0, 5),
    seed=st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=60)
def test_equals_the_network_written_by_hand(sizes, activation, batch, seed):
    torch.manual_seed(seed)
    model = MLP(sizes, activation).double()
    twin = sequential(model, activation)
    x = torch.randn(batch, sizes[0], dtype=torch.float64)
    assert torch.equal(model(x), twin(x))
    model(x).square().sum().backward()
    twin(x).square().sum().backward()
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)


class Kernels(TorchDispatchMode):
    """Records the name of every tensor operation."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.names.append(str(func))
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_runs_the_same_kernels_as_the_network_written_by_hand(dropout):
    model = MLP((6, 5, 4, 3), dropout=dropout)
    x = torch.randn(7, 6)
    recorded = []
    for network in (model, sequential(model, "relu", dropout)):
        with Kernels() as kernels:
            network(x).sum().backward()
        recorded.append(kernels.names)
    assert recorded[0] == recorded[1]
    assert len(recorded[0]) > 9


@pytest.mark.parametrize("dropout", [0.3, 0.9])
def test_dropout_is_inverted_dropout_on_the_hidden_outputs(dropout):
    model = MLP((4, 50, 50, 3), dropout=dropout)
    twin = sequential(model, "relu", dropout)
    x = torch.randn(6, 4)
    torch.manual_seed(3)
    ours = model(x)
    torch.manual_seed(3)
    assert torch.equal(ours, twin(x))
    assert not torch.equal(ours, model(x))
    model.eval()
    assert torch.equal(model(x), sequential(model, "relu")(x))


def test_the_parameters_are_named_by_their_place():
    shapes = {name: tuple(p.shape) for name, p in MLP((784, 256, 128, 10)).named_parameters()}
    assert shapes == {
        "hidden_1.weight": (256, 784),
        "hidden_1.bias": (256,),
        "hidden_2.weight": (128, 256),
        "hidden_2.bias": (128,),
        "output.weight": (10, 128),
        "output.bias": (10,),
    }


def test_without_hidden_layers_it_is_logistic_regression():
    model = MLP((784, 10), dropout=0.5)
    assert [name for name, _ in model.named_parameters()] == ["output.weight", "output.bias"]
    x = torch.randn(3, 784)
    expected = x @ model.output.weight.T + model.output.bias
    torch.testing.assert_close(model(x), expected)


def test_the_network_of_figure_3_7_has_as_many_parameters_as_counted_by_hand():
    model = MLP((784, 256, 256, 10))
    by_hand = 784 * 256 + 256 + 256 * 256 + 256 + 256 * 10 + 10
    assert sum(p.numel() for p in model.parameters()) == by_hand == 269_322


def test_logits_may_be_negative_where_the_books_listing_cuts_them_off():
    torch.manual_seed(0)
    logits = MLP((5, 8, 4))(torch.randn(50, 5))
    assert (logits < 0).any()
    assert (torch.relu(logits) != logits).any()


def test_weights_start_as_he_says_and_biases_at_zero():
    torch.manual_seed(0)
    model = MLP((784, 256, 256, 10))
    for layer, n_in in ((model.hidden_1, 784), (model.hidden_2, 256), (model.output, 256)):
        assert layer.weight.std().item() == pytest.approx(math.sqrt(2 / n_in), rel=0.05)
        assert not layer.bias.any()


@pytest.mark.parametrize("init", INITIALISERS)
def test_every_initialiser_can_start_it(init):
    torch.manual_seed(4)
    model = MLP((20, 30, 5), init=init)
    assert torch.isfinite(model(torch.randn(2, 20))).all()
    largest = {"zeros": 0.0, "ones": 1.0, "constant": 0.1, "uniform": 1.0, "truncated_normal": 2.0}
    if init in largest:
        assert model.hidden_1.weight.abs().max().item() == pytest.approx(largest[init], rel=0.02)


def test_one_module_used_twice_shares_its_parameters():
    model = MLP((3, 4, 2)).double()
    first, second = torch.randn(2, 5, 3, dtype=torch.float64)
    (model(first).sum() + model(second).sum()).backward()
    together = [p.grad.clone() for p in model.parameters()]
    apart = [torch.zeros_like(p) for p in model.parameters()]
    for x in (first, second):
        model.zero_grad()
        model(x).sum().backward()
        for total, p in zip(apart, model.parameters(), strict=True):
            total += p.grad
    for ours, theirs in zip(together, apart, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)
    pair = nn.ModuleDict({"left": model, "right": model})
    assert len(list(pair.parameters())) == len(list(model.parameters()))


def test_two_built_modules_have_their_own_parameters():
    left, right = MLP((3, 4, 2)), MLP((3, 4, 2))
    pair = nn.ModuleDict({"left": left, "right": right})
    assert len(list(pair.parameters())) == 8
    assert {"left.hidden_1.weight", "right.hidden_1.weight"} <= set(pair.state_dict())
    before = right.hidden_1.weight.clone()
    nn.init.zeros_(left.hidden_1.weight)
    assert torch.equal(right.hidden_1.weight, before)


def test_one_layer_in_two_places_shares_its_parameters():
    model = MLP((3, 4, 4, 4, 2))
    model.hidden_3 = model.hidden_2
    assert "hidden_3.weight" not in dict(model.named_parameters())
    x = torch.randn(2, 3)
    hidden = torch.relu(model.hidden_1(x))
    hidden = torch.relu(model.hidden_2(torch.relu(model.hidden_2(hidden))))
    torch.testing.assert_close(model(x), model.output(hidden))


def test_a_copy_is_its_own_network():
    model = MLP((3, 4, 2))
    twin, x = copy.deepcopy(model), torch.randn(2, 3)
    before = model(x)
    nn.init.zeros_(model.hidden_1.weight)
    assert torch.equal(twin(x), before)


def test_state_is_saved_and_restored_by_name():
    model, other = MLP((3, 4, 2)), MLP((3, 4, 2))
    other.load_state_dict(model.state_dict())
    x = torch.randn(2, 3)
    assert torch.equal(model(x), other(x))


@pytest.mark.parametrize(
    ("settings_", "message"),
    [
        ({"sizes": (3,)}, r"two or more numbers ≥ 1, got \(3,\)"),
        ({"sizes": (3, 0, 2)}, r"two or more numbers ≥ 1, got \(3, 0, 2\)"),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\), got 1.0"),
        ({"dropout": -0.1}, r"dropout must be in \[0, 1\), got -0.1"),
        ({"dropout": math.nan}, r"dropout must be in \[0, 1\), got nan"),
        ({"activation": "gelu"}, "activation must be one of linear, .* got 'gelu'"),
        ({"activation": "threshold"}, "threshold has no slope"),
        ({"init": "hee"}, "did you mean he"),
    ],
)
def test_bad_numbers_and_names_are_refused(settings_, message):
    with pytest.raises(UsageError, match=message):
        MLP(**{"sizes": (3, 4, 2), **settings_})


def test_the_first_layer_is_shown_as_pictures_between_0_and_1():
    weight = torch.tensor([[1.0, 3.0, 2.0, 1.0, 5.0, 1.0], [7.0] * 6])
    model = nn.Linear(6, 2)
    model.weight.data.copy_(weight)
    (found,) = first_layer(model, (2, 3)).values()
    assert found.shape == (2, 1, 2, 3)
    assert found[0, 0].tolist() == [[0.0, 0.5, 0.25], [0.0, 1.0, 0.0]]
    assert not found[1].any()
    (found,) = first_layer(MLP((12, 99, 2)), (2, 2, 3)).values()
    assert found.shape == (64, 3, 2, 2)


def test_the_layers_in_their_order_and_an_initialisers_own_numbers():
    torch.manual_seed(0)
    model = MLP((300, 200, 100, 10), init="normal", std=0.05)
    assert model.layers == [model.hidden_1, model.hidden_2, model.output]
    for layer in model.layers:
        assert layer.weight.std().item() == pytest.approx(0.05, rel=0.05)
    assert MLP((4, 2)).layers[0].weight.shape == (2, 4)
