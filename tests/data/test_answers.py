import numpy as np
import pytest
import torch
from torch import nn

from gradus.core.errors import UsageError
from gradus.data.answers import answer, image_predictor, probabilities

FACTS = {"classes": ["black", "white"], "shape": [2, 3]}


class Brightness(nn.Module):
    """Logits 0 and 10 × (mean grey level − ½)."""

    def forward(self, x):
        z = 10 * (x.mean(1, keepdim=True) - 0.5)
        return torch.cat([torch.zeros_like(z), z], 1)


def test_an_answer_names_the_likeliest_three():
    found = answer(torch.tensor([0.1, 0.5, 0.15, 0.25]), ["a", "b", "c", "d"])
    assert (found["label"], found["probability"]) == ("b", 0.5)
    assert [t["label"] for t in found["top"]] == ["b", "d", "c"]


def test_probabilities_are_the_softmax_and_carry_no_gradient():
    inputs = torch.tensor([[1.0, 1.0]], requires_grad=True)
    found = probabilities(Brightness(), inputs)
    assert found.sum().item() == pytest.approx(1)
    assert not found.requires_grad


def test_arrays_of_the_right_form_are_named():
    predict = image_predictor(Brightness(), FACTS)
    white, black = np.full((2, 3), 255, np.uint8), np.zeros((2, 3), np.uint8)
    answers = predict(white, black)
    assert [a["label"] for a in answers] == ["white", "black"]
    assert [a["input"] for a in answers] == ["array", "array"]
    assert answers[0]["probability"] == pytest.approx(1 / (1 + np.exp(-5)))


def test_the_model_gets_what_it_learned_from():
    seen = []

    def prepare(images):
        seen.append(images.shape)
        return images.flatten(1).float() / 255

    image_predictor(Brightness(), FACTS, prepare)(np.zeros((2, 3), np.uint8))
    assert seen == [(1, 2, 3)]


@pytest.mark.parametrize(
    "array", [np.zeros((3, 2), np.uint8), np.zeros((2, 3)), np.zeros((2, 3, 1), np.uint8)]
)
def test_other_arrays_are_refused(array):
    with pytest.raises(
        UsageError, match=r"an image must be bytes \(uint8\) of shape \(2, 3\), got"
    ):
        image_predictor(Brightness(), FACTS)(array)
