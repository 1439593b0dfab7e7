"""Random changes: their language, their seeds, their ranges."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import UsageError
from gradus.vision import augment
from gradus.vision.distort import FORMS, distortion, random_warp

EVERYTHING = (
    "shift 2 reflect, saturation 0.5 1.5, hue 0.1, flip, flip-up, transpose, crop 6, "
    "brightness 0.25, contrast 0.2 1.8, cutout 3, warp 10 0.1 1"
)


def photos(n=64, channels=3, size=8):
    return torch.rand(n, channels, size, size, generator=torch.Generator().manual_seed(0))


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_everything_at_once_is_named_above():
    assert {part.split()[0] for part in EVERYTHING.split(",")} == set(FORMS)


@given(seed=st.integers(0, 2**31))
def test_the_seed_decides(seed):
    distort, x = distortion(EVERYTHING), photos(4)
    found = distort(x, generator=seeded(seed))
    assert found.shape == (4, 3, 6, 6)
    assert found.isfinite().all()
    assert torch.equal(found, distort(x, generator=seeded(seed)))
    assert not torch.equal(found, distort(x, generator=seeded(seed + 1)))


def test_without_a_generator_torchs_own_state_decides():
    distort, x = distortion(EVERYTHING), photos(4)
    torch.manual_seed(3)
    state = torch.get_rng_state()
    first = distort(x)
    torch.set_rng_state(state)
    assert torch.equal(distort(x), first)
    torch.manual_seed(3)
    assert torch.equal(distort(x), first)


def test_nothing_is_done_without_a_description():
    x = photos()
    assert distortion(" ")(x) is x


@pytest.mark.parametrize("name", sorted(FORMS))
def test_each_image_has_its_own_numbers(name):
    """The same image many times: the results differ, and the order of the draws is the batch's."""
    example = next(part for part in EVERYTHING.split(",") if part.split()[0] == name)
    same = photos(1).expand(64, -1, -1, -1)
    found = distortion(example)(same, generator=seeded(0))
    different = len({tuple(image.flatten().tolist()) for image in found})
    assert different >= (2 if name in ("flip", "flip-up", "transpose") else 9)


def test_the_ranges():
    ramp = torch.linspace(0, 1, 8).expand(4000, 3, 8, 8)
    added = distortion("brightness 0.25")(ramp, generator=seeded(0)) - ramp
    assert -0.25 <= added.min() < -0.24
    assert 0.24 < added.max() <= 0.25
    spread = distortion("contrast 0.2 1.8")(ramp, generator=seeded(0)).std((1, 2, 3))
    factor = spread / ramp.std((1, 2, 3))
    assert 0.2 - 1e-5 <= factor.min() < 0.22
    assert 1.78 < factor.max() <= 1.8 + 1e-5


def places(text, size, n=4000):
    """How often each place of the first row's and column's marks comes out, by counting."""
    marks = torch.arange(size * size, dtype=torch.float32).view(1, 1, size, size)
    corner = distortion(text)(marks.expand(n, 1, -1, -1), generator=seeded(0))[:, 0, 0, 0]
    return {int(k): int(c) for k, c in zip(*corner.unique(return_counts=True), strict=True)}


def test_every_crop_is_equally_likely():
    found = places("crop 6", 8)
    assert set(found) == {8 * i + j for i in range(3) for j in range(3)}
    assert all(abs(count - 4000 / 9) < 5 * (4000 / 9) ** 0.5 for count in found.values())


def test_every_shift_is_equally_likely():
    found = places("shift 1 replicate", 8)
    # Left and right, up and down by one, or not: the corner shows one of 2 × 2 places.
    assert set(found) == {0, 1, 8, 9}
    expected = {0: 4 / 9, 1: 2 / 9, 8: 2 / 9, 9: 1 / 9}
    assert all(abs(found[k] / 4000 - share) < 0.04 for k, share in expected.items())


@pytest.mark.parametrize("name", ["flip", "flip-up", "transpose"])
def test_half_of_the_images_are_turned(name):
    x = photos(4000)
    found = distortion(name)(x, generator=seeded(0))
    turned = {"flip": x.flip(3), "flip-up": x.flip(2), "transpose": x.transpose(2, 3)}[name]
    changed = (found == turned).all(3).all(2).all(1)
    kept = (found == x).all(3).all(2).all(1)
    assert (changed ^ kept).all()
    assert abs(int(changed.sum()) - 2000) < 5 * 1000**0.5


def test_a_cutout_is_a_square_and_may_be_cut_off():
    ones = torch.ones(2000, 1, 8, 8)
    lost = (distortion("cutout 4")(ones, generator=seeded(0)) == 0).sum((1, 2, 3))
    assert lost.max() == 16
    assert lost.min() == 4  # a corner: 2 × 2


def test_a_warp_of_nothing_changes_nothing():
    x = photos(4)
    torch.testing.assert_close(random_warp(x, 0.0, generator=seeded(0)), x)


def test_the_bends_are_as_large_as_asked(monkeypatch):
    fields = []
    monkeypatch.setattr(augment, "warp", lambda x, matrix, bend: fields.append(bend) or x)
    random_warp(torch.zeros(400, 1, 28, 28), 0.0, 0.0, 1.5, generator=seeded(0))
    assert fields[0].shape == (400, 28, 28, 2)
    assert float(fields[0].std()) == pytest.approx(1.5, rel=0.05)
    neighbours = (fields[0][:, 1:] - fields[0][:, :-1]).std()
    assert float(neighbours) < 0.3  # smooth: next to each other they hardly differ


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("crp 24", r"distort: 'crp' must be one of crop, .*: did you mean crop"),
        ("flip,", r"distort: '' must be one of"),
        ("crop", r"distort: expected 'crop SIZE', got 'crop'$"),
        ("crop 2.5", r"distort: expected 'crop SIZE', got 'crop 2.5'$"),
        ("crop 0", r"distort: crop must be ≥ 1, got 0$"),
        ("flip 2", r"distort: expected 'flip', got 'flip 2'$"),
        ("shift 2 mirror", r"expected 'shift PIXELS \[constant\|reflect\|replicate\]', got"),
        ("shift -1", r"distort: shift must be ≥ 0, got -1$"),
        ("contrast 2 1", r"distort: contrast must be 0 ≤ LOW ≤ HIGH, got 2 1$"),
        ("contrast 1", r"expected 'contrast LOW HIGH', got 'contrast 1'$"),
        ("brightness nan", r"distort: brightness must be ≥ 0, got nan$"),
        ("hue 0.6", r"distort: hue must be in \[0, 0.5\], got 0.6$"),
        ("warp 10 1", r"distort: warp must be DEGREES in"),
    ],
)
def test_descriptions_that_are_not_understood(text, message):
    with pytest.raises(UsageError, match=message):
        distortion(text)
