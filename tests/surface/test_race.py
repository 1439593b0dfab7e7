import json
import re
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
import torch
from PIL import Image

from gradus.core.errors import RunError, UsageError
from gradus.core.rules import OPTIMISERS
from gradus.surface import animation
from gradus.surface.animation import animate, draw_race
from gradus.surface.functions import LANDSCAPES
from gradus.surface.race import RACERS, RATES, arrival, heights, race, walk
from gradus.verbs.race import RaceArgs
from tests.commands import call, contents, one_line
from tests.figures import assert_readable


@pytest.mark.parametrize("landscape", LANDSCAPES)
def test_with_its_rate_every_optimiser_gets_far_down_and_stays_in_the_window(landscape):
    field = LANDSCAPES[landscape]
    lowest = field(torch.tensor(field.minima[0], dtype=torch.float64)).item()
    for name, found in race(landscape, list(OPTIMISERS), 200).items():
        (left, right), (bottom, top) = field.window
        x, y = found.points.T
        inside = (left <= x) & (x <= right) & (bottom <= y) & (y <= top)
        first, last = found.values[[0, -1]] - lowest
        if "gradient" in name or "bfgs" in name:  # they try far points, and come back
            assert last < 1e-6, name
        else:
            assert inside.all(), name
            assert last < 0.15 * first, name


def test_every_first_order_optimiser_has_a_rate_for_every_landscape():
    first_order = {name for name in OPTIMISERS if "gradient" not in name and "bfgs" not in name}
    assert set(RATES) == {(name, landscape) for name in first_order for landscape in LANDSCAPES}


def test_a_walk_of_gradient_descent_by_hand():
    found = walk(LANDSCAPES["ravine"], "sgd", 0.02, 3)
    x, y = -4.5, 0.9
    for place, value in zip(found.points, found.values, strict=True):
        assert place == pytest.approx([x, y])
        assert value == pytest.approx((x**2 + 25 * y**2) / 2)
        x, y = x - 0.02 * x, y - 0.02 * 25 * y
    assert found.evaluations.tolist() == [0, 1, 2, 3]


def test_all_start_together_and_take_as_many_steps():
    walks = race("beale", steps=7)
    assert tuple(walks) == RACERS
    for found in walks.values():
        assert found.points.shape == (8, 2)
        assert found.points[0].tolist() == [1, 1]
        assert found.values.shape == found.evaluations.shape == (8,)
    assert walks["bfgs"].evaluations[-1] > 7


def test_a_race_is_repeatable():
    one, other = race(steps=20), race(steps=20)
    assert all(np.array_equal(one[name].points, other[name].points) for name in RACERS)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("alps",), "landscape must be one of bowl, ravine, .*; got 'alps'"),
        (("bowl", ["newton"]), "optimiser must be one of"),
        (("bowl", []), "one or more different optimisers"),
        (("bowl", ["sgd", "sgd"]), "different optimisers"),
        (("bowl", ["sgd"], 0), "steps must be ≥ 1, got 0"),
    ],
)
def test_impossible_races_are_refused(arguments, message):
    with pytest.raises(UsageError, match=message):
        race(*arguments)


# Animations


@pytest.fixture(scope="module")
def walks():
    return race("rosenbrock", ["sgd", "adam", "bfgs"], 40)


@pytest.mark.parametrize("fps", [20, 25])
def test_a_gif_has_its_pictures_and_stands_still_at_both_ends(walks, tmp_path, fps):
    path = animate(walks, "rosenbrock", tmp_path / "new" / "race.gif", seconds=1.2, fps=fps)
    assert path.stat().st_size < 8e6
    with Image.open(path) as gif:
        durations, colours = [], set()
        for frame in range(gif.n_frames):
            gif.seek(frame)
            durations.append(gif.info["duration"])
            colours.add(gif.convert("RGB").tobytes())
        assert gif.size == (1000, 500)
    assert durations[0] == durations[-1] == 1000
    assert set(durations[1:-1]) == {1000 / fps}
    assert len(durations) == round(1.2 * fps)
    assert len(colours) == len(durations)  # something moves in every picture


def test_a_gif_keeps_every_racers_colour(walks, tmp_path):
    path = animate(walks, "rosenbrock", tmp_path / "race.gif", seconds=0.5)
    with Image.open(path) as gif:
        gif.seek(gif.n_frames - 1)
        pixels = np.asarray(gif.convert("RGB")).reshape(-1, 3).astype(int)
    for colour in animation.COLOURS[:3]:
        wanted = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
        assert (np.abs(pixels - wanted).max(axis=1) < 12).sum() > 50


def test_an_mp4_lasts_as_long_as_asked(walks, tmp_path):
    ffmpeg = pytest.importorskip("imageio_ffmpeg")
    path = animate(walks, "rosenbrock", tmp_path / "race.mp4", seconds=1.0, fps=20)
    frames, seconds = ffmpeg.count_frames_and_secs(str(path))
    assert frames == 20 + 2 * 19
    assert seconds == pytest.approx(frames / 20, abs=0.1)
    assert path.stat().st_size < 8e6


def test_without_ffmpeg_an_mp4_is_refused_and_the_gif_named(walks, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UsageError, match=r"needs the package imageio-ffmpeg.*or write a \.gif"):
        animate(walks, "rosenbrock", tmp_path / "race.mp4")
    assert list(tmp_path.iterdir()) == []


def test_a_file_above_8_mb_is_refused(walks, tmp_path, monkeypatch):
    monkeypatch.setattr(animation, "LARGEST", 10_000)
    with pytest.raises(RunError, match=r"would have 0.* MB.*use fewer seconds"):
        animate(walks, "rosenbrock", tmp_path / "race.gif", seconds=0.2)
    assert list(tmp_path.iterdir()) == []


def test_a_racer_that_diverges_can_be_drawn(tmp_path):
    wild = {"sgd": walk(LANDSCAPES["rosenbrock"], "sgd", 1.0, 30)}
    assert not np.isfinite(wild["sgd"].values[-1])
    assert animate(wild, "rosenbrock", tmp_path / "race.gif", seconds=0.2).exists()


@pytest.mark.parametrize(
    ("landscape", "name", "settings", "message"),
    [
        ("alps", "a.gif", {}, "landscape must be one of"),
        ("bowl", "a.avi", {}, "ends in .gif or .mp4, got a.avi"),
        ("bowl", "a.gif", {"seconds": 0.0}, r"seconds must be in \(0, 60\]"),
        ("bowl", "a.gif", {"fps": 10}, "fps 15 to 30, got 8.0 and 10"),
        ("bowl", "a.gif", {"fps": 60}, "fps 15 to 30"),
    ],
)
def test_impossible_animations_are_refused(walks, tmp_path, landscape, name, settings, message):
    with pytest.raises(UsageError, match=message):
        animate(walks, landscape, tmp_path / name, **settings)


def test_walks_of_different_lengths_or_none_are_refused(walks, tmp_path):
    short = {**walks, "rmsprop": race("rosenbrock", ["rmsprop"], 3)["rmsprop"]}
    for wrong in (short, {}):
        with pytest.raises(UsageError, match="one or more walks, all of one length"):
            animate(wrong, "rosenbrock", tmp_path / "race.gif")


# The picture of the end, and the verb


def test_the_last_picture_is_the_end_of_the_animation(walks):
    figure = draw_race(walks, "rosenbrock")
    assert_readable(figure)
    left, right = figure.axes
    assert left.get_title(loc="left") == "step 40"
    for found, name in zip(left.get_lines()[2::2], walks, strict=True):
        np.testing.assert_allclose(np.array(found.get_data()).T, walks[name].points)
    assert right.get_xlim() == (0, 40)


def test_one_rate_for_all():
    walks = race("ravine", ["sgd", "momentum"], 5, lr=0.02)
    assert walks["sgd"].points == pytest.approx(walk(LANDSCAPES["ravine"], "sgd", 0.02, 5).points)
    with pytest.raises(UsageError, match="lr must be > 0 and finite, got 0"):
        race("ravine", ["sgd"], 5, lr=0.0)


def test_arrival_by_hand():
    found = walk(LANDSCAPES["bowl"], "sgd", 0.1, 60)
    expected = next(i for i in range(61) if 0.5 * (1.6**2 + 1.1**2) * 0.9 ** (2 * i) < 1e-3)
    assert arrival(found, LANDSCAPES["bowl"]) == expected
    assert arrival(walk(LANDSCAPES["bowl"], "sgd", 0.1, 5), LANDSCAPES["bowl"]) is None
    lowest = heights(walk(LANDSCAPES["saddle"], "bfgs", 1.0, 30), LANDSCAPES["saddle"])[-1]
    assert lowest == pytest.approx(0, abs=1e-12)


def test_the_verb_writes_an_animation_and_a_picture(capsys, tmp_path):
    words = ("race", "bowl", "--optimizer", "sgd", "bfgs", "--steps", 30, "--seconds", 0.5)
    said = call(capsys, *words, "--out", tmp_path / "new" / "race.gif")
    assert said.code == 0, said.err
    lines = said.out.splitlines()
    assert lines[0].startswith("bowl: 30 steps")
    assert re.match(r"sgd +– +– +\d", lines[2])
    assert re.match(r"bfgs +2 +4 +\d", lines[3])
    assert [Path(line).name for line in lines[-2:]] == ["race.gif", "race.png"]
    assert all(Path(line).is_file() for line in lines[-2:])
    found = json.loads(call(capsys, *words, "--out", tmp_path / "a.gif", "--json").out)
    assert [racer["arrived"] for racer in found["racers"]] == [None, 2]
    assert found["picture"] == str(tmp_path / "a.png")


def test_the_verb_knows_every_landscape_and_who_runs_by_default():
    landscape, optimizer = (RaceArgs.__dataclass_fields__[n] for n in ("landscape", "optimizer"))
    assert get_args(get_args(landscape.type)[0]) == tuple(LANDSCAPES)
    assert optimizer.default == RACERS


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("alps", "alps"),
        ("bowl --optimizer newton", "got 'newton'"),
        ("bowl --optimizer sgd sgd", "different optimisers"),
        ("bowl --steps 0", "steps must be ≥ 1, got 0"),
        ("bowl --lr 0", "lr must be > 0"),
        ("bowl --steps 5 --out race.avi", "ends in .gif or .mp4, got race.avi"),
        ("bowl --steps 5 --fps 99", "fps 15 to 30"),
    ],
)
def test_mistakes_of_the_verb_are_one_line(capsys, tmp_path, monkeypatch, words, says):
    monkeypatch.chdir(tmp_path)
    one_line(call(capsys, "race", *words.split()), 2, says)
    assert not contents(tmp_path)


def test_without_ffmpeg_the_verb_says_how_to_get_it(capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    words = ("race", "bowl", "--steps", 5, "--out", tmp_path / "race.mp4")
    one_line(call(capsys, *words), 2, "pip install 'gradus-dl[video]', or write a .gif")
    assert not contents(tmp_path)
