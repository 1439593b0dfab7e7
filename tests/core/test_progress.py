"""What gradus.core.progress says of work with epochs and without: lines, or a bar."""

import pytest

from gradus.core import progress
from gradus.core.progress import Bar, Lines, rate


class Clock:
    """A clock that stands still unless it is moved."""

    now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def work(reporter, clock, steps, seconds):
    for _ in range(steps):
        clock.now += seconds
        reporter.step(0.5)


def test_work_without_epochs_is_told_every_few_seconds(capsys, clock):
    lines = Lines()
    lines.begin(40, 10, "loss at 40 points")
    work(lines, clock, 20, 0.5)
    lines.end()
    assert capsys.readouterr().err.splitlines() == [
        "loss at 40 points",
        "14/40  2 steps/s  13 s left",
        "24/40  2 steps/s  8 s left",
    ]


def test_steps_that_come_in_bursts_are_told_rightly(capsys, clock):
    lines = Lines()
    lines.begin(80, 0, "work")
    for _ in range(4):
        clock.now += 4
        work(lines, clock, 8, 0)
    assert capsys.readouterr().err.splitlines() == [
        "work",
        "16/80  2 steps/s  32 s left",
    ]


def test_short_work_is_told_in_one_line(capsys, clock):
    lines = Lines()
    for _ in range(3):
        lines.begin(100, 0, "work")
        work(lines, clock, 100, 0.01)
        lines.end()
    assert capsys.readouterr().err == "work\n" * 3


def test_a_long_epoch_is_told_of_in_its_midst(capsys, clock):
    lines = Lines()
    lines.begin(2000, 0, "training")
    for epoch in (1, 2):
        work(lines, clock, 1000, 0.008)
        lines.epoch({"epoch": epoch, "train/loss": 0.25}, 2)
    said = capsys.readouterr().err.splitlines()
    assert said[1] == "312/2,000  125 steps/s  14 s left"
    assert said[3] == "epoch 1/2  loss 0.2500  125 steps/s  8 s left"
    assert said[-1] == "epoch 2/2  loss 0.2500  125 steps/s  0 s left"
    assert len(said) == 6


def test_slow_work_has_a_rate_too():
    assert [rate(*each) for each in ((3, 10), (95, 10), (12_345, 1), (0, 0))] == [
        "0.3 steps/s",
        "9.5 steps/s",
        "12,345 steps/s",
        "0 steps/s",
    ]


def test_a_bar_names_epochs_only_where_there_are_some(clock):
    bar = Bar()
    bar.begin(10, 0, "points [a] of a plane")
    (task,) = bar.progress.tasks
    work(bar, clock, 5, 0.5)
    assert (task.completed, task.total) == (5, 10)
    assert task.fields["rate"] == "2 steps/s"
    assert task.fields["epoch"] == ""
    bar.epoch({"epoch": 1, "train/loss": 0.25}, 20)
    assert task.fields["epoch"] == "epoch 2/20"
    bar.end()


def test_one_bar_can_tell_of_one_work_after_the_other(clock, capsys):
    bar = Bar()
    for total in (10, 20):
        bar.begin(total, 5, f"work of {total}")
        (task,) = bar.progress.tasks
        assert (task.completed, task.total) == (5, total)
        work(bar, clock, 2, 1.0)
        assert task.completed == 7
        bar.end()
    assert "work of 10" in capsys.readouterr().err
