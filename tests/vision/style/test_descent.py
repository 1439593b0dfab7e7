"""The way down: sizes, optimisers, colours, going on."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.errors import RunError, UsageError
from gradus.vision import ConvNet
from gradus.vision.style import descent
from gradus.vision.style.colours import luminance
from gradus.vision.style.config import LARGEST, StyleConfig
from gradus.vision.style.descent import descend, pyramid, resized, stylize
from gradus.vision.style.losses import Loss
from gradus.vision.style.networks import network_of


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    text = "conv 3x3x8 relu, pool 2, conv 3x3x12 relu, pool 2, conv 3x3x16 relu, pool 2"
    return network_of(ConvNet(text, (3, 16, 16), 4), "small")


def picture(seed, height, width):
    """Soft waves of colour, a photograph for our purposes."""
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    tones = [((x + seed * y) / (3 + c + seed)).sin() for c in range(3)]
    return (0.5 + 0.4 * torch.stack(tones))[None]


PHOTO, ART = picture(1, 48, 64), picture(4, 40, 40)


def test_the_loss_falls_by_more_than_nine_tenths(network):
    seen = []
    config = StyleConfig(size=64, steps=60)
    last = stylize(PHOTO, ART, network, config, seen=seen.append)
    assert last.losses["total"] < 0.1 * last.before["total"]
    assert len(seen) == 60
    assert [f.evaluation for f in seen] == list(range(1, 61))
    totals = [f.losses["total"] for f in seen]
    assert totals == sorted(totals, reverse=True), "each frame is the best so far"
    image = last.image()
    assert image.shape == PHOTO.shape
    assert 0 <= image.min() <= image.max() <= 1
    assert last.losses["total"] == pytest.approx(
        sum(v for k, v in last.losses.items() if k != "total")
    )


def test_an_image_whose_channels_lie_innermost(network):
    bytes_ = (PHOTO[0].movedim(0, 2) * 255).to(torch.uint8).contiguous()
    inner = bytes_.movedim(2, 0)[None].float() / 255
    assert not inner.is_contiguous()
    last = stylize(inner, ART, network, StyleConfig(size=64, steps=3))
    assert last.losses["total"] < last.before["total"]


def test_coarse_to_fine_begins_small_and_ends_whole(network):
    seen = []
    stylize(PHOTO, ART, network, StyleConfig(size=256, steps=2), seen=seen.append)
    assert [f.sizes[f.level] for f in seen[::2]] == [(48, 64), (96, 128), (192, 256)]
    assert tuple(seen[-1].image().shape[2:]) == (192, 256)
    assert len({tuple(f.before.items()) for f in seen}) == 1


def test_the_first_loss_is_that_of_the_content(network):
    seen = []
    stylize(PHOTO, ART, network, StyleConfig(size=64, steps=1), seen=seen.append)
    assert seen[0].before["content"] == 0
    assert seen[0].losses == pytest.approx(seen[0].before)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_a_content_image_that_is_its_own_style_stays(network, optimizer):
    config = StyleConfig(size=64, steps=5, optimizer=optimizer, variation_weight=0.0)
    last = stylize(PHOTO, PHOTO, network, config)
    assert last.before["total"] == pytest.approx(0, abs=1e-9)
    torch.testing.assert_close(last.image(), PHOTO, rtol=0, atol=1e-3)


def test_noise_finds_the_content(network):
    config = StyleConfig(size=64, steps=80, start="noise", style_weight=0.0, variation_weight=0.01)
    last = stylize(PHOTO, ART, network, config)
    assert last.losses["content"] < 0.02 * last.before["content"]
    assert (last.image() - PHOTO).abs().mean() < 0.15
    again = stylize(PHOTO, ART, network, config)
    assert torch.equal(again.image(), last.image())
    other = stylize(PHOTO, ART, network, StyleConfig(**{**vars(config), "seed": 1}))
    assert not torch.equal(other.image(), last.image())


def test_luminance_keeps_the_contents_colours(network):
    last = stylize(PHOTO, ART, network, StyleConfig(size=64, steps=20, colours="luminance"))
    assert last.canvas.shape == (1, 1, 48, 64)
    image = last.image()
    inside = ((image > 0.001) & (image < 0.999)).all(1)
    for one, other in ((0, 1), (1, 2)):
        before, after = (i[:, one] - i[:, other] for i in (PHOTO, image))
        torch.testing.assert_close(before[inside], after[inside], rtol=0, atol=1e-5)
    assert (luminance(image) - luminance(PHOTO)).abs().mean() > 0.01


def test_histogram_takes_the_contents_colours(network):
    red = torch.tensor([0.9, 0.2, 0.1])[:, None, None] * torch.ones(1, 3, 48, 64) + 0.05 * PHOTO
    by = {}
    for colours in ("style", "histogram"):
        config = StyleConfig(size=64, steps=40, colours=colours, content_weight=0.0)
        by[colours] = stylize(red.clamp(0, 1), ART, network, config).image().mean((2, 3))
    assert (by["histogram"] - red.mean((2, 3))).abs().max() < 0.1
    assert (by["style"] - red.mean((2, 3))).abs().max() > 0.2


def test_going_on_takes_up_where_it_was(network):
    config = StyleConfig(size=128, steps=6)
    frames = []
    whole = stylize(PHOTO, ART, network, config, seen=frames.append)
    for at in (3, 6, 9):
        frame = frames[at - 1]
        seen = []
        last = stylize(
            PHOTO,
            ART,
            network,
            config,
            seen=seen.append,
            resume=(frame.level, frame.evaluation, frame.canvas),
        )
        assert len(seen) == 12 - at
        assert last.sizes == whole.sizes
        assert last.losses["total"] < 0.3 * last.before["total"]
        assert last.before == whole.before
        if frame.evaluation < 6:
            assert seen[0].losses["total"] == pytest.approx(frame.losses["total"], rel=1e-4)
    end = frames[-1]
    with pytest.raises(UsageError, match="nothing is left to do"):
        stylize(PHOTO, ART, network, config, resume=(end.level, end.evaluation, end.canvas))


def test_what_the_listener_raises_ends_the_work(network):
    def enough(frame):
        if frame.evaluation == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stylize(PHOTO, ART, network, StyleConfig(size=64, steps=9), seen=enough)


@given(
    height=st.integers(1, 3000), width=st.integers(1, 3000), size=st.sampled_from([0, 64, 256, 999])
)
def test_sizes_double_and_keep_proportions(height, width, size):
    sizes = pyramid(height, width, size)
    longer = [max(s) for s in sizes]
    assert longer[-1] == (size or max(height, width))
    assert all(abs(b - 2 * a) <= 1 for a, b in pairwise(longer))
    assert longer[0] < 128 or len(sizes) > 1
    for h, w in sizes:
        assert abs(h - height * max(h, w) / max(height, width)) <= 1
        assert min(h, w) >= 1


def test_sizes_too_small_for_the_network_are_left_out_or_refused(network):
    seen, flat = [], picture(1, 4, 200)
    stylize(flat, ART, network, StyleConfig(size=200, steps=1), seen=seen.append)
    assert seen[0].sizes == [(4, 200)], "100×2 pixels are not enough for two pools"
    with pytest.raises(UsageError, match="content picture of 200×4 pixels, scaled to 64×1, is t"):
        stylize(flat, ART, network, StyleConfig(size=64, steps=1))
    with pytest.raises(UsageError, match=r"style picture of 200×4 .* 64×1.* raise --style-scale"):
        stylize(PHOTO, flat, network, StyleConfig(size=64, steps=1))


def quadratic(x):
    total = (x - 0.25).square().sum() + 3 * (x[..., :1] - 0.75).square().sum()
    zero = torch.zeros(())
    return Loss(total, total, zero, zero)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_descent_finds_the_minimum_and_counts(optimizer):
    counts = []
    config = StyleConfig(steps=200, optimizer=optimizer)
    start = torch.full((1, 3, 4, 4), 0.9)
    best = descend(quadratic, start, config, lambda n, losses, x: counts.append(n))
    expected = torch.full((1, 3, 4, 4), 0.25)
    expected[..., :1] = 0.625
    torch.testing.assert_close(best, expected, rtol=0, atol=1e-3)
    assert counts == list(range(1, len(counts) + 1))
    assert len(counts) <= 200
    assert (start == 0.9).all()


def test_descent_stays_among_colours():
    def judge(x):
        total = (x - 3).square().sum()
        return Loss(total, total, total * 0, total * 0)

    best = descend(judge, torch.rand(1, 3, 4, 4), StyleConfig(steps=30), lambda *_: None)
    assert best.max() <= 1
    assert best.min() > 0.9


def test_a_loss_that_is_not_finite_is_an_error():
    def judge(x):
        total = (x * math.nan).sum()
        return Loss(total, total, total, total)

    with pytest.raises(RunError, match="the loss became nan"):
        descend(judge, torch.rand(1, 3, 4, 4), StyleConfig(steps=3), lambda *_: None)


def test_resizing_averages_what_it_loses():
    board = torch.zeros(1, 1, 8, 8)
    board[..., ::2] = 1
    small = resized(board, (4, 4))
    assert (small - 0.5).abs().max() < 0.1
    assert resized(board, (8, 8)) is board
    assert descent.resized(torch.rand(1, 3, 5, 9), (10, 18)).max() <= 1


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"size": 31}, "size must be 0 or in [32, 4096], got 31"),
        ({"size": LARGEST + 1}, "size must be"),
        ({"steps": 0}, "steps must be in [1, 1000000], got 0"),
        ({"keep_every": 0}, "keep_every must be in"),
        ({"content_weight": -1.0}, "content_weight must be ≥ 0 and finite, got -1"),
        ({"variation_weight": math.inf}, "variation_weight must be ≥ 0 and finite"),
        (
            {"content_weight": 0.0, "style_weight": 0.0},
            "content_weight or style_weight must be > 0",
        ),
        ({"lr": 0.0}, "lr must be > 0"),
        ({"style_scale": 9.0}, "style_scale must be in [0.1, 4], got 9"),
        ({"seed": -1}, "seed must be in"),
    ],
)
def test_settings_that_cannot_be_meant(settings, words):
    with pytest.raises(UsageError) as caught:
        StyleConfig(**settings)
    assert words in str(caught.value)
