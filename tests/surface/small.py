"""Tasks and functions whose surfaces can be had in full."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from gradus.core.batches import Batches
from gradus.core.task import Task


def small_task(model=None, n=30, batch_size=13, dtype=torch.float64, seed=3, loss=None):
    """Three classes in five dimensions; by default a net of 72 + 104 + 27 = 203 parameters."""
    generator = torch.Generator().manual_seed(seed)
    if model is None:
        torch.manual_seed(seed)
        layers = nn.Linear(5, 12), nn.Tanh(), nn.Linear(12, 8), nn.Tanh(), nn.Linear(8, 3)
        model = nn.Sequential(*layers).to(dtype)
    x = torch.randn(n, 5, generator=generator).to(dtype)
    batches = Batches((x, x[:, :3].argmax(1)), batch_size)
    return Task(
        model=model,
        train=batches,
        validation=batches,
        test=lambda: batches,
        loss=loss or classify,
        sample=x[:1],
    )


def classify(model, batch):
    logits = model(batch[0])
    return cross_entropy(logits, batch[1]), {"accuracy": lambda: logits.argmax(1) == batch[1]}


def fill(model, vector):
    """Put a vector into the model's parameters, one after the other."""
    at = 0
    with torch.no_grad():
        for p in model.parameters():
            if p.requires_grad:
                p.copy_(vector[at : at + p.numel()].reshape(p.shape))
                at += p.numel()


def dense_hessian(task, batches):
    """The whole Hessian of the mean loss, by torch.func, going backwards twice for each row."""
    names = [name for name, _ in task.model.named_parameters()]
    parameters = [p.detach() for p in task.model.parameters()]
    theta = torch.cat([p.reshape(-1) for p in parameters])

    def loss(vector):
        parts = vector.split([p.numel() for p in parameters])
        named = {
            name: part.reshape(p.shape)
            for name, part, p in zip(names, parts, parameters, strict=True)
        }
        x, y = batches.tensors
        return cross_entropy(torch.func.functional_call(task.model, named, (x,)), y)

    return torch.func.jacrev(torch.func.grad(loss))(theta)


def quadratic(matrix, slope=None):
    """E(x) = ½ xᵀAx + bᵀx."""

    def function(x):
        value = 0.5 * x @ matrix @ x
        return value if slope is None else value + slope @ x

    return function
