import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gradus.core.errors import UsageError
from gradus.neurons.neuron import Layer, Neuron, collapse_linear
from gradus.nn.activation import ACTIVATIONS


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def layer(inputs: int, outputs: int, activation: str = "linear") -> Layer:
    made = Layer(inputs, outputs, activation).double()
    torch.nn.init.normal_(made.bias)
    return made


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_neuron_is_f_of_w_dot_x_plus_b(activation):
    neuron = Neuron(4, activation).double()
    torch.nn.init.constant_(neuron.bias, 0.25)
    x = torch.randn(6, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    w, b = neuron.weight.tolist(), neuron.bias.item()
    z = [sum(w_k * x_k for w_k, x_k in zip(w, row, strict=True)) + b for row in x.tolist()]
    expected = ACTIVATIONS[activation](torch.tensor(z, dtype=torch.float64))
    torch.testing.assert_close(neuron(x), expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(neuron(x[0]), expected[0], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("activation", [*ACTIVATIONS, "softmax"])
def test_layer_is_f_of_w_transposed_x_plus_b(activation):
    made = layer(3, 5, activation)
    x = torch.randn(3, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    z = made.weight.T @ x + made.bias
    f = {**ACTIVATIONS, "softmax": lambda z: z.exp() / z.exp().sum()}
    expected = f[activation](z)
    torch.testing.assert_close(made(x), expected, rtol=1e-9, atol=1e-12)
    torch.testing.assert_close(made(x.expand(2, 7, 3))[1, 4], expected, rtol=1e-9, atol=1e-12)


def test_each_column_of_a_layer_is_a_neuron():
    made = layer(3, 2, "tanh")
    x = torch.randn(4, 3, dtype=torch.float64)
    for j in range(2):
        neuron = Neuron(3, "tanh").double()
        neuron.load_state_dict({"weight": made.weight[:, j], "bias": made.bias[j]})
        torch.testing.assert_close(neuron(x), made(x)[:, j], rtol=1e-12, atol=1e-15)


def test_layer_holds_the_transpose_of_a_torch_linear():
    made = layer(3, 2)
    linear = torch.nn.Linear(3, 2).double()
    linear.load_state_dict({"weight": made.weight.T, "bias": made.bias})
    x = torch.randn(4, 3, dtype=torch.float64)
    torch.testing.assert_close(made(x), linear(x), rtol=1e-12, atol=1e-15)


def test_starting_weights_are_scaled_by_their_inputs():
    torch.manual_seed(0)
    assert Layer(100, 2000).weight.std().item() == pytest.approx(0.1, rel=0.02)
    assert Neuron(40_000).weight.std().item() == pytest.approx(0.005, rel=0.02)
    assert not Layer(100, 2000).bias.any()


@given(
    sizes=st.lists(st.integers(1, 6), min_size=2, max_size=6),
    batch=st.integers(0, 4),
    seed=st.integers(0, 2**31),
)
@settings(deadline=None, max_examples=60)
def test_a_stack_of_linear_layers_equals_one(sizes, batch, seed):
    torch.manual_seed(seed)
    stack = [layer(n, m) for n, m in itertools.pairwise(sizes)]
    x = y = torch.randn(batch, sizes[0], dtype=torch.float64)
    for each in stack:
        y = each(y)
    one = collapse_linear(stack)
    assert one.weight.shape == (sizes[0], sizes[-1])
    torch.testing.assert_close(one(x), y, rtol=1e-9, atol=1e-9)


def test_collapsing_leaves_the_stack_alone():
    stack = [layer(2, 2)]
    one = collapse_linear(stack)
    with torch.no_grad():
        one.weight.zero_()
    assert stack[0].weight.any()


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([], "at least one layer"),
        ([Layer(2, 3), Layer(3, 2, "relu")], "layer 2 must be linear to collapse, is relu"),
        ([Layer(2, 3), Layer(4, 2)], "layer 1 has 3 outputs but layer 2 4 inputs"),
    ],
)
def test_stacks_that_cannot_collapse_are_refused(layers, message):
    with pytest.raises(UsageError, match=message):
        collapse_linear(layers)


def test_a_nonlinear_stack_is_not_one_linear_layer():
    """XOR needs the hidden layer: no single linear layer fits it, two ReLU neurons do."""
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).double()
    hidden, output = layer(2, 2, "relu"), layer(2, 1)
    with torch.no_grad():
        hidden.weight.fill_(1.0)
        hidden.bias.copy_(torch.tensor([0.0, -1.0]))
        output.weight.copy_(torch.tensor([[1.0], [-2.0]]))
        output.bias.zero_()
    assert output(hidden(x)).flatten().tolist() == [0.0, 1.0, 1.0, 0.0]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Neuron(0), "inputs must be ≥ 1, got 0"),
        (lambda: Layer(2, 0), "outputs must be ≥ 1, got 0"),
        (lambda: Layer(-1, 2), "inputs must be ≥ 1, got -1"),
        (lambda: Neuron(2, "softmax"), "activation must be one of .*, got 'softmax'"),
    ],
)
def test_impossible_sizes_and_names_are_refused(make, message):
    with pytest.raises(UsageError, match=message):
        make()
