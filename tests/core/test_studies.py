"""gradus.core.studies and storage: slots and records, whose trial it is, what the storage says."""

import contextlib
import json
import os
import shutil
import signal
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import optuna
import pytest
from optuna.trial import TrialState

from gradus.core import search_figures, search_worker, studies
from gradus.core.errors import Interrupted, RunError, UsageError
from gradus.core.search import Range, join, search
from gradus.core.search_worker import work
from gradus.core.storage import JournalLock, absolute, place_of, without_password
from gradus.core.studies import (
    Plan,
    Silence,
    Study,
    claim,
    create,
    finished,
    give_up,
    load,
    plan_from_json,
    records,
)
from tests.core import postgres
from tests.tiny import TINY

SHORT = replace(TINY, config=replace(TINY.config, epochs=2))
PLAN = Plan(
    recipe=SHORT,
    config=SHORT.config,
    space={"lr": (0.1, 0.2, 0.3)},
    sampler="grid",
    pruner="none",
    threads=1,
    objective="validation/accuracy",
    better="max",
)


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(search_figures, "figures", lambda summary: {})
    monkeypatch.setattr(os, "fsync", lambda file: None)
    monkeypatch.setattr("gradus.core.log.EventLog.graph", lambda *args: None)


def made(path, url="", plan=PLAN, trials=3) -> Study:
    path.mkdir()
    return create(path, plan, url, trials)


def states(study):
    return [(t.user_attrs.get("slot"), t.state.name) for t in study.kept.get_trials()]


@contextlib.contextmanager
def claimed(study):
    """A trial taken in this process."""
    with contextlib.ExitStack() as held:
        yield claim(study, held, Silence())


# Slots --------------------------------------------------------------------------------------------


def test_a_new_study_has_a_waiting_record_for_each_slot(tmp_path):
    study = made(tmp_path / "s")
    assert states(study) == [(0, "WAITING"), (1, "WAITING"), (2, "WAITING")]
    assert (study.trials, finished(study)) == (3, False)


def test_a_plan_survives_json():
    sampled = replace(PLAN, sampler="tpe", space={"lr": Range(0.1, 1.0), "hidden": ((), (8, 8))})
    for plan in (PLAN, sampled):
        assert plan_from_json(SHORT, json.loads(json.dumps(plan.to_json()))) == plan
    assert PLAN.points == [{"lr": 0.1}, {"lr": 0.2}, {"lr": 0.3}]


def test_trials_are_taken_in_order_and_each_by_one(tmp_path):
    study = made(tmp_path / "s")
    other = load(tmp_path / "s", SHORT, "")
    with claimed(study) as first, claimed(other) as second:
        assert (first.slot, second.slot) == (0, 1)
        with claimed(study) as third, claimed(other) as none:
            assert (third.slot, none) == (2, None)


def test_what_a_dead_process_left_is_taken_over_first(tmp_path):
    study = made(tmp_path / "s")
    with claimed(study) as first, claimed(study):
        first.trial.suggest_categorical("lr", [0.1, 0.2, 0.3])
        first.trial.report(0.5, 1)
    with claimed(study) as again:  # the locks are free, as after a kill
        assert (again.slot, again.trial.number, again.told) == (0, first.trial.number, {1})
        assert again.trial.params == {"lr": 0.1}
    assert states(study) == [(0, "RUNNING"), (1, "RUNNING"), (2, "WAITING")]


def test_a_slot_whose_record_was_given_up_gets_another_with_the_same_parameters(tmp_path):
    study = made(tmp_path / "s", plan=replace(PLAN, sampler="random"))
    with claimed(study) as first:
        drawn = studies.suggest(study.plan, first.trial)
        give_up(study, first.trial.number)
    with claimed(study) as next_:
        assert next_.slot == 1
    work(study)
    assert finished(study)
    standing = records(study)
    assert list(standing) == [0, 1, 2]
    assert standing[0].number == 3
    assert standing[0].params == drawn
    assert [s for _, s in states(study)].count("COMPLETE") == 3


def test_a_second_record_of_a_slot_never_counts(tmp_path):
    """Two processes may both add a record for a slot that lacks one; the first stands."""
    study = made(tmp_path / "s")
    for _ in range(2):
        study.kept.enqueue_trial({"lr": 0.2}, user_attrs={"slot": 1})
    study.kept.enqueue_trial({}, user_attrs={"mine": "not of this study"})
    work(study)
    assert [t.number for t in records(study).values()] == [0, 1, 2]
    assert [s for _, s in states(study)].count("COMPLETE") == 3
    found = join(SHORT, tmp_path / "s")
    assert len(found.trials) == 3


def test_a_study_killed_while_it_was_made_is_completed(tmp_path, monkeypatch):
    monkeypatch.setattr(studies, "fill", studies.records)
    study = made(tmp_path / "s")
    assert states(study) == []
    monkeypatch.undo()
    study.kept.enqueue_trial({"lr": 0.1}, user_attrs={"slot": 0})
    with claimed(study) as first:
        assert first.slot == 0
    assert [slot for slot, _ in states(study)] == [0, 1, 2]


def test_a_process_that_was_taken_to_be_dead_drops_its_trial(tmp_path, monkeypatch):
    study = made(tmp_path / "s")
    real, lost = search_worker.suggest, []

    def slow(plan, trial):
        if not lost:  # meanwhile others hear nothing from us
            lost.append(trial.number)
            give_up(study, trial.number)
        return real(plan, trial)

    monkeypatch.setattr(search_worker, "suggest", slow)
    work(study)
    assert states(study)[0] == (0, "FAIL")
    assert [t.number for t in records(study).values()] == [3, 1, 2]
    assert finished(study)


# Other machines -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server():
    with postgres.server() as address:
        yield address


def test_a_process_elsewhere_is_heard_and_then_given_up(tmp_path, server, monkeypatch):
    """One that does not share our folder has no lock that we could see."""
    here = made(tmp_path / "elsewhere", server)
    (tmp_path / "b").mkdir()
    there = load(tmp_path / "b" / "elsewhere", SHORT, server)
    assert here.place != there.place
    assert there.plan == here.plan
    clock = [0.0]
    monkeypatch.setattr(studies, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    silence, none = Silence(), contextlib.ExitStack()
    with claimed(there) as theirs, contextlib.ExitStack() as held:
        assert claim(here, held, silence).slot == 1
        assert claim(here, held, silence).slot == 2
        for beat in range(3):
            theirs.trial.set_user_attr("beat", beat)
            assert claim(here, none, silence) is None
            clock[0] += studies.SILENCE
            assert claim(here, none, silence) is None, "just about in time"
        clock[0] += 1
        assert claim(here, none, silence) is None, "given up now"
        again = claim(here, held, silence)
        assert (again.slot, again.trial.number) == (0, 3)
        with pytest.raises(optuna.exceptions.UpdateFinishedTrialError):
            theirs.trial.report(0.5, 1)


def test_a_trial_that_lasts_shows_that_its_process_lives(tmp_path, server, monkeypatch):
    monkeypatch.setattr(search_worker, "BEAT", 0.02)
    study = made(tmp_path / "beating", server, trials=1, plan=replace(PLAN, space={"lr": (0.1,)}))
    real, deadline = search_worker.train, time.monotonic() + 60

    def slow(*args, **more):
        while records(study)[0].user_attrs.get("beat", 0) < 3:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return real(*args, **more)

    monkeypatch.setattr(search_worker, "train", slow)
    work(study)
    assert finished(study)


def test_the_best_trial_is_tested_where_its_run_lies(tmp_path, server):
    there = search(SHORT, {"lr": (0.3,)}, sampler="grid", path=tmp_path / "far", storage=server)
    (tmp_path / "b").mkdir()
    here = join(SHORT, tmp_path / "b" / "far", storage=server)
    assert here.test == there.test, "what was tested elsewhere is known"
    assert (tmp_path / "b" / "far" / "study.json").exists()
    assert not (tmp_path / "b" / "far" / "trial-000").exists()
    study = load(tmp_path / "far", SHORT, server)
    study.kept.set_user_attr("test", None)
    assert join(SHORT, tmp_path / "b" / "far", storage=server).test is None
    assert join(SHORT, tmp_path / "far").test == there.test


def test_a_study_of_a_name_that_the_database_has(tmp_path, server):
    made(tmp_path / "same", server)
    (tmp_path / "b").mkdir()
    with pytest.raises(UsageError, match="has a study called same already: go on with --resume"):
        search(SHORT, {"lr": (0.3,)}, path=tmp_path / "b" / "same", storage=server)
    assert not (tmp_path / "b" / "same").exists()
    with pytest.raises(UsageError, match="holds no study called other"):
        join(SHORT, tmp_path / "b" / "other", storage=server)


def test_a_server_that_cannot_be_reached(tmp_path):
    address = "postgresql+psycopg://me:secret@127.0.0.1:9/db"
    with pytest.raises(RunError, match=r"storage postgresql\+psycopg://me@127.0.0.1:9/db fails:"):
        search(SHORT, {"lr": (0.3,)}, path=tmp_path / "s", storage=address)
    assert not (tmp_path / "s").exists()


# Files --------------------------------------------------------------------------------------------


def test_a_copy_of_a_study_is_another_place(tmp_path):
    study = made(tmp_path / "s")
    shutil.copytree(tmp_path / "s", tmp_path / "copy" / "s")
    copied = load(tmp_path / "copy" / "s", SHORT, "")
    assert copied.place != study.place
    assert load(tmp_path / "s", SHORT, "").place == study.place
    (tmp_path / "s").rename(tmp_path / "moved")
    assert place_of(tmp_path / "moved") == study.place


def test_an_sqlite_study_is_for_those_who_share_its_folder(tmp_path):
    url = f"sqlite:///{tmp_path}/a.db"
    made(tmp_path / "s", url)
    with pytest.raises(UsageError, match=f"share its folder, --run-dir {tmp_path}/s"):
        load(tmp_path / "b" / "s", SHORT, url)
    (tmp_path / "b").mkdir()
    (tmp_path / "s").rename(tmp_path / "b" / "s")
    work(load(tmp_path / "b" / "s", SHORT, url))


def test_the_lock_of_the_journal_cuts_off_half_a_line(tmp_path):
    study = made(tmp_path / "s")
    journal = tmp_path / "s" / "journal.log"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b'{"op_code": 4, "worker')
    lock = JournalLock(journal)
    lock.acquire()
    assert journal.read_bytes() == whole
    lock.release()
    journal.write_bytes(b"half")
    lock.acquire()
    assert journal.read_bytes() == b""
    lock.release()
    journal.write_bytes(whole + b'{"op_code": 4, "worker')
    work(load(tmp_path / "s", SHORT, ""))
    assert finished(study)


def test_the_lock_of_the_journal_keeps_others_out(tmp_path):
    journal = tmp_path / "journal.log"
    journal.touch()
    one, other, order = JournalLock(journal), JournalLock(journal), []
    one.acquire()

    def wait():
        other.acquire()
        order.append("other")
        other.release()

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.1)
    order.append("one")
    one.release()
    thread.join()
    assert order == ["one", "other"]


def test_a_damaged_journal(tmp_path):
    made(tmp_path / "s")
    journal = tmp_path / "s" / "journal.log"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([lines[0], b"no JSON\n", *lines[1:]]))
    with pytest.raises(RunError, match=r"s/journal.log is damaged"):
        load(tmp_path / "s", SHORT, "")


def test_a_damaged_checkpoint_is_told_and_costs_no_trial(tmp_path):
    study = made(tmp_path / "s", plan=replace(PLAN, space={"lr": (0.1,)}), trials=1)
    work(study)
    path = study.folder(0)
    for checkpoint in (path / "checkpoints").iterdir():
        checkpoint.write_bytes(b"damaged")
    study.kept.add_trial(
        optuna.create_trial(state=TrialState.WAITING, user_attrs={"slot": 1}, params={})
    )
    shutil.copytree(path, study.folder(1))
    study.kept.set_user_attr("trials", 2)
    with pytest.raises(RunError, match="damaged"):
        work(study)
    shutil.rmtree(study.folder(1))
    assert not finished(study)


def test_a_newer_study_is_refused(tmp_path):
    study = made(tmp_path / "s")
    study.kept.set_user_attr("plan", {**study.plan.to_json(), "format": 2})
    with pytest.raises(UsageError, match="begun by a newer Gradus"):
        load(tmp_path / "s", SHORT, "")


def test_addresses(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute("") == ""
    assert absolute("sqlite:///a.db") == f"sqlite:///{tmp_path}/a.db"
    assert absolute("postgresql://me:pw@h/db") == "postgresql://me:pw@h/db"
    assert without_password("postgresql://me:pw@h/db") == "postgresql://me@h/db"
    assert without_password("") == ""


def test_a_trial_that_another_process_holds_is_left_alone(tmp_path):
    study = made(tmp_path / "s")
    with study.lock(0) as ours, study.lock(0) as again, claimed(study) as none:
        assert (ours, again, none) == (True, False, None)
    work(study)
    assert finished(study)


def test_a_signal_between_trials(tmp_path, monkeypatch):
    study = made(tmp_path / "s")
    with pytest.raises(Interrupted):
        work(study, changed=lambda: signal.raise_signal(signal.SIGTERM))
    assert [s for _, s in states(study)] == ["COMPLETE", "WAITING", "WAITING"]
    work(study)
    assert finished(study)
