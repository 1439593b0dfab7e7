"""bAbI's files and stories told here: parsing, bad lines, the real set's known numbers."""

import io
import tarfile

import pytest
import torch

from gradus import DataError, UsageError
from gradus.memory.babi import (
    NAMES,
    Story,
    encode,
    find_babi,
    lexicon,
    parse,
    read_babi,
    tensors,
    words_of,
)
from gradus.memory.stories import generated_stories, tell

LINES = (
    "1 Ann took the milk there.\n"
    "2 Where is Ann?\thall\t1\n"
    "3 What is Ann carrying? \tmilk,apple\t1 2\n"
    "1 Bob is 2 miles off.\n"
    "2 Is Bob near?\tNo\t1\n"
)


def test_a_story_as_it_is_read():
    first, second = parse(LINES, 8, "file")
    said = "ann took the milk there. where is ann? - what is ann carrying? - -"
    assert first.words == tuple(words_of(said))
    assert first.answers == ((10, "hall", 0), (16, "milk", 1), (17, "apple", 1))
    assert second == Story(8, tuple(words_of("bob is miles off. is bob near? -")), ((9, "no", 0),))


def test_words_are_lower_case_without_numbers():
    assert words_of("Is 3 > 2? Yes.") == ["is", "?", "yes", "."]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ann is here.", "file:1: a line must begin with 1, got 'Ann is here.'"),
        (
            "1 Ann is here.\n3 Bob too.",
            "file:2: a line must begin with 2, or 1 for a new story, got '3 Bob too.'",
        ),
        ("1 Where is Ann?", "file:1: the question has no answer after a tab"),
        ("1 Ann.\n2 Where?\t\t1", "file:2: the answer is empty"),
        ("1 Ann is here.", "file: no story with a question"),
        ("", "file: no story with a question"),
    ],
)
def test_bad_lines_are_named(text, said):
    with pytest.raises(DataError) as found:
        parse(text, 1, "file")
    assert said in str(found.value)


def test_words_the_training_did_not_have_are_named():
    with pytest.raises(UsageError, match="'zebra' must be among the 2 words"):
        encode(["ann", "zebra"], ["ann", "bob"])


def test_stories_become_numbers():
    told = parse(LINES, 8, "file")
    known = lexicon(told)
    assert known[0] == "-"
    words, answers, questions, tasks = tensors(told, known)
    assert words.shape == (2, 18)
    assert [known[i] for i in words[1, :10]] == list(told[1].words)
    assert known[answers[0, 16]] == "milk"
    assert questions[0].max() == 1
    assert (answers[1, 10:] == -1).all()
    assert (answers >= 0).sum() == 4
    assert tasks.tolist() == [8, 8]


def archive(path, files):
    with tarfile.open(path, "w:gz") as made:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            made.addfile(info, io.BytesIO(text.encode()))
    return path


def test_the_larger_set_is_read_where_it_is_there(tmp_path):
    files = {
        "t/en-10k/qa1_one-fact_train.txt": LINES,
        "t/en/qa1_one-fact_train.txt": "broken",
        "t/en/qa1_one-fact_test.txt": LINES,
        "t/en/qa2_two-facts_train.txt": LINES,
        "t/en/qa2_two-facts_test.txt": LINES,
        "t/hn/qa1_one-fact_train.txt": "broken",
    }
    found = read_babi(archive(tmp_path / "a.tar.gz", files), (1, 2))
    assert {part: sorted(by) for part, by in found.items()} == {"train": [1, 2], "test": [1, 2]}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert read_babi(tmp_path / "t", (1, 2)) == found


def test_what_is_missing_or_damaged_is_named(tmp_path, monkeypatch):
    good = archive(tmp_path / "a.tar.gz", {"t/en/qa1_one_train.txt": LINES})
    with pytest.raises(DataError, match=r"no file qa1_…_test\.txt in en-10k or en"):
        read_babi(good, (1,))
    bad = tmp_path / "b.tar.gz"
    bad.write_bytes(good.read_bytes()[:40])
    with pytest.raises(DataError, match="not an archive of bAbI"):
        read_babi(bad, (1,))
    broken = archive(tmp_path / "c.tar.gz", {"t/en/qa1_one_train.txt": "1 Where?\n"})
    with pytest.raises(DataError, match=r"qa1_one_train\.txt:1: the question has no answer"):
        read_babi(broken, (1,))
    monkeypatch.setenv("GRADUS_DATA", str(tmp_path))
    with pytest.raises(DataError, match="bAbI is not on this machine"):
        find_babi()


def test_stories_are_told_the_same_each_time():
    assert tell(1, 3, 0) == tell(1, 3, 0)
    assert tell(1, 3, 0) != tell(1, 3, 1)
    with pytest.raises(UsageError, match="among 1, 7 and 8"):
        tell(2, 1, 0)


@pytest.mark.parametrize("task", [1, 7, 8])
def test_what_is_told_answers_what_is_asked(task):
    for story in parse(tell(task, 40, 2, events=9), task, "told"):
        place, owner, words = {}, {}, list(story.words)
        answers = {}
        for at, word, question in story.answers:
            answers.setdefault(question, []).append((at, word))
        start, question = 0, 0
        for end, word in enumerate(words):
            if word not in (".", "?"):
                continue
            said = [w for w in words[start:end] if w != "-"]
            start = end + 1
            if word == ".":
                if said[1] == "went":
                    place[said[0]] = said[-1]
                elif said[1] == "took":
                    owner[said[3]] = said[0]
                else:
                    assert owner.pop(said[3]) == said[0]
                continue
            found = [w for _, w in answers[question]]
            question += 1
            has = sorted(thing for thing, who in owner.items() if who in said)
            if task == 1:
                assert found == [place[said[-1]]]
            elif task == 7:
                assert found == [("none", "one", "two", "three")[len(has)]]
            else:
                assert sorted(found) == (has or ["nothing"])


def test_generated_stories_have_both_parts():
    found = generated_stories((1, 8), 10)
    assert len(found["train"][1]) == 10
    assert len(found["test"][8]) == 2
    assert found["train"][1][0] != found["test"][1][0]


@pytest.mark.data
def test_bAbI_has_159_words_and_a_thousand_test_questions_a_task(real_data):
    found = read_babi(find_babi(), range(1, 21), ("test",))
    known = lexicon(s for part in found.values() for told in part.values() for s in told)
    assert len(known) == 159
    assert len(NAMES) == 20
    for task, told in found["test"].items():
        assert sum(len({q for _, _, q in story.answers}) for story in told) == 1000, task
    words, answers, _, _ = tensors(found["test"][19], known)
    assert words.shape[0] == 1000
    assert ((answers >= 0).sum(1) == 2).all()  # a path is two steps
    assert torch.equal((words == known.index("-")).sum(1), torch.full((1000,), 2))
