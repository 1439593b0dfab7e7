"""What a benchmark writes is on the page it belongs to, from results of the form it writes."""

import re

import pytest

from tests.conformance.pages import ROOT

MACHINE = {"processor": "a processor", "cores": 2}
HERE = "a processor, 2 cores"


@pytest.fixture
def findings(benchmarks, measured):
    """A part of the findings by its name; nothing was measured yet."""
    return lambda name: benchmarks(f"findings.{name}")


def shows(text, *parts):
    assert [part for part in parts if part not in text] == [], text


def test_every_benchmark_is_on_a_page():
    written = {
        re.search(r'"results" / "(\w+)\.json"', file.read_text())
        for file in (ROOT / "benchmarks").glob("*.py")
    } - {None}
    assert len(written) > 15
    folder = ROOT / "benchmarks" / "findings"
    code = "".join(file.read_text() for file in folder.glob("*.py"))
    assert [m[1] for m in written if f'"{m[1]}"' not in code] == []


def test_every_generated_page_is_included_somewhere():
    pages = [*(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "recipes").glob("*.md")]
    text = "".join(page.read_text() for page in pages)
    made = [page.name for page in (ROOT / "docs" / "_generated").glob("*.md")]
    assert made
    assert [name for name in made if f'--8<-- "{name}' not in text] == []


AGENTS = ("replay", "breakout", "unreal", "a3c", "drqn", "doom")


def test_nothing_is_shown_that_was_not_measured(findings):
    assert findings("speed").speed() == ""
    told = [
        findings("sequence").softmax(),
        findings("memory").stability(),
        findings("memory").stories_on_gpu(),
        *(getattr(findings("agents"), n)() for n in AGENTS),
    ]
    assert all("Not measured yet: `python benchmarks/" in text for text in told)
    assert not any("|" in text for text in told)


def test_speed_of_training_loops_and_images(findings, measured):
    loops = {"medians": {"gradus": 2.0, "bare PyTorch loop": 4.0}, "rounds": 3, "images": 1000}
    one = {"test": [0.94, 0.95], "seconds": [20.0, 30.0], "seconds_to_goal": [19.0, 29.0]}
    photos = {"device": "a GPU", "images": [50_000, 10_000], "goal": 0.94}
    alone = {"test": [0.5], "seconds": [2.0], "seconds_to_goal": []}
    for benchmark, found in {
        "mlp": loops,
        "convnet": {**loops, "share_of_gemm": 0.61},
        "augment": {"batch": 128, "threads": 2, "images_per_second": {"crop 24": 123_456}},
        "cifar10_gpu": {**photos, "results": {"cifar10-modern": one, "once": alone}},
    }.items():
        measured(benchmark, {**found, "machine": MACHINE})
    shows(
        findings("speed").speed(),
        "| gradus | 2.000 | 500 | 0.50 |",
        "at 61% of the speed",
        "| crop 24 | 123,456 |",
        "| cifar10-modern | 94.50% ± 0.71% | 25.0 s | 24.0 s |",
        "| once | 50.00% | 2.0 s | not in every run |",
        HERE,
        "a GPU",
    )


def test_speed_of_reading(findings, measured):
    run = {"reviews_per_second": 50.0, "accuracy": 0.8, "peak_mb": 900.0}
    fast = {"reviews_per_second": 200.0, "accuracy": 0.81, "peak_mb": 600.0}
    settings = {"hidden": 128, "reviews": 4000, "epochs": 3, "threads": 2}
    found = {"like lengths": [fast, fast], "padded to 500": [run, run]}
    measured("sentiment", {"settings": settings, "found": found, "machine": MACHINE})
    shown = findings("speed").speed()
    shows(
        shown, "| like lengths | 200 | 4.00 | 81.00% | 600 | 2 |", "| padded to 500 | 50 | 1.00 |"
    )


def test_speed_of_translation(findings, measured):
    training = {"gradus": 3000.0, "step by step": 1500.0, "padded": 1000.0}
    decoding = {"greedy, 1 at once": 700.0, "beam 5, 64 at once": 2100.0}
    more = {"rounds": 5, "steps": 12, "threads": 2, "machine": MACHINE}
    measured("translation", {"training": training, "decoding": decoding, **more})
    shown = findings("speed").speed()
    shows(shown, "| gradus | 3,000 | 3.00 |", "| padded | 1,000 | 1.00 |", HERE)
    shows(shown, "| beam 5, 64 at once | 2,100 |", "12 batches in turn,\n5 times")


def test_softmax(findings, measured):
    sizes = {"words": 40_000, "samples": 512, "tokens": 960, "width": 256}
    medians = {"full": 0.8, "sampled": 0.05}
    more = {"speed_up": 16.0, "threads": 2, "rounds": 7, "machine": MACHINE}
    measured("softmax", {"medians": medians, **sizes, **more})
    shown = findings("sequence").softmax()
    shows(shown, "| full | 800.0 | 1.0 |", "| sampled | 50.0 | 16.0 |", "40,000 words", HERE)


def test_parser_of_one_seed(findings, measured):
    scores = ("UAS", "LAS", "UAS own tags", "LAS own tags")
    step = {**{name: [0.875] for name in scores}, "sentences/s": [1234.0]}
    record = {
        "steps": {"greedy, local": step},
        "not projective": {"train": [12, 3400]},
        "seconds": {"parser-greedy": [99.0]},
        "threads": 2,
        "machine": MACHINE,
    }
    measured("parsing", record)
    row = "| greedy, local | 87.50% | 87.50% | 87.50% | 87.50% | 1,234 |"
    shows(findings("sequence").parsing(), row, "99 s of parser-greedy", "set, 1 seed, 2 threads")


def test_speed_of_computers(findings, measured):
    size = {"locations": 10, "width": 4, "reads": 1, "hidden": 64, "batch": 16, "time": 40}
    rates = {"gradus": 3000.0, "dnc (PyPI)": 1000.0}
    found = {"small": {"size": size, "steps_per_second": rates}}
    measured("dnc_steps", {"rounds": 5, "results": found, "machine": MACHINE})
    test = {f"error {task}, task {task}": 0.25 for task in range(1, 21)}
    one = {"test": {"error": 0.3, **test, "tasks failed": 15.0}, "epochs": 4, "seconds": 300.0}
    results = {"babi-dnc": one, "babi-lstm": {**one, "epochs": 6}}
    gpu = {"device": "a GPU", "machine": MACHINE, "results": results}
    measured("dnc_gpu", {**gpu, "steps_per_second": {"large": rates}})
    shown = findings("speed").speed()
    shows(shown, "| N 10, W 4, R 1 | gradus | 3,000 | 3.00 |", HERE)
    shows(shown, "The same on a GPU", "| large | dnc (PyPI) | 1,000 | 1.00 |")
    shown = findings("memory").stories_on_gpu()
    shows(shown, "begin on a GPU", "epochs of `babi-dnc` 4, `babi-lstm` 6")
    shows(shown, "| 2, task 2 | 25.0% | 25.0% | 11.9% | 39.2% |")
    shows(shown, "| mean | 25.0% | 25.0% | 15.8% | 16.7% |")


def test_stability(findings, measured):
    whole = [{"seed": n, "bits": 0.002, "epoch_under_0.01": n or None} for n in range(2)]
    results = {"ntm-copy": [*whole, {"seed": 2, "error": "NaN"}], "dnc-copy": [{"error": "NaN"}]}
    measured("memory_stability", {"steps": 10_000, "results": results, "machine": MACHINE})
    shown = findings("memory").stability()
    shows(shown, "| `ntm-copy` | 1 of 3 | 1 of 3 | 0.0020 ± 0.0000 |", "10,000 updates", HERE)
    shows(shown, "| `dnc-copy` | 1 of 1 | 0 of 1 | – |")


def test_speed_of_agents(findings, measured):
    rates = {"steps_per_second": 3000.0, "steps_per_cpu_second": 2000.0, "peak_mb": 400.0}
    theirs = {"steps_per_second": 1500.0, "steps_per_cpu_second": 900.0, "peak_mb": 700.0}
    medians = {"gradus": rates, "stable-baselines3": theirs}
    ratio = {"steps_per_second": 2.0, "steps_per_cpu_second": 2.2}
    contest = {"medians": medians, "ratio": ratio, "rounds": 3, "threads": 2}
    kept = {
        "bytes_per_step": 7068.0,
        "gb_of_a_million": 7.068,
        "measured_gb_of_100000": 0.71,
        "milliseconds_to_draw_32": 0.456,
    }
    soak = {"steps": 200_000, "mb": [300.0, 400.0, 410.0], "mb_per_100000_steps": 1.25}
    parts = {"cartpole-a2c": contest, "replay": kept, "soak": soak}
    measured("agents", {**parts, "machine": MACHINE})
    shown = findings("speed").speed()
    shows(shown, "| `cartpole-a2c` | gradus | 3,000 | 2.00 | 2,000 | 400 | 2, 3 |", HERE)
    shows(shown, "| `cartpole-a2c` | stable-baselines3 | 1,500 | 1.00 | 900 | 700 | 2, 3 |")
    assert "replay" not in shown
    shown = findings("agents").replay()
    shows(shown, "7,068 bytes a step", "7.07 GB", "0.71 GB", "0.46 ms", HERE)
    shows(shown, "200,000 steps", "by 1.2 MB in 100,000 steps", "410 MB at the end")


def training(seed, reached, test):
    return {
        "seed": seed,
        "seconds": 70.0,
        "steps to threshold": reached,
        "curve": [[2000, 0.1], [4000, test]],
        "training seconds": 60.0,
        "test": {"return": test, "length": 9.0},
    }


@pytest.mark.parametrize(
    ("what", "page", "took"),
    [
        ("unreal", "unreal", ""),
        ("a3c", "a3c", " 60 s |"),
        ("drqn", "drqn", ""),
        ("flicker", "drqn", ""),
        ("doom", "doom", " 60 s |"),
    ],
)
def test_agents_over_seeds(findings, measured, what, page, took):
    some = [training(0, 4000, 0.9), training(1, 2000, 1.0), training(2, None, 0.8)]
    few = [training(0, 4000, 0.5), training(1, None, 0.5)]
    found = {"threshold": 0.9, "entrants": {"with": some, "without": few}, "minutes": 5.0}
    measured("agents_memory", {what: {**found, "maze": "Maze/8", "environment": MACHINE}})
    shown = getattr(findings("agents"), page)()
    shows(shown, f"| with | 0.9 ± 0.1 | 2 of 3 | 4,000 |{took}\n", HERE, "steps to 0.9")
    shows(shown, f"| without | 0.5 ± 0 | 1 of 2 | – |{took}\n")


def test_breakout_at_equal_seconds(findings, measured):
    one = {"steps": 3_000, "precision": "float32", "machine": MACHINE}
    test = {"return": 3.25, "standard error": 0.5}
    slow = {**one, "seconds": 1_500.0, "curve": [(500.0, 1.0), (1_000.0, 2.0), (1_500.0, 3.0)]}
    quick = {**one, "seconds": 900.0, "curve": [(300.0, 1.5), (600.0, 2.5), (900.0, 4.0)]}
    measured("breakout", {"slow": {**slow, "test": test}, "quick": {**quick, "test": test}})
    shown = findings("agents").breakout()
    shows(shown, "| agent | steps | minutes of a core | after 10 | after 20 | test | arithmetic |")
    shows(shown, "| `slow` | 3,000 | 25 | 1.0 | 2.0 | 3.2 ± 0.5 | float32 |")
    shows(shown, "| `quick` | 3,000 | 15 | 2.5 | – | 3.2 ± 0.5 | float32 |", HERE)


def test_how_soon_unreal_learns(findings, measured):
    runs = [training(0, 4000, 0.9), training(1, 2000, 1.0)]
    slow = [{**run, "curve": [(n * 3, value) for n, value in run["curve"]]} for run in runs]
    entrants = {"UNREAL": runs, "base": slow}
    found = {"threshold": 0.9, "entrants": entrants, "maze": "Maze/8", "minutes": 5.0}
    measured("agents_memory", {"unreal": {**found, "environment": MACHINE}})
    shown = findings("agents").unreal()
    shows(shown, "In `Maze/8`", "| agent | steps to 75% | steps to 90% | steps to 95% |")
    shows(shown, "| UNREAL | 4,000 | 4,000 | > 4,000 | 1.0 |")
    shows(shown, "| base | 12,000 | 12,000 | > 12,000 | 3.0 |")


def test_workers_of_a3c(findings, measured):
    rates = {"1": [1000.0, 1200.0, 1100.0], "2": [2000.0, 2200.0, 2100.0]}
    scaling = {"steps/s": rates, "ratio": 1.909, "minutes": 1.0, "environment": MACHINE}
    measured("agents_memory", {"scaling": scaling})
    shown = findings("agents").a3c()
    shows(shown, "agents_memory.py a3c` does it", "medians of 3 rounds", "| 2 | 2,100 | 1.91 |")
    shows(shown, "| 1 | 1,100 | 1.00 |", HERE)
