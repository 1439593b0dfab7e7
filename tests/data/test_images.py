"""The user's own pictures: reading them, folders of them, and preparing one digit."""

import os
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

import gradus.data
from gradus.core.errors import DataError
from gradus.data.digits import read_digits
from gradus.data.idx import read_idx
from gradus.data.images import prepare_digit, read_image, read_image_folder

GREY = (np.arange(12 * 20) % 256).astype(np.uint8).reshape(12, 20)
COLOUR = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], axis=-1)
SAMPLE = Path(gradus.data.__file__).parent / "sample_digit.png"
"""A picture of a 3."""


@pytest.fixture(scope="module")
def digits():
    return read_digits()


def save(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path


# ---- one picture


@pytest.mark.parametrize("suffix", ["png", "bmp", "tiff", "gif", "ppm"])
def test_lossless_formats_give_the_pixels_back(tmp_path, suffix):
    np.testing.assert_array_equal(read_image(save(tmp_path / f"a.{suffix}", GREY)), GREY)


def test_the_content_decides_not_the_name(tmp_path):
    path = save(tmp_path / "a.jpg", GREY, format="PNG")
    np.testing.assert_array_equal(read_image(path), GREY)


def test_jpeg_and_webp_are_close(tmp_path):
    smooth = np.linspace(0, 255, 32 * 32).astype(np.uint8).reshape(32, 32)
    for name in ("a.jpg", "a.webp"):
        read = read_image(save(tmp_path / name, smooth, quality=95))
        assert np.abs(read.astype(int) - smooth).max() <= 8


def test_colour_and_its_grey(tmp_path):
    path = save(tmp_path / "a.png", COLOUR)
    np.testing.assert_array_equal(read_image(path, grey=False), COLOUR)
    expected = COLOUR @ np.array([0.299, 0.587, 0.114])
    assert np.abs(read_image(path) - expected).max() <= 1
    assert read_image(save(tmp_path / "b.png", GREY), grey=False).shape == (12, 20, 3)


def test_size_is_height_then_width(tmp_path):
    path = save(tmp_path / "a.png", COLOUR)
    assert read_image(path, size=(5, 7)).shape == (5, 7)
    assert read_image(path, size=(30, 9), grey=False).shape == (30, 9, 3)


def test_a_photo_is_turned_upright(tmp_path):
    turned = Image.Exif()
    turned[0x0112] = 6  # the top of the scene is at the right
    path = save(tmp_path / "a.png", GREY, exif=turned)
    np.testing.assert_array_equal(read_image(path), np.rot90(GREY, -1))


def test_sixteen_bits_become_eight(tmp_path):
    deep = GREY.astype(np.uint16) * 257
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.png", deep)), GREY)


def test_floating_point_pictures_are_refused(tmp_path):
    path = save(tmp_path / "a.tiff", GREY.astype(np.float32))
    with pytest.raises(DataError, match="expected 8 or 16 bits a channel, found mode F"):
        read_image(path)


@pytest.mark.parametrize(("ink", "ground"), [(10, 255), (240, 0)])
def test_transparent_ground_contrasts_with_what_is_seen(tmp_path, ink, ground):
    rgba = np.zeros((4, 4, 4), dtype=np.uint8)
    rgba[1, 1] = (ink, ink, ink, 255)
    expected = np.full((4, 4), ground)
    expected[1, 1] = ink
    np.testing.assert_array_equal(read_image(save(tmp_path / "a.png", rgba)), expected)
    palette = Image.fromarray(rgba).quantize(2)
    palette.save(tmp_path / "p.png")
    assert abs(int(read_image(tmp_path / "p.png")[0, 0]) - ground) <= 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file"),
        (b"", "not a picture, expected one of PNG"),
        (b"These are words.\n", "not a picture, expected one of PNG"),
        (b"%PDF-1.7 and so on", "not a picture"),
    ],
)
def test_not_a_picture(tmp_path, content, message):
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError, match=rf"a\.png: {message}"):
        read_image(path)


def test_a_folder_is_not_a_picture(tmp_path):
    with pytest.raises(DataError, match="damaged or unreadable"):
        read_image(tmp_path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp"])
def test_truncated_picture(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), dtype=np.uint8)
    path = save(tmp_path / f"a.{suffix}", noise)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(DataError, match=rf"a\.{suffix}: damaged or unreadable picture"):
        read_image(path)


def test_a_picture_too_large_to_be_one(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png", GREY)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match="too large a picture"):
        read_image(path)


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of what it can read around
@given(data=st.data(), kind=st.sampled_from(["PNG", "JPEG", "GIF", "TIFF", "BMP"]))
def test_any_damage_is_a_data_error_or_still_a_picture(data, kind):
    stream = BytesIO()
    Image.fromarray(COLOUR).save(stream, format=kind)
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 6))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a")
        path.write_bytes(content)
        fault = None
        try:
            picture = read_image(path)
        except DataError as error:
            fault = str(error)
        assert picture.ndim == 2 if fault is None else fault.startswith(f"{path}: ")


# ---- one digit


def stroke(height=120, width=90, ink=20, paper=230):
    """A crooked stroke, dark on light."""
    image = np.full((height, width), paper, dtype=np.uint8)
    image[20:100, 30:42] = ink
    image[84:100, 30:70] = ink
    return image


@given(
    side=st.integers(8, 64),
    height=st.integers(10, 70),
    width=st.integers(10, 70),
    top=st.integers(1, 20),
    left=st.integers(1, 20),
)
def test_mnist_convention(side, height, width, top, left):
    image = np.zeros((120, 110), dtype=np.uint8)
    image[top : top + height, left : left + width] = 255
    image[top : top + height // 2, left : left + width // 2] = 0  # an L, off its box's centre
    digit = prepare_digit(image, side)
    assert digit.shape == (side, side)
    assert digit.max() == 255
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    spans = (rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1)
    if side == 8:
        assert spans[0] == 8
        assert spans[1] <= 6
        return
    assert max(spans) == round(side * 20 / 28)
    assert abs(spans[0] / spans[1] - height / width) <= 2 * max(1, height / width) / min(spans)
    y, x = np.indices(digit.shape)
    for axis, span in ((y, rows), (x, columns)):
        mass = (axis * digit.astype(float)).sum() / digit.sum()
        touches = span[0] == 0 or span[-1] == side - 1
        assert touches or abs(mass - side / 2) <= 0.51


@pytest.mark.parametrize("side", [8, 16, 28])
def test_ink_may_be_dark_or_light(side):
    dark = prepare_digit(stroke(), side)
    light = prepare_digit(255 - stroke(), side)
    assert np.abs(dark.astype(int) - light).max() <= 1
    assert dark[side // 2].max() > 100
    assert dark[0, side - 1] == 0


@pytest.mark.parametrize("side", [8, 28])
def test_place_frame_and_contrast_do_not_matter(side):
    expected = prepare_digit(stroke(), side).astype(int)
    moved = np.pad(stroke(), ((60, 3), (5, 40)), constant_values=230)
    faint = stroke(ink=150, paper=200)
    for other in (moved, faint):
        assert np.abs(prepare_digit(other, side) - expected).max() <= 2


@pytest.mark.parametrize("side", [8, 28])
def test_a_large_photo_in_uneven_light_gives_the_same(side):
    expected = prepare_digit(stroke(), side).astype(int)
    rng = np.random.default_rng(0)
    photo = np.kron(stroke(ink=40, paper=200).astype(float), np.ones((8, 8)))
    y, x = np.indices(photo.shape)
    photo = photo - 50 * y / y.max() + 50 * x / x.max() + rng.normal(0, 6, photo.shape)
    got = prepare_digit(photo.clip(0, 255).astype(np.uint8), side)
    assert np.abs(got - expected).mean() < 6


def test_colour_and_transparency():
    expected = prepare_digit(stroke(), 28).astype(int)
    colour = np.stack([stroke(paper=250), stroke(ink=30), stroke(paper=220)], axis=-1)
    opacity = np.where(stroke() < 100, 255, 0).astype(np.uint8)
    dark = np.dstack([np.full((120, 90, 3), 10, np.uint8), opacity])
    light = np.dstack([np.full((120, 90, 3), 250, np.uint8), opacity])
    grey_alpha = np.dstack([np.zeros((120, 90), np.uint8), opacity])
    for image in (colour, dark, light, grey_alpha):
        assert np.abs(prepare_digit(image, 28) - expected).max() <= 2


@pytest.mark.parametrize("level", [0, 255])
def test_blank_picture(level):
    with pytest.raises(DataError, match=r"no digit found.*at least 32 apart"):
        prepare_digit(np.full((40, 30), level, dtype=np.uint8), 28)


@given(
    image=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12)),
    side=st.integers(8, 30),
)
def test_any_picture_gives_a_digit_or_has_too_little_contrast(image, side):
    if int(image.max()) - int(image.min()) < 32:
        with pytest.raises(DataError):
            prepare_digit(image, side)
    else:
        assert prepare_digit(image, side).max() == 255


@pytest.mark.parametrize("levels", [[223, 141, 186], [0, 255], [0, 0, 255, 255]])
def test_pictures_that_are_all_border(levels):
    image = np.array([levels], dtype=np.uint8)
    for shape in (image, image.T):
        assert prepare_digit(shape.copy(), 28).max() == 255


@pytest.mark.parametrize("side", [8, 28])
def test_thin_and_tiny_strokes(side):
    line = np.zeros((200, 200), dtype=np.uint8)
    line[20:180, 100] = 255
    digit = prepare_digit(line, side)
    assert np.count_nonzero(digit.any(axis=0)) == 1
    dot = np.zeros((5, 5), dtype=np.uint8)
    dot[2, 2] = 255
    assert prepare_digit(dot, side).max() == 255


def test_upscaled_digits_come_back_close(digits):
    errors = []
    for digit in digits.test_images[:50]:
        large = Image.fromarray(np.pad(digit, 2)).resize((240, 240), Image.Resampling.BICUBIC)
        back = prepare_digit(255 - np.asarray(large), 8)
        errors.append(np.corrcoef(back.ravel(), digit.ravel())[0, 1])
    assert np.median(errors) > 0.9


def test_the_sample_is_a_three(digits):
    sample = prepare_digit(read_image(SAMPLE), 8)
    near = np.argsort(((digits.train_images - sample.astype(float)) ** 2).sum(axis=(1, 2)))[:5]
    assert digits.train_labels[near].tolist() == [3] * 5
    assert SAMPLE.stat().st_size < 30_000


@pytest.mark.data
def test_real_mnist_digits_are_left_as_they_are():
    images = read_idx(Path(os.environ["GRADUS_DATA"], "mnist", "t10k-images-idx3-ubyte.gz"))[:300]
    match = [np.corrcoef(prepare_digit(x, 28).ravel(), x.ravel())[0, 1] for x in images]
    assert np.median(match) > 0.97


# ---- folders


def write_folder(folder, counts, part="", shape=(4, 5)):
    """One folder per class; the first pixel of a picture is its class."""
    for label, (name, count) in enumerate(sorted(counts.items())):
        for i in range(count):
            picture = np.full(shape, i, dtype=np.uint8)
            picture[0, 0] = label
            save(folder / part / name / f"{i:03}.png", picture)
    return folder


def test_train_and_test_folders(tmp_path):
    write_folder(tmp_path / "pets", {"cat": 3, "dog": 2}, "train")
    write_folder(tmp_path / "pets", {"cat": 1, "dog": 1}, "test")
    (tmp_path / "pets" / "train" / "cat" / "notes.txt").write_text("not a picture")
    (tmp_path / "pets" / "train" / ".hidden").mkdir()
    images = read_image_folder(tmp_path / "pets")
    assert images.name == "pets"
    assert images.classes == ("cat", "dog")
    assert images.train_images.shape == (5, 4, 5)
    assert sorted(images.train_labels) == [0, 0, 0, 1, 1]
    np.testing.assert_array_equal(images.train_images[:, 0, 0], images.train_labels)
    np.testing.assert_array_equal(images.test_images[:, 0, 0], images.test_labels)


def test_plain_folder_is_split_within_each_class(tmp_path):
    images = read_image_folder(write_folder(tmp_path, {"a": 20, "b": 10, "c": 5}))
    assert np.bincount(images.train_labels).tolist() == [16, 8, 4]
    assert np.bincount(images.test_labels).tolist() == [4, 2, 1]
    np.testing.assert_array_equal(images.train_images[:, 0, 0], images.train_labels)
    seen = {(x[0, 0], x[1, 0]) for x in (*images.train_images, *images.test_images)}
    assert len(seen) == 35
    again = read_image_folder(tmp_path)
    np.testing.assert_array_equal(images.train_images, again.train_images)
    assert len(set(images.train_labels[:8])) > 1


def test_colour_and_size(tmp_path):
    save(tmp_path / "a" / "1.png", COLOUR)
    save(tmp_path / "b" / "1.JPG", GREY[:8], format="JPEG")
    images = read_image_folder(tmp_path, size=(6, 7), grey=False)
    assert images.train_images.shape == (1, 6, 7, 3)
    assert images.test_images.shape == (1, 6, 7, 3)


def test_sizes_must_agree_or_be_given(tmp_path):
    save(tmp_path / "a" / "1.png", GREY)
    save(tmp_path / "b" / "1.png", GREY[:8])
    with pytest.raises(DataError, match=r"1\.png: expected .*×20 pixels as in .*give a size"):
        read_image_folder(tmp_path)


def test_folders_that_are_laid_out_in_another_way(tmp_path):
    with pytest.raises(DataError, match="found no class folders"):
        read_image_folder(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="empty: expected pictures of this class, found none"):
        read_image_folder(tmp_path)


def test_a_test_class_that_training_has_not(tmp_path):
    write_folder(tmp_path, {"cat": 1}, "train")
    write_folder(tmp_path, {"cat": 1, "dog": 1}, "test")
    with pytest.raises(DataError, match="dog: not a training class, expected one of cat"):
        read_image_folder(tmp_path)


def test_text_among_the_pictures_is_named(tmp_path):
    write_folder(tmp_path, {"cat": 3})
    (tmp_path / "cat" / "001.png").write_text("words")
    with pytest.raises(DataError, match=r"001\.png: not a picture"):
        read_image_folder(tmp_path)


def test_importing_does_not_load_pillow():
    code = "import sys, gradus.data.images; sys.exit('PIL' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
