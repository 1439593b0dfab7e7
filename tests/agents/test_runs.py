"""Runs of agents as their users see them: verbs, mistakes, a failing environment, a video."""

import json
import signal

import numpy as np
import pytest
import torch

import gradus
import gradus.agents.play
from gradus import catalog
from gradus.agents.dense import dense_scores
from gradus.agents.envs import GymGames
from gradus.agents.networks import DQN, ActorCritic
from gradus.agents.pictures import beside, draw_cart
from gradus.agents.train import policy_gradient
from gradus.core.device import open_device
from gradus.core.errors import Interrupted, RunError, UsageError
from gradus.core.experiment import train
from gradus.core.practice import build_practice, practise
from tests.commands import call, one_line

CPU = torch.device("cpu")
SMALL = {"epochs": 3, "steps": 8, "games": 4, "hidden": (8,), "check_episodes": 2}
RECIPE = catalog.recipe("cartpole-pg")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    config = RECIPE.configure(**SMALL, test_episodes=3, goal=0.0)
    return train(RECIPE, config, path=tmp_path_factory.mktemp("agent") / "pole")


def test_the_folder_tells_of_episodes(run):
    records = run.records()
    assert [r["step"] for r in records] == [8, 16, 24]
    assert {"train/return", "validation/return", "updates", "epsilon"} <= records[0].keys()
    assert run.results["examples"] == 24
    assert run.results["steps"] == 6
    report = (run.path / "report.md").read_text()
    assert "the test episodes, on seeds of their own, were played once, after 24 steps" in report


def test_evaluation_is_the_same_each_time_and_takes_numbers(run, capsys):
    found = [run.evaluate(episodes=5) for _ in range(2)]
    assert found[0] == found[1]
    assert found[0]["episodes"] == 5
    assert run.evaluate("validation", episodes=5) != found[0]
    said = call(capsys, "evaluate", run.path, "--episodes", 4, "--epsilon", 0.5, "--json")
    assert json.loads(said.out)["test"]["episodes"] == 4
    one_line(call(capsys, "evaluate", run.path, "--split", "train"), 2, "split must be")
    one_line(call(capsys, "evaluate", run.path, "--epsilon", 2), 2, "epsilon must be in [0, 1]")


def test_predictions(run):
    state, seed = run.predict("0,0,0.1,0", 4)
    assert state["action"] in ("left", "right")
    assert sum(state["values"]) == pytest.approx(1, abs=1e-5)
    assert seed["return"] == seed["length"]
    assert run.predict([0, 0, 0.1, 0])[0]["values"] == state["values"]
    for wrong in ("1,2", "x", "nan", "-1", ""):
        with pytest.raises(UsageError, match="must be"):
            run.predict(wrong)


@pytest.mark.parametrize("verb", ["surface RUN", "advise RUN", "lr-find cartpole-pg"])
def test_verbs_that_make_no_sense_say_so_in_one_line(verb, run, capsys):
    words = [str(run.path) if w == "RUN" else w for w in verb.split()]
    said = call(capsys, *words)
    assert said.code == 2
    assert "learns by acting" in said.err.splitlines()[-1]


def test_a_recipe_of_examples_has_no_episodes(tmp_path):
    config = catalog.recipe("exam-perceptron").configure(**catalog.recipe("exam-perceptron").smoke)
    other = train(catalog.recipe("exam-perceptron"), config, path=tmp_path / "exam", test=False)
    with pytest.raises(UsageError, match="no episodes and no epsilon"):
        other.evaluate(episodes=3)
    with pytest.raises(UsageError, match="not by acting"):
        other.practice()
    with pytest.raises(UsageError, match="plays no games"):
        gradus.agents.play.load_network(other)


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ("--environment CartPole-v9", "no environment is called"),
        ("--environment Pendulum-v1", "Discrete actions are supported"),
        ("--explore gready", "explore must be"),
        ("--steps 10 --games 4", "steps must be a multiple of games"),
        ("--gamma 1.5", "gamma must be in"),
        ("--optimizer lbfgs --clip-norm 0", "does not search"),
        ("--precision bf16-mixed", "precision must be float32"),
        ("--hidden 0", "hidden must be"),
    ],
)
def test_settings_that_cannot_be_meant(settings, word, tmp_path, capsys):
    folder = tmp_path / "new"
    said = call(capsys, "train", "cartpole-pg", *settings.split(), "--run-dir", folder)
    one_line(said, 2, word)
    assert not folder.exists()


def test_an_environment_that_raises_leaves_the_last_checkpoint(tmp_path, monkeypatch):
    config = RECIPE.configure(**SMALL, test_episodes=3, goal=0.0, checkpoint_seconds=0.0)
    real, calls = GymGames.reset, []

    def failing(self, seed):
        calls.append(seed)
        if len(calls) == 9:  # in the midst of the second epoch
            self.env.step = lambda actions: 1 / 0
        return real(self, seed)

    monkeypatch.setattr(GymGames, "reset", failing)
    with pytest.raises(RunError, match="CartPole-v1 failed"):
        train(RECIPE, config, path=tmp_path / "pole")
    monkeypatch.undo()
    half = gradus.open(tmp_path / "pole")
    assert half.status == "failed"
    assert len(half.records()) >= 1
    whole = train(RECIPE, config, path=tmp_path / "pole", resume=True)
    assert whole.status == "complete"
    assert len(whole.records()) == 3


def test_a_practice_stops_at_its_goal_and_when_asked(tmp_path):
    from gradus.core.progress import Silent
    from gradus.core.run import create

    config = RECIPE.configure(**SMALL, goal=1.0)
    practice = build_practice(RECIPE, config, CPU)
    device = open_device("cpu")
    made = create(RECIPE, config, tmp_path / "goal")
    settings = {"run": made, "resume": False, "reporter": Silent(), "device": device}
    assert practise(practice, config, **settings).epoch == 1

    class Asks(Silent):
        def step(self, loss, steps=1):
            signal.raise_signal(signal.SIGINT)

    made = create(RECIPE, config, tmp_path / "asked")
    with pytest.raises(Interrupted):
        practise(practice, config, **{**settings, "run": made, "reporter": Asks()})


def test_sampling_and_exploring_settings_train():
    config = RECIPE.configure(**SMALL, explore="epsilon-0.5", baseline=False)
    practice = policy_gradient(config, CPU)
    found = practice.epoch(0, lambda steps, loss: None)
    assert found["epsilon"] == 0.5
    assert found["updates"] == 2


# Acting in NumPy ----------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [DQN((4,), 3, (8, 8)), ActorCritic((4,), 3, (8,), apart=True)])
def test_small_networks_in_numpy_say_the_same_and_follow_the_parameters(model):
    scores, seen = dense_scores(model), np.random.default_rng(0).normal(size=(5, 4))
    assert scores is not None
    for _ in range(2):
        found = model(torch.from_numpy(seen).float())
        wanted = found[0] if isinstance(found, tuple) else found
        assert np.allclose(scores(seen), wanted.detach().numpy(), atol=1e-5)
        with torch.no_grad():
            for p in model.parameters():
                p += 0.1


@pytest.mark.parametrize(
    "model", [DQN((4, 10, 10), 3, (8,)), DQN((4,), 3, (8,), duelling=True), DQN((4,), 3, (512,))]
)
def test_others_are_left_to_pytorch(model):
    assert dense_scores(model) is None


# Videos -------------------------------------------------------------------------------------------


def test_a_video_plays(run, tmp_path, capsys):
    import imageio_ffmpeg

    path = tmp_path / "deep" / "pole.mp4"
    said = call(capsys, "play", run.path, "--video", path, "--episodes", 2, "--limit", 5, "--json")
    assert said.code == 0, said.err
    shown = json.loads(said.out)["episodes"]
    assert [e["length"] for e in shown] == [5, 5]
    frames, seconds = imageio_ffmpeg.count_frames_and_secs(str(path))
    assert frames == 2 * (30 + 4 + 30)
    assert seconds == pytest.approx(frames / 30, abs=0.1)


@pytest.mark.parametrize(
    ("words", "word"),
    [
        ("--video pole.xyz", "a video ends in"),
        ("--video /proc/pole.mp4", "cannot write the video"),
        ("--episodes 0", "episodes must be"),
        ("--limit 0", "limit must be"),
        ("--epsilon 3", "epsilon must be"),
    ],
)
def test_videos_that_cannot_be(words, word, run, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = call(capsys, "play", run.path, *words.split())
    assert said.code in (1, 2)
    assert word in said.err
    assert len(said.err.splitlines()) == 1


def test_bars_beside_a_frame():
    frame = draw_cart(np.array([0.0, 0.0, 0.1, 0.0]))
    picture = beside(frame, ("left", "right"), np.array([0.2, 0.8]), 1, ("one",), "value", (0, 1))
    assert picture.shape == (420, 930, 3)
    assert all(side % 2 == 0 for side in picture.shape[:2])
