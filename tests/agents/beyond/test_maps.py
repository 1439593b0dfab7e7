"""Maps beside the picture: pixel control's squares, attention's places; wiring that refuses."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gradus.agents.beyond import doom, run_figures, train
from gradus.agents.beyond.maps import lit, map_of, pixel_control_maps, with_map
from gradus.agents.beyond.recipes import CARTPOLE_A3C, CARTPOLE_DRQN, MAZE_UNREAL
from gradus.agents.beyond.recurrent import AttentiveQ, Remembering
from gradus.agents.beyond.unreal import Unreal
from gradus.agents.networks import ActorCritic
from gradus.core.errors import UsageError

CPU = torch.device("cpu")


def test_the_squares_of_pixel_control_lie_where_they_are_in_the_picture():
    torch.manual_seed(0)
    model = Unreal(1, 4, 8)
    seen = np.random.default_rng(0).integers(0, 256, (1, 1, 84, 84)).astype(np.uint8)
    maps = pixel_control_maps(model, seen)
    with torch.no_grad():
        q = model.pixel_control(model.features(torch.as_tensor(seen)))[0]
    assert maps.shape == (4, 84, 84)
    assert not maps[:, :2].any()
    assert not maps[:, :, 82:].any()
    for action, i, j in [(0, 0, 0), (3, 19, 19), (1, 4, 11)]:
        square = maps[action, 2 + 4 * i : 6 + 4 * i, 2 + 4 * j : 6 + 4 * j]
        assert square == pytest.approx(float(q[action, i, j]), abs=1e-5)


def test_a_picture_is_lit_where_its_map_is_high():
    picture = np.full((40, 20, 3), 200, dtype=np.uint8)
    found = lit(picture, np.array([[0.0], [1.0]]))
    assert found.shape == picture.shape
    assert (found[0] == 50).all()
    assert (found[-1] == 200).all()
    assert (lit(picture, np.ones((2, 2))) == 50).all(), "a map that is the same everywhere"


def test_the_map_is_shown_beside_the_picture_where_there_is_one():
    torch.manual_seed(0)
    picture = np.full((30, 40, 3), 90, dtype=np.uint8)
    plain, seen = ActorCritic((4,), 2, (8,)), np.zeros((1, 4), dtype=np.float32)
    assert map_of(plain, seen) is None
    assert with_map(plain, seen, picture) is picture
    model, frame = Remembering(AttentiveQ((1, 10, 10), 3, (8,)), 1), np.ones((1, 1, 10, 10))
    model(torch.as_tensor(frame, dtype=torch.float32))
    assert map_of(model, frame).sum() == pytest.approx(1, abs=1e-5)
    assert with_map(model, frame, picture).shape == (30, 80, 3)


def test_every_recipe_has_its_figures():
    assert {"returns", "expectation", "pixel-control"} == set(run_figures.MAZE_RUN)
    assert {"returns", "expectation", "moments"} == set(run_figures.MEMORY_RUN)
    assert doom.SIZE == (45, 60)


def test_environments_that_do_not_fit_are_refused():
    with pytest.raises(UsageError, match=r"environment must be one with pictures of 84×84"):
        train.unreal(replace(MAZE_UNREAL.config, environment="CartPole-v1"), CPU)
    with pytest.raises(UsageError, match="environment must be an environment with pictures"):
        train.drqn(replace(CARTPOLE_DRQN.config, attention=True), CPU)
    with pytest.raises(UsageError, match="device must be cpu, whose memory processes share"):
        train.a3c(CARTPOLE_A3C.config, torch.device("meta"))
