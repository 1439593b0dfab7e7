import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradus.core.advise import JUDGES, Advice, advise
from gradus.core.errors import UsageError

START = 2.3


def decay(n, pace, low, high=START):
    """An exponential approach to `low` in `pace` epochs: the mean over each epoch, and its end."""
    t = np.arange(1, n + 1)
    end = low + (high - low) * np.exp(-t / pace)
    mean = low + (high - low) * pace * (np.exp(-(t - 1) / pace) - np.exp(-t / pace))
    return mean, end


def curves(kind, n):
    """Training loss (a mean over the epoch) and validation loss (at its end) of a kind of run."""
    share = np.arange(1, n + 1) / n
    match kind:
        case "healthy":
            return decay(n, n / 5, 0.10)[0], decay(n, n / 5, 0.20)[1]
        case "healthy with dropout":  # the training loss ends above the validation loss
            return decay(n, n / 5, 0.35)[0], decay(n, n / 5, 0.20)[1]
        case "underfits":
            return decay(n, n / 6, 1.80)[0], decay(n, n / 6, 1.85)[1]
        case "overfits: turned":
            turned = 0.6 * np.clip(share - 0.35, 0, None)
            return decay(n, n / 6, 0.01)[0], decay(n, n / 8, 0.40)[1] + turned
        case "overfits: apart":
            return decay(n, n / 6, 0.01)[0], decay(n, n / 8, 0.90)[1]
        case "plateau":
            return decay(n, n / 20, 0.50)[0], decay(n, n / 20, 0.55)[1]
        case "diverges: jumped":
            train, validation = decay(n, n / 8, 0.20)
            return np.where(share > 0.6, START, train), np.where(share > 0.6, 2.4, validation)
        case "diverges: rising":
            return 0.5 * 20**share, 0.6 * 20**share
        case "too short":
            return decay(n, 0.8 * n, 0.10)
        case "too short: straight":
            return START - share + 0.5 / n, START - share
    raise AssertionError(kind)


KINDS = [
    "healthy",
    "healthy with dropout",
    "underfits",
    "overfits: turned",
    "overfits: apart",
    "plateau",
    "diverges: jumped",
    "diverges: rising",
    "too short",
    "too short: straight",
]


def records(train, validation=None, /, *, lr=0.1, **accuracy):
    found = []
    for i, loss in enumerate(train):
        record = {"epoch": i + 1, "step": 550 * (i + 1), "train/loss": float(loss), "lr": lr}
        if validation is not None:
            record["validation/loss"] = float(validation[i])
        record |= {f"{name}/accuracy": float(values[i]) for name, values in accuracy.items()}
        found.append(record)
    return found


def noisy(curve, size, seed):
    return curve + START * size * np.random.default_rng(seed).standard_normal(len(curve))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
@pytest.mark.parametrize("n", [8, 12, 30, 100, 300])
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_run_is_told_at_any_length_and_scale(kind, n, scale):
    train, validation = curves(kind, n)
    found = advise(records(scale * train, scale * validation))
    assert found.verdict == kind.split(":")[0].removesuffix(" with dropout")


# Noise as a share of the first loss: what the loss of a few thousand examples has, and more.
@pytest.mark.parametrize(("n", "size"), [(8, 0.002), (20, 0.005), (50, 0.01), (300, 0.02)])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_run_is_told_through_noise(kind, seed, n, size):
    train, validation = curves(kind, n)
    found = advise(records(noisy(train, size, seed), noisy(validation, size, 100 + seed)))
    assert found.verdict == kind.split(":")[0].removesuffix(" with dropout")


@pytest.mark.parametrize("kind", [k for k in KINDS if not k.startswith("overfits")])
def test_without_validation_the_training_loss_must_do(kind):
    found = advise(records(curves(kind, 40)[0]))
    assert found.verdict == kind.split(":")[0].removesuffix(" with dropout")
    assert not any("validation loss" in line for line in found.evidence[1:])


def test_the_first_epochs_training_loss_is_a_mean_over_the_untrained_start():
    # Most is learnt within the first epoch, so the training loss begins far above the validation
    # loss: neither a gap in the wrong direction nor a fall that dwarfs all that follows.
    settled = records([1.5, *[0.2] * 11], [0.25, *[0.21] * 11])
    assert advise(settled).verdict == "plateau"
    falling = np.linspace(0.3, 0.2, 12)
    assert advise(records([2.0, *falling[1:]], falling)).verdict == "too short"
    rising = [1.5, 0.3, 0.25, 0.28, 0.33, 0.40, 0.50, 0.63, 0.8]
    assert advise(records(rising)).verdict == "diverges"


def test_one_spike_is_no_divergence():
    train, validation = curves("healthy", 30)
    train[20] = validation[20] = 50.0
    assert advise(records(train, validation)).verdict == "healthy"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("name", ["train/loss", "validation/loss", "validation/accuracy"])
@pytest.mark.parametrize("n", [1, 3, 20])
def test_a_nan_or_infinity_diverges(name, value, n):
    run = records(np.ones(n), np.ones(n), validation=np.ones(n))
    run[-1][name] = value
    found = advise(run)
    assert found.verdict == "diverges"
    assert found.evidence == [f"{name} is {value} at epoch {n}"]
    assert any("--check-numerics" in step for step in found.next_steps)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 4])
def test_few_epochs_are_too_few(n):
    train, validation = curves("healthy", 20)
    assert advise(records(train[:n], validation[:n])).verdict == "too short"


def test_a_loss_that_doubles_and_doubles_is_told_in_three_epochs():
    assert advise(records([1.0, 5.0, 25.0], [2.0, 10.0, 50.0])).verdict == "diverges"


def test_both_losses_turning_up_is_no_overfitting():
    down = np.geomspace(2.0, 0.2, 20)
    up = 0.2 + np.linspace(0, 0.4, 20)
    both = np.concatenate([down, up])
    assert advise(records(both, both)).verdict == "diverges"
    assert advise(records(np.geomspace(2.0, 0.02, 40), both)).verdict == "overfits"


# Accuracy, where there is one


def test_missing_one_training_example_in_ten_is_underfitting_whatever_the_loss():
    train, validation = curves("healthy", 30)
    right = np.linspace(0.3, 0.8, 30)
    assert advise(records(train, validation, train=right, validation=right)).verdict == "underfits"
    right = np.linspace(0.3, 0.97, 30)
    assert advise(records(train, validation, train=right, validation=right)).verdict == "healthy"


def test_dropout_lowers_the_training_accuracy_but_the_model_can_do_better():
    train, validation = curves("healthy with dropout", 30)
    found = advise(
        records(train, validation, train=np.full(30, 0.85), validation=np.full(30, 0.97))
    )
    assert found.verdict == "healthy"


def test_a_low_loss_floor_is_no_poor_fit_where_nearly_all_is_right():
    train, validation = decay(30, 5, 0.5, high=0.9)  # label smoothing leaves such a floor
    right = np.full(30, 0.98)
    assert advise(records(train, validation)).verdict == "underfits"
    assert advise(records(train, validation, validation=right)).verdict != "underfits"


def test_a_gap_in_accuracy_is_overfitting_where_the_losses_are_not_far_apart():
    train, validation = curves("healthy", 30)
    seen, unseen = np.full(30, 0.999), np.full(30, 0.93)
    assert advise(records(train, validation, train=seen, validation=unseen)).verdict == "overfits"


def test_a_rising_loss_with_rising_accuracy_is_overconfidence():
    train, validation = curves("overfits: turned", 30)
    rising = np.linspace(0.5, 0.95, 30)
    told = "right as often, but too sure of itself"
    assert told in advise(records(train, validation, validation=rising)).evidence[0]
    assert told not in advise(records(train, validation, validation=rising[::-1])).evidence[0]


# What it says


def test_the_evidence_holds_the_numbers_of_the_records():
    validation = [0.9, 0.6, 0.4, 0.3, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5]
    found = advise(records(np.geomspace(1, 0.01, 10), validation, validation=np.linspace(0, 1, 10)))
    assert found.verdict == "overfits"
    assert found.evidence[1:] == [
        "training loss 1 → 0.01, lowest 0.01 at epoch 10 of 10",
        "validation loss 0.9 → 0.5, lowest 0.25 at epoch 5 of 10",
        "validation accuracy 0.000 → 1.000",
    ]


@pytest.mark.parametrize(
    ("kind", "lr", "settings"),
    [
        ("diverges: rising", 0.3, ["--lr 0.03", "--clip-norm 1", "--warmup 0.1"]),
        ("too short", 0.1, ["--epochs 40", "--lr 0.3", "--momentum 0.9"]),
        ("overfits: turned", 0.1, ["--patience 5", "--dropout 0.2", "--l2 0.0001"]),
        ("underfits", 0.1, ["--hidden 512 512", "--lr 0.3", "--lr 0.03"]),
        ("plateau", 0.1, ["--schedule cosine", "--lr 0.03", "--patience 5"]),
        ("healthy", 0.1, ["gradus evaluate"]),
        ("plateau", 30.0, ["--lr 9"]),
    ],
)
def test_the_next_steps_name_settings(kind, lr, settings):
    steps = "\n".join(advise(records(*curves(kind, 20), lr=lr)).next_steps)
    assert [s for s in settings if s not in steps] == []


def test_a_schedule_is_not_advised_to_who_has_one():
    run = records(*curves("plateau", 40))
    for record in run[20:]:
        record["lr"] = 0.001
    assert not any("--schedule" in step for step in advise(run).next_steps)


def test_without_a_learning_rate_the_factor_is_named():
    run = records(*curves("plateau", 40))
    for record in run:
        del record["lr"]
    assert any("--lr 0.3 times as large" in step for step in advise(run).next_steps)


def test_a_loss_that_hardly_moved_is_first_of_all_a_matter_of_the_learning_rate():
    flat = noisy(np.full(40, START), 0.001, 0)
    found = advise(records(flat, flat + 0.01))
    assert found.verdict == "underfits"
    assert "--lr 0.01" in found.next_steps[0]


def test_less_dropout_is_advised_where_training_lies_above_validation():
    train, validation = decay(40, 6, 1.9)[0], decay(40, 6, 1.3)[1]
    assert "less --dropout" in advise(records(train, validation)).next_steps[0]


def test_a_plateau_of_noise_says_so():
    train, validation = curves("plateau", 60)
    quiet = advise(records(train, validation))
    loud = advise(records(noisy(train, 0.05, 3), validation))
    assert "jumps by" not in quiet.evidence[0]
    assert "jumps by" in loud.evidence[0]


# Records as they come


def test_records_survive_json_and_gaps_in_validation():
    run = records(*curves("overfits: turned", 60))
    for record in run[::2]:
        del record["validation/loss"]
    lines = [json.dumps(record) for record in run]
    assert advise([json.loads(line) for line in lines]).verdict == "overfits"


def test_a_missing_value_is_no_nan():
    run = records(*curves("healthy", 20))
    run[0]["validation/accuracy"] = None
    assert advise(run).verdict == "healthy"


def test_records_without_a_training_loss_are_refused():
    with pytest.raises(UsageError, match=r"needs train/loss .* found epoch, return"):
        advise([{"epoch": 1, "return": 20.0}])


LOSSES = st.floats(allow_nan=False, allow_infinity=False)


@given(
    st.lists(st.tuples(LOSSES, LOSSES), max_size=40),
    st.booleans(),
    st.floats(0, 10),
)
def test_any_finite_curves_get_advice(points, validated, lr):
    train, validation = [p[0] for p in points], [p[1] for p in points]
    found = advise(records(train, validation if validated else None, lr=lr))
    assert isinstance(found, Advice)
    assert found.verdict in {verdict for verdict, _ in JUDGES}
    assert all(found.evidence)
    assert all(found.next_steps)


@given(
    st.lists(st.tuples(st.floats(-10, 10), st.floats(-10, 10)), min_size=1, max_size=40),
    st.integers(-30, 30),
)
def test_the_unit_of_the_loss_does_not_matter(points, power):
    # A power of two, so that scaling rounds nothing: the verdict is the same to the last bit.
    points = [[round(v, 6) for v in p] for p in points]
    train, validation = np.array(points).T
    scaled = advise(records(train * 2.0**power, validation * 2.0**power))
    assert scaled.verdict == advise(records(train, validation)).verdict


@given(st.sampled_from(KINDS), st.integers(8, 60), st.floats(1e-12, 1e12))
def test_the_unit_of_the_loss_does_not_matter_for_real_curves(kind, n, scale):
    train, validation = curves(kind, n)
    scaled = advise(records(scale * train, scale * validation))
    assert scaled.verdict == advise(records(train, validation)).verdict


def test_a_loss_that_begins_at_zero_has_no_share_left():
    assert advise(records([0.0, 0.0, 0.0, 1.0, 0.0])).verdict in {"healthy", "plateau"}
    assert advise(records([0.0, 0.0, 0.0, 1.0, 1.0, 1.0])).verdict == "diverges"


def test_the_steep_start_of_a_short_run_is_not_taken_for_noise():
    train = [1.648, 0.701, 0.415, 0.280, 0.215, 0.184]  # digits-mlp, six epochs
    validation = [1.014, 0.531, 0.343, 0.256, 0.248, 0.234]
    assert advise(records(train, validation)).verdict in {"healthy", "too short"}
