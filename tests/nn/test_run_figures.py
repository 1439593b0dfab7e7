import torch

from gradus.nn.run_figures import _as_pictures


def test_inputs_become_pictures_whatever_the_layout():
    grey = torch.arange(12.0).reshape(2, 2, 3)
    assert torch.equal(_as_pictures(grey.flatten(1), (2, 3)), grey)
    assert torch.equal(_as_pictures(grey.unsqueeze(1), (2, 3)), grey)
    colour = torch.arange(36.0).reshape(2, 2, 3, 3)
    assert torch.equal(_as_pictures(colour.flatten(1), (2, 3, 3)), colour)
    assert torch.equal(_as_pictures(colour.permute(0, 3, 1, 2), (2, 3, 3)), colour)
