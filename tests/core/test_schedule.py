import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, MultiStepLR, OneCycleLR

from gradus.core.errors import UsageError
from gradus.core.schedule import SCHEDULES, NoBetter, make_schedule

LR = 0.4


def optimizer() -> torch.optim.SGD:
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=LR)


def rates(schedule: torch.optim.lr_scheduler.LRScheduler, steps: int) -> list[float]:
    """The learning rate of each of the first `steps` updates."""
    found = []
    for _ in range(steps):
        found.append(schedule.get_last_lr()[0])
        schedule.optimizer.step()
        schedule.step()
    return found


@pytest.mark.parametrize("total", [1, 2, 7, 100])
def test_cosine_is_torchs(total):
    ours = rates(make_schedule(optimizer(), "cosine", total), total)
    torchs = rates(CosineAnnealingLR(optimizer(), T_max=total), total)
    assert ours == pytest.approx(torchs, abs=1e-12)


@pytest.mark.parametrize("total", [8, 100])
def test_step_is_torchs_with_milestones_at_one_half_and_three_quarters(total):
    ours = rates(make_schedule(optimizer(), "step", total), total)
    torchs = rates(MultiStepLR(optimizer(), [total // 2, total * 3 // 4]), total)
    assert ours == pytest.approx(torchs, abs=1e-12)


def test_linear_is_torchs():
    ours = rates(make_schedule(optimizer(), "linear", 50), 50)
    torchs = rates(LinearLR(optimizer(), start_factor=1, end_factor=0, total_iters=50), 50)
    assert ours == pytest.approx(torchs, abs=1e-12)


@pytest.mark.parametrize(("total", "rise"), [(10, 0.3), (100, 0.3), (37, 0.3), (40, 0.25)])
def test_one_cycle_rises_and_falls_as_torchs(total, rise):
    def torchs(strategy):
        return rates(
            OneCycleLR(
                optimizer(),
                max_lr=LR,
                total_steps=total,
                pct_start=rise,
                anneal_strategy=strategy,
                cycle_momentum=False,
                div_factor=25,
                final_div_factor=1e4,
            ),
            total,
        )

    ours = rates(make_schedule(optimizer(), "one-cycle", total, warmup=rise), total)
    peak = math.ceil(rise * total - 1)  # torch bends the rise or keeps the fall straight: compare
    assert ours[:peak] == pytest.approx(torchs("linear")[:peak], abs=1e-12)  # each with its like
    assert ours[peak:] == pytest.approx(torchs("cos")[peak:], abs=1e-12)


def test_one_cycle_has_its_own_rise_unless_told():
    untold = rates(make_schedule(optimizer(), "one-cycle", 100), 100)
    assert untold == rates(make_schedule(optimizer(), "one-cycle", 100, warmup=0.3), 100)
    assert untold.index(max(untold)) == 29


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("constant", [1, 1, 1, 1, 1, 1, 1, 1]),
        ("step", [1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]),
        ("linear", [1, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]),
    ],
)
def test_by_hand(name, expected):
    assert [SCHEDULES[name](s, 8) for s in range(8)] == pytest.approx(expected, abs=1e-15)


def test_one_cycle_by_hand():
    factors = [SCHEDULES["one-cycle"](s, 10) for s in range(10)]
    assert factors[:3] == pytest.approx([0.04, 0.52, 1.0])  # the peak is at 0.3 · 10 - 1
    assert factors[-1] == pytest.approx(4e-6, abs=1e-15)


def test_warmup_by_hand():
    # 4 of 12 updates rise by fifths, then the straight line goes down over the other 8.
    factors = [SCHEDULES["linear"](s, 12, warmup=1 / 3) for s in range(12)]
    assert factors[:4] == pytest.approx([0.2, 0.4, 0.6, 0.8])
    assert factors[4:] == pytest.approx([SCHEDULES["linear"](s, 8) for s in range(8)])


@given(
    name=st.sampled_from(sorted(SCHEDULES)),
    total=st.integers(1, 400),
    step=st.integers(0, 500),
    warmup=st.floats(0, 1, exclude_max=True),
)
def test_factors_are_in_the_unit_interval_and_the_end_is_kept(name, total, step, warmup):
    schedule = SCHEDULES[name]
    assert 0 <= schedule(step, total, warmup=warmup) <= 1
    assert schedule(total + step, total, warmup=warmup) == schedule(total, total, warmup=warmup)


@given(
    name=st.sampled_from(sorted(SCHEDULES)),
    total=st.integers(1, 200),
    warmup=st.floats(0, 1, exclude_max=True),
)
def test_factors_rise_first_and_never_after(name, total, warmup):
    factors = [SCHEDULES[name](s, total, warmup=warmup) for s in range(total)]
    top = factors.index(max(factors))
    assert factors[: top + 1] == sorted(factors[: top + 1])
    assert factors[top:] == sorted(factors[top:], reverse=True)


def test_every_group_keeps_its_own_highest_rate():
    a, b = torch.nn.Parameter(torch.zeros(1)), torch.nn.Parameter(torch.zeros(1))
    two = torch.optim.SGD([{"params": [a], "lr": 1.0}, {"params": [b], "lr": 0.1}])
    schedule = make_schedule(two, "linear", 4)
    two.step()
    schedule.step()
    assert schedule.get_last_lr() == pytest.approx([0.75, 0.075])


def test_the_state_goes_on_where_it_stopped():
    whole = rates(make_schedule(optimizer(), "cosine", 10), 10)
    half = make_schedule(optimizer(), "cosine", 10)
    rates(half, 5)
    rest = make_schedule(optimizer(), "cosine", 10)
    rest.load_state_dict(half.state_dict())
    assert rates(rest, 5) == whole[5:]


def test_one_update_is_a_run():
    for name, schedule in SCHEDULES.items():
        assert schedule(0, 1) == 1, name


def test_unknown_names_get_the_nearest():
    with pytest.raises(UsageError, match=r"no schedule is called 'cosin': did you mean cosine\?"):
        make_schedule(optimizer(), "cosin", 10)
    with pytest.raises(UsageError, match="there are constant, step, cosine, one-cycle, linear"):
        make_schedule(optimizer(), "zzz", 10)


@pytest.mark.parametrize("name", sorted(SCHEDULES))
@pytest.mark.parametrize(
    ("step", "total", "warmup", "message"),
    [
        (0, 0, 0.0, "total steps must be ≥ 1, got 0"),
        (-1, 5, 0.0, "step must be ≥ 0, got -1"),
        (0, 5, 1.0, r"warmup must be in \[0, 1\), got 1.0"),
        (0, 5, -0.1, r"warmup must be in \[0, 1\), got -0.1"),
    ],
)
def test_numbers_out_of_range_are_refused(name, step, total, warmup, message):
    with pytest.raises(UsageError, match=message):
        SCHEDULES[name](step, total, warmup=warmup)


def test_no_better_halves_after_a_loss_above_the_last_three():
    made = optimizer()
    schedule, found = NoBetter(made), []
    start = schedule.get_last_lr()[0]
    for loss in (3.0, 2.0, 4.0, 2.5, 4.1, 4.2, 4.15, 4.3):
        schedule.step(loss)
        found.append(schedule.get_last_lr()[0] / start)
    #            three first   2.5 < 4   4.1 > 4  4.2 > 4.1  4.15 < 4.2  4.3 > 4.2
    assert found == [1, 1, 1, 1, 0.5, 0.25, 0.25, 0.125]
    again = NoBetter(made)
    again.load_state_dict(schedule.state_dict())
    assert again.losses == [4.2, 4.15, 4.3]
