"""CoNLL-U in and out: nothing is lost, what breaks the format is named by file and line."""

import gzip
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gradus.core.errors import DataError
from gradus.sequence.conllu import (
    Row,
    Sentence,
    cycle,
    parse_conllu,
    read_conllu,
    sentence_of,
    surface,
    write_sentence,
)

EXAMPLE = """\
# sent_id = 1
# text = vámonos al mar 🌊
1-2\tvámonos\t_\t_\t_\t_\t_\t_\t_\tNote=a|b
1\tvamos\tir\tVERB\tVB\t_\t0\troot\t0:root\t_
2\tnos\tnosotros\tPRON\tPR\tCase=Acc\t1\tobj\t1:obj\t_
3-4\tal\t_\t_\t_\t_\t_\t_\t_\t_
3\ta\ta\tADP\tIN\t_\t5\tcase\t5:case\t_
4\tel\tel\tDET\tDT\t_\t5\tdet\t5:det\t_
5\tmar\tmar\tNOUN\tNN\t_\t1\tobl\t1:obl\tSpaceAfter=Yes
5.1\tvoy\tir\tVERB\tVB\t_\t_\t_\t1:conj\tCopyOf=1
6\t🌊\t🌊\tSYM\tSYM\t_\t5\tdep\t5:dep\t_

"""
WORDS = "1\tI\tI\t_\tPRP\t_\t2\tnsubj\t_\t_\n2\tran\trun\t_\tVBD\t_\t0\troot\t_\t_\n"


def parsed(text, **how):
    return list(parse_conllu(text.encode().splitlines(keepends=True), "x.conllu", **how))


def test_all_ten_fields_multi_word_tokens_and_empty_nodes_are_kept():
    (sentence,) = parsed(EXAMPLE)
    assert write_sentence(sentence) == EXAMPLE
    assert [row.form for row in sentence.words] == ["vamos", "nos", "a", "el", "mar", "🌊"]
    assert sentence.heads == [0, 1, 5, 5, 1, 5]
    assert sentence.text == "vámonos al mar 🌊"
    assert [row.form for row in surface(sentence.rows)] == ["vámonos", "al", "mar", "🌊"]
    assert Sentence(sentence.rows).text == "vámonos al mar 🌊"
    assert sentence.rows[0] == Row("1-2", "vámonos", misc="Note=a|b")


@pytest.mark.data
@pytest.mark.parametrize("part", ["dev", "test", pytest.param("train", marks=pytest.mark.learn)])
def test_the_treebank_comes_back_byte_for_byte(part):
    if "GRADUS_DATA" not in os.environ:
        pytest.skip("set GRADUS_DATA")
    path = Path(os.environ["GRADUS_DATA"], f"ud-english-ewt/en_ewt-ud-{part}.conllu.gz")
    with gzip.open(path, "rb") as file:
        for sentence in read_conllu(path):
            written = write_sentence(sentence).encode()
            assert file.read(len(written)) == written
        assert file.read() == b""


def test_files_are_streamed(tmp_path):
    path = tmp_path / "x.conllu"
    path.write_text(WORDS + "\n" + WORDS + "\n" + "broken\n")
    found = read_conllu(path)
    assert next(found) == next(found)
    with pytest.raises(DataError, match=r"x\.conllu:7: "):
        next(found)


field = st.text(st.characters(exclude_characters="\t\n\r", exclude_categories=["Cs"]), min_size=1)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(field, field, field), min_size=1, max_size=6), st.data())
def test_what_is_written_is_read(words, data):
    heads = [data.draw(st.integers(0, i)) for i in range(len(words))]  # a word's head is before it
    heads = [h or (1 if i else 0) for i, h in enumerate(heads)]
    made = Sentence(
        tuple(
            Row(str(i), form, lemma, head=str(head), deprel=label)
            for i, ((form, lemma, label), head) in enumerate(zip(words, heads, strict=True), 1)
        ),
        ("# a comment",),
    )
    lines = write_sentence(made).encode().split(b"\n")
    assert list(parse_conllu(lines, "x")) == [made]


def test_a_new_tree_drops_what_belonged_to_the_old():
    (sentence,) = parsed(EXAMPLE)
    new = sentence.with_tree([2, 0, 2, 2, 2, 2], ["dep", "root", "a", "b", "c", "d"])
    assert new.heads == [2, 0, 2, 2, 2, 2]
    assert parsed(write_sentence(new)) == [new]
    assert [row.id for row in new.rows] == ["1-2", "1", "2", "3-4", "3", "4", "5", "6"]
    assert {row.deps for row in new.rows} == {"_"}


def test_sentences_of_words_alone_are_read_without_trees():
    made = sentence_of(["Hi", "!"], ["UH", "."], [False, True])
    assert made.text == "Hi!"
    assert parsed(write_sentence(made), trees=False) == [made]
    with pytest.raises(DataError, match="head must be a number from 0 to 2, got _"):
        parsed(write_sentence(made))


def test_a_sentence_of_ten_thousand_words():
    n = 10_000
    rows = tuple(Row(str(i), "x", head=str(i - 1), deprel="dep") for i in range(1, n + 1))
    (found,) = parsed(write_sentence(Sentence(rows)))
    assert len(found.words) == n


def test_line_ends_of_windows_and_a_missing_last_line():
    assert parsed(WORDS.replace("\n", "\r\n") + "\r\n") == parsed(WORDS) == parsed("\n\n" + WORDS)


ONE, TWO = WORDS.splitlines()


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        (WORDS.replace("\t_\n", "\n"), 1, "a row must have 10 columns between tabs, got 9"),
        (WORDS.replace("run", ""), 2, "column 3 is empty"),
        (WORDS.replace("2\tran", "3\tran"), 2, "numbered in order: 2 must come here, got 3"),
        (WORDS.replace("2\tran", "x\tran"), 2, "id must be a number, .* got 'x'"),
        (WORDS.replace("1\tI", "2-1\tI"), 1, "must begin at 1, got 2-1"),
        (WORDS + "3.1" + "\t_" * 9, 3, r"an empty node here must be 2\.1 or so, got 3\.1"),
        ("1-3" + "\t_" * 9 + "\n" + WORDS, 3, "ends at 3 of 2 words"),
        (WORDS.replace("2\tnsubj", "7\tnsubj"), 1, "head must be a number from 0 to 2, got 7"),
        (WORDS.replace("2\tnsubj", "-1\tnsubj"), 1, "from 0 to 2, got -1"),
        (WORDS.replace("2\tnsubj", "0\tnsubj"), 2, "one root: word 2 is one beside 1"),
        (WORDS.replace("0\troot", "1\troot"), 2, "the heads from word 1 on lead back to it"),
        (WORDS.replace("2\tnsubj", "1\tnsubj"), 2, "the heads from word 1 on lead back to it"),
        ("\n# sent_id = 1\n\n" + WORDS, 2, "a sentence must have a word"),
        (WORDS + "# late" + "\n", 3, "10 columns between tabs, got 1"),
    ],
)
def test_what_breaks_the_format_is_named_with_its_line(text, line, reason):
    with pytest.raises(DataError, match=rf"^x\.conllu:{line}: .*{reason}"):
        parsed(text)


def test_files_that_cannot_be_read(tmp_path):
    with pytest.raises(DataError, match=r"x:2: byte 0xff is not UTF-8"):
        list(parse_conllu([ONE.encode(), b"2\t\xff"], "x"))
    with pytest.raises(DataError, match="cannot be read"):
        list(read_conllu(tmp_path / "none.conllu"))
    packed = tmp_path / "cut.conllu.gz"
    packed.write_bytes(gzip.compress(WORDS.encode())[:-12])
    with pytest.raises(DataError, match="cannot be read"):
        list(read_conllu(packed))
    packed.write_bytes(b"not packed")
    with pytest.raises(DataError, match="cannot be read"):
        list(read_conllu(packed))


@pytest.mark.parametrize(
    ("heads", "expected"),
    [([0], None), ([0, 0, 1], None), ([0, 2, 3, 1], 1), ([0, 0, 3, 2], 2), ([0, 1], 1)],
)
def test_circles(heads, expected):
    assert cycle(heads) == expected
