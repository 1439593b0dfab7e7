import numpy as np
import pytest
import torch
from torch import nn

from gradus.nn.classify import classify, right


def test_the_loss_is_the_mean_of_minus_the_log_of_the_right_class():
    logits = np.array([[2.0, -1.0, 0.5], [0.0, 0.0, 0.0], [-3.0, 4.0, 1.0], [700.0, 0.0, 1.0]])
    labels = [0, 2, 2, 0]
    by_hand = [np.logaddexp.reduce(z) - z[t] for z, t in zip(logits, labels, strict=True)]
    batch = torch.from_numpy(logits), torch.tensor(labels)
    loss, metrics = classify(nn.Identity(), batch)
    assert float(loss) == pytest.approx(np.mean(by_hand), rel=1e-12)
    assert metrics["accuracy"]().tolist() == [True, False, False, True]


def test_a_smoothed_target_is_shared_by_all_classes():
    logits = torch.tensor([[2.0, -1.0, 0.5]], dtype=torch.float64)
    loss, _ = classify(nn.Identity(), (logits, torch.tensor([0])), smoothing=0.3)
    target = torch.tensor([[0.7 + 0.1, 0.1, 0.1]], dtype=torch.float64)
    expected = -(target * logits.log_softmax(1)).sum()
    torch.testing.assert_close(loss, expected, rtol=1e-12, atol=0)


def test_a_tie_goes_to_the_first_class():
    assert right(torch.zeros(2, 3), torch.tensor([0, 1])).tolist() == [True, False]


def test_the_gradient_is_the_softmax_minus_the_class():
    logits = torch.tensor([[1.0, -2.0], [0.3, 0.1]], dtype=torch.float64, requires_grad=True)
    loss, _ = classify(nn.Identity(), (logits, torch.tensor([1, 0])))
    loss.backward()
    expected = (logits.detach().softmax(1) - torch.tensor([[0.0, 1.0], [1.0, 0.0]])) / 2
    torch.testing.assert_close(logits.grad, expected, rtol=1e-9, atol=0)
