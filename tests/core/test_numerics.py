import random
from collections import OrderedDict, namedtuple

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gradus.core.errors import RunError, UsageError
from gradus.core.numerics import NonFinite, check_numerics, diagnose

Pair = namedtuple("Pair", "first second")


class Net(nn.Module):
    """Two dense layers with any function between and after them."""

    def __init__(self, between=torch.relu, after=lambda x: x):
        super().__init__()
        self.hidden_1 = nn.Linear(3, 4)
        self.hidden_2 = nn.Linear(4, 2)
        self.between, self.after = between, after

    def forward(self, x):
        return self.after(self.hidden_2(self.between(self.hidden_1(x))))


class Apply(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args, **kwargs):
        return self.function(*args, **kwargs)


@pytest.fixture
def x():
    return torch.linspace(-1, 1, 15).reshape(5, 3)


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)


def found(model, *inputs, backward=False):
    """The error that one pass under the microscope raises."""

    def once():
        output = model(*inputs)
        if backward:
            output.sum().backward()

    with pytest.raises(NonFinite) as caught, check_numerics(model):
        once()
    return caught.value


def hooks(model):
    return [
        (len(m._forward_hooks), len(m._forward_pre_hooks), len(m._backward_hooks))
        for m in model.modules()
    ] + [len(p._backward_hooks or ()) for p in model.parameters()]


def test_a_planted_log_of_zero_is_found_in_its_module(x):
    model = nn.Sequential(
        OrderedDict(first=nn.Linear(3, 4), log=Apply(lambda h: (h * 0).log()), last=nn.Linear(4, 2))
    )
    error = found(model, x)
    assert (error.module, error.tensor, error.direction) == ("log", "output", "forward")
    assert "output of log (Apply) holds 20 infinite of 20 values" in str(error)


def test_a_planted_exploding_weight_is_found_with_the_inputs_it_met(x):
    model = Net()
    model.hidden_2.weight.data.fill_(3e38)
    error = found(model, 10 * x)
    assert (error.module, error.tensor, error.direction) == ("hidden_2", "output", "forward")
    hidden = torch.relu(model.hidden_1(10 * x)).double()
    (seen,) = error.inputs
    assert seen.name == "input"
    assert seen.minimum == pytest.approx(hidden.min().item())
    assert seen.maximum == pytest.approx(hidden.max().item())
    assert seen.mean == pytest.approx(hidden.mean().item())
    assert seen.std == pytest.approx(hidden.std(correction=0).item())
    assert f"max {seen.maximum:.4g}, mean {seen.mean:.4g}" in str(error)


def test_a_parameter_that_is_already_broken_is_named(x):
    model = Net()
    model.hidden_2.weight.data[0, :3] = torch.nan
    error = found(model, x)
    assert (error.module, error.tensor) == ("hidden_2", "parameter hidden_2.weight")
    assert "parameter hidden_2.weight holds 3 NaN of 8 values" in str(error)


def test_a_broken_parameter_is_named_where_its_own_module_is_not_called(x):
    model = Net()
    model.forward = lambda x: x @ model.hidden_1.weight.T
    model.hidden_1.weight.data[0, 0] = torch.inf
    assert found(model, x).tensor == "parameter hidden_1.weight"


def test_what_the_parent_computes_between_two_modules_is_laid_at_its_door(x):
    error = found(Net(between=lambda h: (h * 0).log()), x)
    assert (error.module, error.tensor) == ("hidden_2", "input")
    assert "made before that module, in the forward of the model (Net)" in str(error)


def test_an_input_that_is_bad_from_the_start(x):
    x[2, 1] = torch.nan
    error = found(Net(), x)
    assert (error.module, error.tensor, error.inputs) == ("", "input", ())
    assert "the model was given it" in str(error)


def test_the_last_finite_inputs_are_those_of_an_earlier_call(x):
    model = Net()
    with check_numerics(model):
        model(x)
        with pytest.raises(NonFinite) as caught:
            model(x * torch.nan)
    assert caught.value.inputs[0].maximum == 1
    assert caught.value.inputs[0].mean == pytest.approx(0, abs=1e-7)


def test_the_innermost_of_nested_modules_speaks(x):
    block = nn.Sequential(OrderedDict(inner=Apply(lambda h: h / 0)))
    error = found(nn.Sequential(OrderedDict(outer=nn.Sequential(OrderedDict(block=block)))), x)
    assert error.module == "outer.block.inner"


# The gradient of √h at h = 0 is infinite: forward all is well, backward the square root's module
# sends it on. (torch's relu would stop it: it writes zeros where its input is below zero.)
def root_of_zero(h):
    return torch.sqrt(h - h.detach())


def test_a_nan_of_the_backward_pass_is_laid_to_the_module_that_makes_it(x):
    model = nn.Sequential(OrderedDict(first=nn.Linear(3, 4), root=Apply(root_of_zero)))
    error = found(model, x, backward=True)
    assert (error.module, error.direction) == ("root", "backward")
    assert error.tensor == "gradient of input"
    assert "gradient of input of root (Apply) holds 20 infinite of 20 values" in str(error)
    assert error.inputs[0].maximum == pytest.approx(model.first(x).max().item())


def test_the_innermost_speaks_in_the_backward_pass_too(x):
    inner = nn.Sequential(OrderedDict(root=Apply(root_of_zero)))
    model = nn.Sequential(OrderedDict(first=nn.Linear(3, 4), block=inner, last=nn.Linear(4, 1)))
    assert found(model, x, backward=True).module == "block.root"


def test_only_the_guilty_one_of_two_readers_of_a_tensor_is_named(x):
    model = nn.Module()
    model.first = nn.Linear(3, 4)
    model.good, model.guilty, model.fine = Apply(torch.tanh), Apply(root_of_zero), Apply(torch.exp)
    model.forward = lambda x: sum(
        m(h) for h in [model.first(x)] for m in list(model.children())[1:]
    )
    assert found(model, x, backward=True).module == "guilty"


@pytest.mark.parametrize("between", [nn.Identity(), nn.Dropout(0.5).eval(), Apply(lambda h: h)])
def test_a_module_that_returns_its_input_is_not_to_blame(x, between):
    model = nn.Sequential(OrderedDict(first=nn.Linear(3, 4), between=between))
    with pytest.raises(NonFinite) as caught, check_numerics(model):
        root_of_zero(model(x)).sum().backward()
    assert caught.value.module == "between"
    assert caught.value.tensor == "gradient of output"
    assert "or by the loss" in str(caught.value)


def test_a_gradient_of_a_parameter_alone(x):
    model = nn.Module()
    model.scale = nn.Parameter(torch.zeros(3))
    model.forward = lambda x: x * model.scale.sqrt()
    error = found(model, x, backward=True)
    assert (error.module, error.tensor) == ("", "gradient of parameter scale")
    assert error.inputs[0].maximum == 1


def test_in_place_modules_and_shared_modules_work_as_without_the_microscope(x):
    def built():
        torch.manual_seed(1)
        shared = nn.Linear(3, 3)
        return nn.Sequential(shared, nn.ReLU(inplace=True), shared, nn.ReLU(inplace=True))

    plain, watched = built(), built()
    plain(x).sum().backward()
    with check_numerics(watched):
        watched(x).sum().backward()
    for ours, theirs in zip(watched.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)


def test_recurrent_attention_and_normalising_layers_give_the_same_numbers(x):
    def passed(watch):
        torch.manual_seed(3)
        lstm, norm = nn.LSTM(3, 4, batch_first=True), nn.LayerNorm(4)
        attention = nn.MultiheadAttention(4, 2, dropout=0.3, batch_first=True)
        model = nn.ModuleList([lstm, norm, attention])
        mask = nn.Transformer.generate_square_subsequent_mask(5)
        with check_numerics(model) if watch else torch.enable_grad():
            hidden, (h, _) = lstm(x[None])
            mixed, _ = attention(norm(hidden), norm(hidden), norm(hidden), attn_mask=mask)
            (mixed.sum() + h.sum()).backward()
        return [p.grad for p in model.parameters()]

    for ours, theirs in zip(passed(True), passed(False), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-7)


def test_minus_infinity_is_a_mask_only_in_a_constant(x):
    masked = Apply(lambda h, mask: (h + mask).softmax(dim=-1))
    mask = torch.tensor([0.0, 0.0, -torch.inf])
    with check_numerics(masked):
        masked(x, mask=mask)
    assert found(masked, x, mask.clone().requires_grad_()).tensor == "input[1]"
    assert found(masked, x, -mask).tensor == "input[1]"
    assert found(masked, x, mask * torch.nan).tensor == "input[1]"


@pytest.mark.parametrize(
    ("output", "name"),
    [
        (lambda bad: (1, "text", None, bad), "output[3]"),
        (lambda bad: {"loss": 1.0, "logits": bad}, "output[logits]"),
        (lambda bad: Pair(torch.ones(2), [bad]), "output[1]"),
        (lambda bad: [torch.arange(3), (torch.ones(1), bad)], "output[1][1]"),
        (lambda bad: (bad,), "output"),
        (lambda bad: torch.complex(bad, bad), "output"),
        (lambda bad: bad.half(), "output"),
    ],
)
def test_nested_outputs_are_named(x, output, name):
    assert found(Apply(lambda h: output(h * torch.nan)), x).tensor == name
    with check_numerics(Apply(output)) as nothing:
        assert nothing is None


def test_nested_inputs_arrive_unchanged_in_kind():
    received = []
    module = Apply(lambda *args, **kwargs: received.append((args, kwargs)))
    t = torch.ones(2, requires_grad=True)
    own = OrderedDict(a=t)
    with check_numerics(module):
        module((t, [t, 3]), Pair(t, None), {"k": t}, own, flag=True, word="w")
    (args, kwargs) = received[0]
    assert type(args[0]) is tuple
    assert type(args[0][1]) is list
    assert isinstance(args[1], Pair)
    assert type(args[2]) is dict
    assert args[3] is own
    assert args[0][0] is args[0][1][0] is args[1].first is args[2]["k"]  # one tensor stays one
    assert kwargs == {"flag": True, "word": "w"}


def test_packed_sequences_pass(x):
    lstm = nn.LSTM(3, 4, batch_first=True)
    packed = nn.utils.rnn.pack_padded_sequence(x[None].expand(2, -1, -1), [5, 3], batch_first=True)
    with check_numerics(lstm):
        output, _ = lstm(packed)
    torch.testing.assert_close(output.data, lstm(packed)[0].data)


def test_sparse_gradients_and_empty_tensors_pass():
    embedding = nn.Embedding(5, 2, sparse=True)
    with check_numerics(embedding):
        embedding(torch.tensor([1, 1, 4])).sum().backward()
    assert embedding.weight.grad.is_sparse
    weights = torch.tensor([[1.0], [torch.nan]])
    with check_numerics(embedding), pytest.raises(NonFinite, match="gradient of output"):
        (embedding(torch.tensor([1, 3])) * weights).sum().backward()
    embedding.weight.register_hook(lambda gradient: gradient * torch.inf)
    with check_numerics(embedding), pytest.raises(NonFinite, match="weight holds 2 infinite of 10"):
        embedding(torch.tensor([1, 1])).sum().backward()
    linear = nn.Linear(2, 2)
    with check_numerics(linear):
        assert linear(torch.zeros(0, 2)).shape == (0, 2)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_it_looks_without_gradients_too(x, mode):
    model = Net(after=torch.log)
    with mode():
        assert found(model, x).direction == "forward"


def test_hooks_are_gone_afterwards_even_after_an_error(x):
    model = Net()
    model.hidden_1.register_forward_hook(lambda *_: None)
    model.hidden_1.weight.register_hook(lambda g: None)
    before = hooks(model)
    with check_numerics(model):
        assert hooks(model) != before
    assert hooks(model) == before
    found(model, x * torch.nan)
    assert hooks(model) == before
    diagnose(model, lambda: model(x).sum())
    assert hooks(model) == before


def test_a_backward_pass_after_the_context_is_not_watched(x):
    model = Net()
    with check_numerics(model):
        output = model(x)
    root_of_zero(output).sum().backward()
    assert not torch.isfinite(model.hidden_1.weight.grad).all()


def test_a_finding_is_a_run_error_of_at_most_three_terminal_lines(x):
    model = nn.Sequential(OrderedDict(first=nn.Linear(3, 4), root=Apply(root_of_zero)))
    for error in (found(model, x, backward=True), found(Net(between=torch.log), x)):
        assert isinstance(error, RunError)
        assert "\n" not in str(error)
        assert len(str(error)) <= 240


# diagnose


def test_diagnose_names_a_parameter_that_is_already_broken(x):
    model = Net()
    model.hidden_1.weight.data[0, :3] = torch.nan
    model.hidden_2.bias.data[0] = -torch.inf
    assert diagnose(model, lambda: model(x).sum()) == (
        "parameter hidden_1.weight already holds 3 NaN of 12 values (and so do 1 more)"
    )


def test_diagnose_finds_the_module(x):
    model = Net(between=lambda h: h * 0 / 0)
    assert "input of hidden_2 (Linear) holds 20 NaN of 20" in diagnose(
        model, lambda: model(x).sum()
    )


def test_diagnose_blames_the_loss_function_when_all_outputs_are_finite(x):
    model = Net(after=torch.relu)
    text = diagnose(model, lambda: (model(x) * 0).log().mean())
    assert "every module's output is finite (output min 0" in text
    assert "the loss is -inf: the loss function itself makes it" in text


def test_diagnose_finds_a_bad_gradient_of_the_loss_function(x):
    model = Net()
    text = diagnose(model, lambda: root_of_zero(model(x)).sum())
    assert text.startswith("backward pass: gradient of output of hidden_2 (Linear)")


def test_diagnose_finds_nothing_where_nothing_is_wrong(x):
    model = Net()
    loss = model(x).square().mean().item()
    assert diagnose(model, lambda: model(x).square().mean()) == (
        f"nothing found: outputs, gradients and the loss ({loss:.4g}) are all finite"
    )
    assert "nothing found" in diagnose(model, lambda: torch.tensor(2.0))


def test_diagnose_runs_the_backward_pass_where_gradients_are_off(x):
    model = Net()
    with torch.no_grad():
        assert diagnose(model, lambda: root_of_zero(model(x)).sum()).startswith("backward pass")
        assert not torch.is_grad_enabled()


def test_diagnose_wants_one_number(x):
    model = Net()
    with pytest.raises(UsageError, match=r"the loss must be one number, got shape \(5, 2\)"):
        diagnose(model, lambda: model(x))


@pytest.mark.parametrize("bad", [False, True])
def test_diagnose_leaves_everything_as_it_was(x, bad):
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 1))
    model[2].eval()
    model(x).sum().backward()
    model[0].bias.grad = None
    state = {k: v.clone() for k, v in model.state_dict().items()}
    grads = [p.grad for p in model.parameters()]
    values = [None if g is None else g.clone() for g in grads]
    modes = [m.training for m in model.modules()]
    buffers = [id(b) for b in model.buffers()]
    torch.manual_seed(5), random.seed(5), np.random.seed(5)  # noqa: NPY002
    expected = torch.rand(3), random.random(), np.random.rand(3)  # noqa: NPY002
    torch.manual_seed(5), random.seed(5), np.random.seed(5)  # noqa: NPY002

    def loss():
        model.train()
        random.random(), np.random.rand(2)  # noqa: NPY002
        return (model(x) * (torch.nan if bad else 1)).sum()

    diagnose(model, loss)
    assert torch.equal(torch.rand(3), expected[0])
    assert random.random() == expected[1]
    assert np.array_equal(np.random.rand(3), expected[2])  # noqa: NPY002
    assert [m.training for m in model.modules()] == modes
    assert [id(b) for b in model.buffers()] == buffers
    for name, value in model.state_dict().items():
        assert torch.equal(value, state[name]), name
    for parameter, gradient, value in zip(model.parameters(), grads, values, strict=True):
        assert parameter.grad is gradient
        assert gradient is None or torch.equal(gradient, value)


@given(
    kind=st.sampled_from([torch.nan, torch.inf, -torch.inf]),
    layer=st.integers(0, 4),
    row=st.integers(0, 4),
)
def test_a_bad_value_planted_after_any_layer_is_found_there(kind, layer, row):
    def plant(module, args, output):
        changed = output.clone()
        changed[row, 0] = kind
        return changed

    model = nn.Sequential(*(nn.Linear(3, 3) for _ in range(5)))
    model[layer].register_forward_hook(plant)
    error = found(model, torch.ones(5, 3))
    assert (error.module, error.tensor) == (str(layer), "output")
