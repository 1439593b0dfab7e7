"""The network for reviews, what words contribute, and the answers of a run."""

import json

import pytest
import torch
from torch import nn

import gradus
from gradus import RunError, UsageError, cli
from gradus.sequence.sentiment.contributions import contributions
from gradus.sequence.sentiment.predict import load_reviews
from gradus.sequence.sentiment.reader import ReviewReader, pooled
from gradus.sequence.sentiment.recipes import IMDB_LSTM
from gradus.sequence.sentiment.run_figures import share_of_half
from gradus.sequence.sentiment.train import held_out, reviews
from tests.commands import call, offline, one_line

GOOD = "The film was great, the cast was brilliant and the music was lovely!"
BAD = "The plot was awful, the story was dull and the ending was terrible: zzz"
NUMBERS = torch.tensor([[3, 4, 5, 0, 0], [6, 2, 3, 4, 5]])


def reader(**settings):
    torch.manual_seed(0)
    return ReviewReader(9, 4, 6, **settings).eval()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    with pytest.MonkeyPatch.context() as patch:
        offline(patch, folder)
        settings = {**IMDB_LSTM.smoke, "epochs": 14, "longest": 40, "lr": 0.05, "dropout": 0.0}
        return gradus.train("imdb-lstm", run_dir=folder / "run", **settings)


# The network


@pytest.mark.parametrize("pool", ["last", "mean", "max", "mean-max"])
def test_a_review_is_judged_alike_alone_and_beside_a_longer_one(pool):
    model = reader(pool=pool)
    torch.testing.assert_close(model(NUMBERS)[:1], model(NUMBERS[:1, :3]))


def test_pooling_is_of_the_steps_there_are():
    outputs = torch.tensor([[[-1.0], [-2.0], [0.0]], [[1.0], [2.0], [6.0]]])
    lengths = torch.tensor([2, 3])
    for pool, right in {
        "last": [[-2.0], [6.0]],
        "mean": [[-1.5], [3.0]],
        "max": [[-1.0], [6.0]],
        "mean-max": [[-1.5, -1.0], [3.0, 6.0]],
    }.items():
        assert pooled(outputs, lengths, pool).tolist() == right, pool


def test_it_is_torch_s_lstm_under_a_batch_normalised_layer():
    model = reader(pool="last").train()
    model.drop = 0.0
    hidden, _ = model.lstm(model.embedding(NUMBERS[1:, :]))
    first, _ = model.lstm(model.embedding(NUMBERS[:1, :3]))
    z = model.output(torch.cat([first[:, -1], hidden[:, -1]]))
    right = (z - z.mean(0)) / (z.var(0, unbiased=False) + 1e-5).sqrt()
    torch.testing.assert_close(model(NUMBERS), right)
    assert torch.isfinite(model(NUMBERS[:1])).all()  # a batch of one has no variance


def test_dropout_and_unknown_words_are_of_training_alone():
    model = reader(drop=0.5, drop_words=0.5)
    assert torch.equal(model(NUMBERS), model(NUMBERS))
    model.train()
    assert not torch.equal(model(NUMBERS), model(NUMBERS))


def test_no_gradient_reaches_what_fills_up():
    model = reader()
    model(NUMBERS).sum().backward()
    assert not model.embedding.weight.grad[0].any()
    assert model.embedding.weight.grad[3].any()


def test_an_unknown_pool_is_refused():
    with pytest.raises(UsageError, match="pool must be one of last, mean"):
        reader(pool="sum")


# What words do


def test_contributions_sum_to_the_change_of_the_log_odds():
    model = reader(pool="mean-max").double()
    nn.init.normal_(model.embedding.weight)
    numbers = NUMBERS[1]

    def log_odds(vectors):
        z = model.judge(vectors[None], torch.tensor([len(vectors)]))[0]
        return (z[1] - z[0]).item()

    vectors = model.embedding(numbers).detach()
    change = log_odds(vectors) - log_odds(torch.zeros_like(vectors))
    found = contributions(model, numbers, steps=400)
    assert found.shape == (5,)
    assert found.sum().item() == pytest.approx(change, rel=1e-3)


def test_contributions_of_a_linear_network_are_exact():
    class Linear(nn.Module):
        embedding = nn.Embedding.from_pretrained(torch.tensor([[0.0], [1.0], [-2.0]]))

        def judge(self, vectors, lengths):
            total = vectors.sum((1, 2))
            return torch.stack([-total, total], 1)

    found = contributions(Linear(), torch.tensor([1, 2, 0]), steps=1)
    assert found.tolist() == [2.0, -4.0, 0.0]


def test_share_of_half():
    assert share_of_half(torch.tensor([1.0, -8.0, 1.0, 1.0])) == 0.25
    assert share_of_half(torch.ones(4)) == 0.5


# A run


def test_it_learns_made_up_reviews_and_says_why(run):
    assert run.results["test"]["accuracy"] > 0.9
    good, bad = run.predict(GOOD, BAD)
    assert (good["label"], bad["label"]) == ("positive", "negative")
    effects = dict(map(tuple, good["contributions"]))
    assert effects["great"] > 0
    assert max(effects, key=effects.get) in ("great", "brilliant", "lovely")
    assert dict(map(tuple, bad["contributions"]))["awful"] < 0
    assert bad["unknown"] == ["and", "zzz"]
    long = run.predict("film " * 50)[0]
    assert (long["unread"], len(long["contributions"])) == (10, 40)


def test_the_command_line_colours_words_in_a_terminal(run, capsys, monkeypatch):
    said = call(capsys, "predict", run.path, GOOD)
    assert "great[+" in said.out
    assert "\x1b" not in said.out
    assert "integrated gradients" in said.out
    assert "strongest: " in said.out
    monkeypatch.setattr("gradus.tables._pretty", lambda: True)
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    said = call(capsys, "predict", run.path, GOOD)
    assert "\x1b[" in said.out
    assert "great[" not in said.out


def test_reviews_come_on_standard_input_too(run, capsys, monkeypatch, tmp_path):
    lines = tmp_path / "lines"
    lines.write_text(f"{GOOD}\n\n{BAD}\n")
    with open(lines) as file:
        monkeypatch.setattr("sys.stdin", file)
        said = call(capsys, "predict", run.path, "--json")
    answers = json.loads(said.out)["answers"]
    assert [a["label"] for a in answers] == ["positive", "negative"]


def test_a_text_without_words_is_refused(run, capsys):
    one_line(call(capsys, "predict", run.path, "?!"), 2, "must hold words")


def test_a_vocabulary_that_does_not_fit_is_refused(run, capsys):
    path = run.path / "vocabulary.txt"
    text = path.read_text()
    path.write_text(text + "more\n")
    try:
        one_line(call(capsys, "predict", run.path, "film"), 1, "words of this run, found")
        path.unlink()
        with pytest.raises(RunError, match="damaged or missing"):
            load_reviews(run)
    finally:
        path.write_text(text)


def test_reviews_held_out_are_not_learned_from(tmp_path, monkeypatch):
    offline(monkeypatch, tmp_path)
    config = IMDB_LSTM.configure(**IMDB_LSTM.smoke)
    task = reviews(config)
    assert (task.train.examples, task.validation.examples) == (100, 20)
    part = task.test().part
    train, validation = held_out(IMDB_LSTM.configure(**{**IMDB_LSTM.smoke, "examples": 60}), part)
    assert (len(train), len(validation)) == (60, 20)
    assert validation.labels.tolist() == [0] * 10 + [1] * 10
    assert torch.equal(validation.numbers[-part.lengths[-1] :], part.numbers[-part.lengths[-1] :])
    again, _ = held_out(IMDB_LSTM.configure(**{**IMDB_LSTM.smoke, "examples": 60, "seed": 5}), part)
    assert torch.equal(again.numbers, train.numbers)  # which reviews does not depend on the seed
    with pytest.raises(UsageError, match="validation must be below 120"):
        held_out(IMDB_LSTM.configure(**{**IMDB_LSTM.smoke, "validation": 120}), part)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--longest", "0", "longest must be ≥ 1, got 0"),
        ("--validation", "1", "validation must be ≥ 2, got 1"),
        ("--dropout", "1", "dropout must be in [0, 1), got 1.0"),
        ("--data", "imbd", "did you mean imdb?"),
        ("--pool", "sum", "pool"),
    ],
)
def test_mistakes(capsys, tmp_path, monkeypatch, option, value, said):
    offline(monkeypatch, tmp_path)
    assert cli.main(["train", "imdb-lstm", "--run-dir", str(tmp_path / "r"), option, value]) == 2
    assert said in capsys.readouterr().err
