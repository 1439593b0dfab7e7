"""Answers about the user's own picture files, whatever their size, form and polarity."""

import numpy as np
import pytest
from PIL import Image

import gradus
from gradus.core.errors import DataError, UsageError
from gradus.data.digits import read_digits


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    folder = tmp_path_factory.mktemp("digits")
    return gradus.train(
        "digits-cnn", run_dir=folder / "run", epochs=6, layers="conv 3x3x32 norm relu pool 2"
    )


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    """A network that tells red squares from green ones, and its run."""
    folder = tmp_path_factory.mktemp("colours")
    draw = np.random.default_rng(0)
    for name, colour in (("green", (40, 160, 60)), ("red", (200, 50, 40))):
        (folder / "set" / name).mkdir(parents=True)
        for i in range(30):
            noisy = np.clip(colour + draw.normal(0, 30, (12, 12, 3)), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / "set" / name / f"{i}.png")
    return gradus.train(
        "cifar10-cnn",
        run_dir=folder / "run",
        data=str(folder / "set"),
        validation=10,
        size=8,
        distort="crop 8, flip",
        whiten=False,
        layers="conv 3x3x8 relu pool 2",
        epochs=20,
        batch_size=8,
        optimizer="adam",
        lr=0.01,
    )


def test_a_digit_in_any_size_form_and_polarity(digits, tmp_path):
    images = read_digits()
    right = 0
    for number, (image, label) in enumerate(
        zip(images.test_images[:12], images.test_labels[:12], strict=True)
    ):
        large = Image.fromarray(image).resize((200 + 4 * number,) * 2, Image.Resampling.BICUBIC)
        paper = Image.new("L", (300, 330))
        paper.paste(large, (30, 40))
        dark = Image.fromarray(255 - np.asarray(paper))
        paper.save(tmp_path / "a.png")
        dark.convert("RGB").save(tmp_path / "b.jpg", quality=90)
        dark.convert("RGBA").save(tmp_path / "c.png")
        answers = digits.predict(*(tmp_path / name for name in ("a.png", "b.jpg", "c.png")))
        assert len({a["label"] for a in answers}) == 1
        right += answers[0]["label"] == str(label)
    assert right >= 10


def test_the_array_of_a_run_is_taken_as_it_is(digits):
    image = read_digits().test_images[0]
    (answer,) = digits.predict(image)
    assert answer["input"] == "array"
    assert answer["probability"] == max(t["probability"] for t in answer["top"])
    with pytest.raises(UsageError, match=r"must be bytes \(uint8\) of shape \(8, 8\), got float64"):
        digits.predict(image / 255)


def test_colour_photos_of_any_size_show_their_middle(colours, tmp_path):
    """Wide, tall, grey-scale and transparent files; what decides lies in the middle square."""
    red, green = (200, 50, 40), (40, 160, 60)
    wide = Image.new("RGB", (400, 100), green)
    wide.paste(Image.new("RGB", (100, 100), red), (150, 0))
    tall = Image.new("RGB", (64, 640), red)
    tall.paste(Image.new("RGB", (64, 64), green), (0, 288))
    wide.save(tmp_path / "wide.jpg", quality=95)
    tall.save(tmp_path / "tall.png")
    tall.convert("RGBA").save(tmp_path / "clear.png")
    Image.new("L", (50, 50), 90).save(tmp_path / "grey.png")
    files = [tmp_path / name for name in ("wide.jpg", "tall.png", "clear.png", "grey.png")]
    answers = colours.predict(*files)
    assert [a["label"] for a in answers[:3]] == ["red", "green", "green"]
    assert len(answers) == 4


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("letter.txt", b"dear sir", r"letter.txt: not a picture, expected one of PNG, JPEG"),
        (
            "photo.png",
            b"\x89PNG\r\n\x1a\n" + bytes(20),
            r"photo.png: (not a|damaged or unreadable)",
        ),
        ("empty.jpg", b"", r"empty.jpg: not a picture"),
    ],
)
def test_wrong_files_are_told_in_one_line(digits, colours, tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    for run in (digits, colours):
        with pytest.raises(DataError, match=message) as error:
            run.predict(tmp_path / name)
        assert "\n" not in str(error.value)
    with pytest.raises(DataError, match="no such file"):
        digits.predict(tmp_path / "nowhere.png")
