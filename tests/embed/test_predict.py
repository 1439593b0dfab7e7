"""Codes of pictures and points through the real entry point; gradus.verbs.search_images too."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from gradus.core.errors import DataError, UsageError
from gradus.data.digits import read_digits
from gradus.embed.predict import encoder
from gradus.embed.search import draw_result, search_images
from tests.commands import call, one_line
from tests.figures import assert_readable

PICTURE = "gradus/data/sample_digit.png"


@pytest.fixture
def digit():
    return read_digits().train_images[7]


def test_an_answer_has_the_code_and_how_far_the_rebuilt_image_is(learned, digit):
    (answer,) = learned.predict(digit)
    model = encoder(learned)
    assert not model.training
    x = torch.from_numpy(digit).float().flatten()[None] / 255
    assert answer["input"] == "array"
    np.testing.assert_allclose(answer["code"], model.encode(x)[0].detach(), rtol=1e-6)
    apart = (model(x) - x).norm().item()
    assert answer["cost"] == pytest.approx(apart, rel=1e-5)


def test_points_are_answered_too(runs):
    run = runs("CIRCLES_AUTOENCODER")
    one, other = run.predict("0.5,-1", (0.5, -1))
    assert one == other
    assert one["input"] == [0.5, -1]
    assert len(one["code"]) == 1
    with pytest.raises(UsageError, match="must be 2 finite numbers"):
        run.predict("1,2,3")
    with pytest.raises(UsageError, match="which is no autoencoder for images: take one of"):
        encoder(run)


def test_predict_from_the_command_line(learned, capsys):
    said = call(capsys, "predict", learned.path, PICTURE)
    assert said.code == 0, said.err
    assert said.out.startswith(f"{PICTURE}: code [")
    assert "cost " in said.out
    found = json.loads(call(capsys, "predict", learned.path, PICTURE, "--json").out)
    assert len(found["answers"][0]["code"]) == 8


def test_of_a_long_code_the_beginning_is_shown(runs, capsys):
    run = runs("MNIST_KSPARSE")
    said = call(capsys, "predict", run.path, PICTURE)
    assert "… (12 numbers)]" in said.out


@pytest.mark.parametrize("kind", ["learned", "hashed"])
def test_an_image_of_the_training_set_finds_itself(kind, request):
    run = request.getfixturevalue(kind)
    images, labels = run.task().train.tensors
    picture = (255 * images[5]).round().byte().reshape(8, 8).numpy()
    (result,) = search_images(run, [picture], count=2000, radius=12 if kind == "hashed" else 2)
    found = result.answer["found"]
    assert found[0]["distance"] == pytest.approx(0, abs=1e-5)
    assert 5 in [f["image"] for f in found if f["distance"] == found[0]["distance"]]
    assert sorted(f["image"] for f in found) == list(range(len(images)))
    distances = [f["distance"] for f in found]
    assert distances == sorted(distances)
    assert [f["label"] for f in found[:9]] == [str(int(labels[f["image"]])) for f in found[:9]]
    code = encoder(run).encode(images)
    torch.testing.assert_close(
        torch.tensor(distances[:50]).float(),
        torch.stack([(code[f["image"]] - code[5]).norm() for f in found[:50]]).square().detach()
        if kind == "hashed"
        else torch.stack([(code[f["image"]] - code[5]).norm() for f in found[:50]]).detach(),
        atol=1e-4,
        rtol=1e-4,
    )


def test_a_ball_holds_what_lies_within_it_and_nothing_else(hashed, digit):
    (result,) = search_images(hashed, [digit], count=5, radius=3)
    answer = result.answer
    assert len(answer["code"]) == 12
    code = encoder(hashed).encode(hashed.task().train.tensors[0])
    query = torch.tensor([float(bit) for bit in answer["code"]])
    assert answer["within"] == int(((code != query).sum(1) <= 3).sum())
    assert all(f["distance"] <= 3 for f in answer["found"])
    assert len(result.hits) == len(answer["found"]) <= 5
    assert result.rebuilt.flatten().tolist() == encoder(hashed).decode(query[None])[0].tolist()
    fig = draw_result(result, "a run")
    assert_readable(fig)
    assert "nearest images are of class" in fig.texts[0].get_text().replace("\n", " ")


def test_nothing_near_is_said(hashed, digit):
    (result,) = search_images(hashed, [digit], count=5, radius=0)
    nothing = replace(result, answer={**result.answer, "found": []}, hits=result.hits[:0])
    assert "No training image" in draw_result(nothing, "a run").texts[0].get_text()


@pytest.mark.parametrize("kind", ["learned", "hashed"])
def test_the_verb_draws_and_tells(kind, request, capsys, tmp_path):
    run = request.getfixturevalue(kind)
    words = ("search-images", run.path, PICTURE, "--of", 4, "--radius", 4, "--out", tmp_path)
    said = call(capsys, *words)
    assert said.code == 0, said.err
    assert f"{PICTURE}: " in said.out
    assert ("lie within 4 bits of" in said.out) == (kind == "hashed")
    with Image.open(tmp_path / "sample_digit-found.png") as picture:
        assert min(picture.size) > 200
    document = json.loads(call(capsys, *words, "--json").out)
    (answer,) = document["answers"]
    assert answer["metric"] == ("bits" if kind == "hashed" else "distance")
    assert document["figures"] == [str(tmp_path / "sample_digit-found.png")]


def test_what_cannot_be_searched_is_one_line(hashed, runs, capsys, tmp_path):
    (tmp_path / "empty.png").write_bytes(b"")
    Image.new("L", (40, 40), 255).save(tmp_path / "white.png")
    out = ("--out", tmp_path)
    for words, word in (
        ((hashed.path, tmp_path / "empty.png"), "not a picture"),
        ((hashed.path, tmp_path / "white.png"), "no digit found"),
        ((hashed.path, tmp_path / "none.png"), "no such file"),
        ((hashed.path, PICTURE, "--of", 0), "of must be ≥ 1 images, got 0"),
        ((hashed.path, PICTURE, "--radius", 13), "radius must be in [0, 12] bits, got 13"),
        ((runs("CIRCLES_AUTOENCODER").path, PICTURE), "which is no autoencoder for images"),
        ((tmp_path, PICTURE), "is not a run folder"),
    ):
        one_line(call(capsys, "search-images", *words, *out), 2, word)
    assert call(capsys, "search-images", hashed.path).code == 2
    with pytest.raises(UsageError, match="which picture"):
        search_images(hashed, [])
    with pytest.raises(DataError, match="not a picture"):
        hashed.predict(tmp_path / "empty.png")


@pytest.mark.parametrize(
    ("words", "word"),
    [
        (("mnist-autoencoder", "--code", 0), "code must be ≥ 1, got 0"),
        (("mnist-denoising", "--mask", 1.5), "mask must be in [0, 1], got 1.5"),
        (("mnist-ksparse", "--k", 5000), "k must be in [1, 1000]"),
        (("mnist-sparse", "--target", 1), "target must be in (0, 1)"),
        (("mnist-hashing", "--code", 99), "code must be ≤ 62 bits"),
    ],
)
def test_wrong_settings_are_one_line(words, word, capsys):
    one_line(call(capsys, "train", *words), 2, word)
