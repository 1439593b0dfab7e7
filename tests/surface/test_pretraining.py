import copy
import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from torch import nn

from gradus.core.batches import Batches
from gradus.core.errors import RunError, UsageError
from gradus.core.progress import Silent
from gradus.data.tensors import image_parts
from gradus.nn.mlp import MLP
from gradus.surface.pretraining import (
    LayerAutoencoder,
    corrupt,
    entropy,
    gradient_norms,
    pretrain,
    reconstruction_loss,
)


def stack(*sizes, seed=0):
    """The hidden layers of a net in double precision, with weights of a fair size."""
    torch.manual_seed(seed)
    layers = [nn.Linear(a, b).double() for a, b in itertools.pairwise(sizes)]
    for layer in layers:
        nn.init.normal_(layer.weight, std=0.5)
        nn.init.normal_(layer.bias, std=0.5)
    return layers


def examples(n=23, width=6, batch_size=5, seed=4):
    x = np.random.default_rng(3).uniform(0, 1, (n, width))
    x[0], x[1] = 0.0, 1.0  # the ends of the range count too
    return Batches((torch.from_numpy(x), torch.arange(n) % 3), batch_size, seed)


def learn(layers, train, **settings):
    settings = {"epochs": 2, "lr": 0.3, "reporter": Silent(), **settings}
    return pretrain(layers, train, **settings)


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def numpy_step(weight, bias, decoder, back, x, seen, lr):
    """One step of gradient descent on an autoencoder, in place, by the chain rule on paper.

    Tied where `decoder` is None. Returns −Σ x ln x̂ + (1 − x) ln(1 − x̂), the mean over examples.
    """
    tied = decoder is None
    way_back = weight.T if tied else decoder
    h = sigmoid(seen @ weight.T + bias)
    rebuilt = sigmoid(h @ way_back.T + back)
    loss = -np.sum(x * np.log(rebuilt) + (1 - x) * np.log(1 - rebuilt)) / len(x)
    at_output = (rebuilt - x) / len(x)
    at_hidden = at_output @ way_back * h * (1 - h)
    gradient, gradient_back = at_hidden.T @ seen, at_output.T @ h
    if tied:
        gradient = gradient + gradient_back.T
    else:
        decoder -= lr * gradient_back
    weight -= lr * gradient
    bias -= lr * at_hidden.sum(0)
    back -= lr * at_output.sum(0)
    return loss


def numpy_stack(layers, train, epochs, lr, tied, corruption):
    """The whole of greedy pre-training in NumPy; (parameters, mean loss of each epoch) a layer."""
    x, found = train.tensors[0].numpy(), []
    generator = torch.Generator().manual_seed(train.seed)
    for layer in layers:
        weight, bias = layer.weight.detach().numpy().copy(), layer.bias.detach().numpy().copy()
        decoder, back = None if tied else weight.T.copy(), np.zeros(weight.shape[1])
        losses = []
        for epoch in range(epochs):
            total, order = 0.0, train.order(epoch).numpy()
            for first in range(0, len(x), train.batch_size):
                batch = x[order[first : first + train.batch_size]]
                seen = batch
                if corruption:
                    seen = (
                        batch * (torch.rand(batch.shape, generator=generator) >= corruption).numpy()
                    )
                loss = numpy_step(weight, bias, decoder, back, batch, seen, lr)
                total += loss * len(batch)
            losses.append(total / len(x))
        found.append((weight, bias, losses))
        x = sigmoid(x @ weight.T + bias)
    return found


def numpy_entropy(x):
    terms = [p * math.log(p) for v in x.flat for p in (v, 1 - v) if p > 0]
    return -sum(terms) / len(x)


# One layer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("tied", [True, False])
def test_one_step_is_the_chain_rule_on_paper(tied):
    (layer,) = stack(6, 4)
    train = examples(n=7, batch_size=7)
    ((weight, bias, losses),) = numpy_stack([layer], train, 1, 0.3, tied, 0.0)
    (history,) = learn([layer], train, epochs=1, tied=tied)
    np.testing.assert_allclose(layer.weight.detach().numpy(), weight, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(layer.bias.detach().numpy(), bias, rtol=1e-9, atol=1e-12)
    least = numpy_entropy(train.tensors[0].numpy())
    assert history.errors == pytest.approx([losses[0] - least], rel=1e-9)


def test_the_way_back_uses_the_same_weights_or_its_own():
    (layer,) = stack(6, 4)
    tied, untied = LayerAutoencoder(layer), LayerAutoencoder(layer, tied=False)
    assert [n for n, _ in tied.named_parameters()] == ["bias", "encoder.weight", "encoder.bias"]
    assert sum(p.numel() for p in untied.parameters()) == 2 * 24 + 4 + 6
    x = torch.rand(3, 6, dtype=torch.float64)
    torch.testing.assert_close(tied(x), untied(x))  # they start alike
    code = torch.sigmoid(x @ layer.weight.T + layer.bias)
    torch.testing.assert_close(tied.encode(x), code)
    torch.testing.assert_close(tied(x), code @ layer.weight)


def test_the_gradient_of_the_loss_is_right():
    (layer,) = stack(5, 3)
    model = LayerAutoencoder(layer, tied=True)
    x = examples(n=4, width=5, batch_size=4).tensors[0]

    def loss(weight, bias, back):
        named = {"encoder.weight": weight, "encoder.bias": bias, "bias": back}
        return reconstruction_loss(torch.func.functional_call(model, named, (x,)), x)

    point = [p.detach().clone().requires_grad_() for p in (layer.weight, layer.bias, model.bias)]
    assert torch.autograd.gradcheck(loss, point)


@given(
    x=arrays.arrays(np.float64, (3, 4), elements=st.floats(0, 1)),
    z=arrays.arrays(np.float64, (3, 4), elements=st.floats(-30, 30)),
)
def test_the_loss_above_the_entropy_is_the_divergence_from_the_inputs(x, z):
    loss = float(reconstruction_loss(torch.from_numpy(z), torch.from_numpy(x)))
    divergence = 0.0
    for p, logit in zip(x.flat, z.flat, strict=True):
        for share, sign in ((p, -1), (1 - p, 1)):
            if share > 0:  # share · ln(share / σ(∓z)), with −ln σ(v) = ln(1 + e⁻ᵛ)
                divergence += share * (math.log(share) + np.logaddexp(0, sign * logit))
    error = loss - entropy(torch.from_numpy(x))
    assert error == pytest.approx(divergence / 3, rel=1e-9, abs=1e-9)
    assert error > -1e-9


def test_exact_rebuilding_has_no_error():
    x = torch.tensor([[0.3, 0.5], [0.9, 0.01]], dtype=torch.float64)
    error = float(reconstruction_loss(torch.logit(x), x)) - entropy(x)
    assert error == pytest.approx(0, abs=1e-12)


def test_black_and_white_have_no_entropy():
    assert entropy(torch.tensor([[0.0, 1.0], [1.0, 1.0]])) == 0
    assert entropy(torch.full((2, 3), 0.5).double()) == pytest.approx(3 * math.log(2), rel=1e-12)


def test_a_constant_guess_is_the_mean_of_the_inputs():
    train = examples()
    (history,) = learn(stack(6, 4), train)
    x = train.tensors[0]
    guess = torch.logit(x.mean(0)).requires_grad_()
    loss = reconstruction_loss(guess.expand_as(x), x)
    assert history.guess == pytest.approx(loss.item() - entropy(x), rel=1e-9)
    loss.backward()
    assert guess.grad.abs().max() < 1e-12, "no other guess is better"
    assert (history.inputs, history.units) == (6, 4)


def test_corruption_sets_its_share_to_zero_and_leaves_the_rest():
    x = torch.rand(200, 300) + 0.1
    seen = corrupt(x, 0.3, torch.Generator().manual_seed(0))
    assert float((seen == 0).float().mean()) == pytest.approx(0.3, abs=0.01)
    assert torch.equal(seen[seen != 0], x[seen != 0])
    assert torch.equal(corrupt(x, 0.0, torch.Generator()), x)


# A stack ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("tied", "corruption"), [(True, 0.0), (False, 0.0), (True, 0.4)])
def test_each_layer_learns_from_the_finished_ones_below(tied, corruption):
    layers, train = stack(6, 5, 4, 3), examples()
    expected = numpy_stack(layers, train, 3, 0.2, tied, corruption)
    histories = learn(layers, train, epochs=3, lr=0.2, tied=tied, corruption=corruption)
    assert [h.units for h in histories] == [5, 4, 3]
    for layer, (weight, bias, losses), history in zip(layers, expected, histories, strict=True):
        np.testing.assert_allclose(layer.weight.detach().numpy(), weight, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(layer.bias.detach().numpy(), bias, rtol=1e-9, atol=1e-12)
        assert np.diff(history.errors) == pytest.approx(np.diff(losses), rel=1e-6, abs=1e-12)


def test_the_output_layer_and_the_worlds_random_numbers_are_left_alone():
    torch.manual_seed(0)
    model = MLP((6, 5, 4, 3), "sigmoid").double()
    output, random = copy.deepcopy(model.output.state_dict()), torch.get_rng_state()
    learn(model.layers[:-1], examples(), corruption=0.2)
    assert all(torch.equal(output[k], v) for k, v in model.output.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)


@pytest.mark.parametrize("corruption", [0.0, 0.5])
def test_the_seed_fixes_everything(corruption):
    one, other = stack(6, 5, 4), stack(6, 5, 4)
    learn(one, examples(), corruption=corruption)
    learn(other, examples(), corruption=corruption)
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a.weight, b.weight)
    learn(other, examples(seed=5), corruption=corruption)
    assert not torch.equal(one[0].weight, other[0].weight)


def test_the_labels_are_not_looked_at():
    one, other, train = stack(6, 5), stack(6, 5), examples()
    learn(one, train)
    learn(other, Batches(train.tensors[:1], train.batch_size, train.seed))
    assert torch.equal(one[0].weight, other[0].weight)


def test_every_layer_of_a_deep_net_learns_to_rebuild_digits():
    parts = image_parts("digits", 200)
    torch.manual_seed(0)
    model = MLP((64, 32, 32, 32, 10), "sigmoid", init="normal", std=0.05)
    train = Batches(parts.train, 20, 0)
    histories = learn(model.layers[:-1], train, epochs=12, lr=0.1)
    for history in histories:
        assert history.errors[-1] < 0.6 * history.errors[0]
        assert history.errors[-1] < 0.6 * history.guess
        assert min(history.errors) > 0


def test_progress_is_told_step_by_step():
    class Counting(Silent):
        def __init__(self):
            self.begun, self.steps, self.notes, self.ended = [], [], [], 0

        def begin(self, total, done, what):
            self.begun.append((total, done, what))

        def step(self, loss):
            self.steps.append(loss)

        def note(self, text):
            self.notes.append(text)

        def end(self):
            self.ended += 1

    reporter = Counting()
    learn(stack(6, 5, 4), examples(), reporter=reporter)
    assert reporter.begun == [(2 * 2 * 5, 0, "pre-training layers of 5, 4 units, 2 epochs each")]
    assert len(reporter.steps) == 20
    assert [note.split(":")[0] for note in reporter.notes] == ["layer 1", "layer 2"]
    assert reporter.ended == 1


# The gradient at the start ------------------------------------------------------------------------


def test_gradient_norms_are_those_of_the_loss():
    torch.manual_seed(0)
    model = MLP((4, 5, 3)).double()
    x = torch.rand(6, 4, dtype=torch.float64)
    norms = gradient_norms(model.layers, model(x).square().sum())
    model(x).square().sum().backward()
    expected = [math.sqrt(sum(g * g for g in p.weight.grad.flatten())) for p in model.layers]
    assert norms == pytest.approx(expected, rel=1e-9)
    assert all(p.grad is not None for p in model.parameters())


def test_a_deep_sigmoid_net_passes_little_of_the_gradient_down():
    torch.manual_seed(0)
    model = MLP((64, *(50,) * 5, 10), "sigmoid", init="normal", std=0.05)
    loss = nn.functional.cross_entropy(model(torch.rand(100, 64)), torch.arange(100) % 10)
    norms = gradient_norms(model.layers, loss)
    assert all(low < 0.5 * high for low, high in itertools.pairwise(norms))
    assert norms[0] < 1e-3 * norms[-1]


# Mistakes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs must be ≥ 1, got 0"),
        ({"lr": 0.0}, "lr must be > 0 and finite, got 0.0"),
        ({"lr": math.inf}, "lr must be > 0 and finite, got inf"),
        ({"lr": math.nan}, "lr must be > 0 and finite, got nan"),
        ({"corruption": 1.0}, r"corruption must be in \[0, 1\), got 1.0"),
        ({"corruption": -0.1}, r"corruption must be in \[0, 1\), got -0.1"),
    ],
)
def test_numbers_out_of_their_range_are_refused(settings, message):
    (layer,) = stack(6, 4)
    before = layer.weight.clone()
    with pytest.raises(UsageError, match=message):
        learn([layer], examples(), **settings)
    assert torch.equal(layer.weight, before)


@pytest.mark.parametrize("value", [-0.01, 1.5, math.nan])
def test_inputs_that_no_sigmoid_can_rebuild_are_refused(value):
    train = examples()
    train.tensors[0][3, 2] = value
    with pytest.raises(UsageError, match=r"inputs must be in \[0, 1\] .*, got values from"):
        learn(stack(6, 4), train)


def test_an_error_that_is_not_finite_names_the_layer_and_the_way_out():
    layers = stack(6, 5, 4)
    layers[1].weight.data[0, 0] = math.nan
    with pytest.raises(RunError, match=r"layer 2 .* error of nan: try a smaller --pretrain-lr"):
        learn(layers, examples())
