"""How much of an input is left after k steps: the vanishing gradient, measured.

For a single neuron with |f'| ≤ 1 the book derives |∂h_t/∂i_{t-k}| ≤ |w_rec|^k |w_in|. Of a layer
the same holds with the largest singular values, ‖∂h_t/∂i_{t-k}‖₂ ≤ ‖W_rec‖₂^k ‖W_in‖₂ (Pascanu et
al. 2013, "On the Difficulty of Training Recurrent Neural Networks", section 2.1). It bounds RNNs
alone: the memory of an LSTM and the state of a GRU have ways from step to step with no weight on
them.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from gradus.nn.recurrent import Cell, RNNCell, unroll


def sensitivity(cell: Cell, x: Float[Tensor, "time inputs"]) -> Float[Tensor, "time"]:
    """‖∂h_t/∂i_{t-k}‖₂ for the last step t and k = 0 … time - 1, in the sequence x.

    The norm is the largest singular value of "outputs inputs": by how much the output can change
    at most for a small change of the input k steps back.

    Args:
        cell: starts from its state of zeros.
        x: the inputs i_1 … i_t.
    """
    inputs = x.detach().clone().requires_grad_()
    outputs, _ = unroll(cell, inputs.unsqueeze(1), cell.start(1))
    last = outputs[-1, 0]
    basis = torch.eye(len(last), dtype=x.dtype)
    (slopes,) = torch.autograd.grad(last, inputs, basis, is_grads_batched=True)
    return torch.linalg.matrix_norm(slopes.transpose(0, 1), 2).flip(0).detach()


def bound(cell: RNNCell, steps: int) -> Float[Tensor, "steps"]:
    """‖W_rec‖₂^k ‖W_in‖₂ for k = 0 … steps - 1: |w_rec|^k |w_in| where there is one neuron."""
    recurrent, incoming = (
        torch.linalg.matrix_norm(w.detach(), 2) for w in (cell.weight_hh, cell.weight_ih)
    )
    return recurrent ** torch.arange(steps) * incoming
