"""bAbI: stories with questions, from the original files to word numbers (book ch. 8).

As in the book: lower case, no numbers, of the stops only the full stop and the question mark, every
word of an answer replaced by "-" in what is read. The words of both the training and the test files
make the lexicon: 159 of them over the 20 tasks.

Source: Weston et al. 2015, "Towards AI-Complete Question Answering: A Set of Prerequisite Toy
Tasks"; preprocessing: Graves et al. 2016, Methods, "bAbI task descriptions".
"""

import re
import tarfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from gradus.core.download import data_folder
from gradus.core.errors import DataError, UsageError

NAMES = (
    "single supporting fact",
    "two supporting facts",
    "three supporting facts",
    "two arg relations",
    "three arg relations",
    "yes no questions",
    "counting",
    "lists sets",
    "simple negation",
    "indefinite knowledge",
    "basic coreference",
    "conjunction",
    "compound coreference",
    "time reasoning",
    "basic deduction",
    "basic induction",
    "positional reasoning",
    "size reasoning",
    "path finding",
    "agents motivations",
)
"""The tasks in order: task 1 is the first."""
BLANK = "-"
"""What stands for a word of an answer in what is read."""
ADDRESS = "http://www.thespermwhale.com/jaseweston/babi/tasks_1-20_v1-2.tar.gz"
FILE = re.compile(r"(?:^|/)(en-10k|en)/qa(\d+)_[\w-]+_(train|test)\.txt$")
WORD = re.compile(r"[a-z']+|[.?-]")


class Story(NamedTuple):
    """A story with its questions, as it is read.

    Attributes:
        task: 1 to 20.
        words: what is read, "-" for each word of an answer.
        answers: of each "-" in order: its place, the word, the number of its question from 0.
    """

    task: int
    words: tuple[str, ...]
    answers: tuple[tuple[int, str, int], ...]


Stories = dict[str, dict[int, list[Story]]]
"""Part, `train` or `test` -> number of a task -> its stories."""


def words_of(text: str) -> list[str]:
    """The words and stops of a text, in lower case; numbers and other signs are left out."""
    return WORD.findall(text.lower())


def parse(text: str, task: int, name: str) -> list[Story]:
    """The stories of a file.

    Args:
        text: lines "number sentence", or "number question<tab>answer,answer<tab>numbers"; a line
            of number 1 begins a new story.
        task: 1 to 20.
        name: of the file, for messages.

    Raises:
        DataError: a line is of another form; file and line are named.
    """
    stories: list[Story] = []
    words: list[str] = []
    answers: list[tuple[int, str, int]] = []
    expected, questions = 1, 0

    def close() -> None:
        if answers:
            stories.append(Story(task, tuple(words), tuple(answers)))

    for place, line in enumerate(text.splitlines(), 1):
        number, _, rest = line.partition(" ")
        if not number.isdigit() or int(number) not in (1, expected):
            wanted = "1" if expected == 1 else f"{expected}, or 1 for a new story"
            raise DataError(f"{name}:{place}: a line must begin with {wanted}, got {line!r}")
        if int(number) == 1:
            close()
            words, answers, questions = [], [], 0
        expected = int(number) + 1
        said, *reply = rest.split("\t")
        words += words_of(said)
        if not reply and said.rstrip().endswith("?"):
            raise DataError(f"{name}:{place}: the question has no answer after a tab")
        if reply:
            found = [word for part in reply[0].split(",") for word in words_of(part)]
            if not found:
                raise DataError(f"{name}:{place}: the answer is empty")
            for word in found:
                answers.append((len(words), word, questions))
                words.append(BLANK)
            questions += 1
    close()
    if not stories:
        raise DataError(f"{name}: no story with a question")
    return stories


def find_babi() -> Path:
    """Where bAbI's files are: an archive or the folder of one, in $GRADUS_DATA/babi.

    Raises:
        DataError: it is not on this machine.
    """
    folder = data_folder()
    if folder is not None:
        for place in sorted((folder / "babi").glob("tasks_1-20*")):
            return place
    raise DataError(
        "bAbI is not on this machine: put tasks_1-20_v1-2.tar.gz, as it is or unpacked, into the "
        f"folder babi of the one that GRADUS_DATA names; its address is {ADDRESS} "
        "(or try --data generated)"
    )


def read_babi(
    source: Path, tasks: Sequence[int], parts: Sequence[str] = ("train", "test")
) -> Stories:
    """The stories of these tasks: the 10,000 training questions of each, else the 1,000.

    Args:
        source: the published archive, or its folder unpacked.
        tasks: their numbers.
        parts: which to read.

    Raises:
        DataError: a file is missing or damaged.
    """
    texts = _texts(source, tasks)
    found: Stories = {part: {} for part in parts}
    for part, by_task in found.items():
        for task in tasks:
            kind = next((k for k in ("en-10k", "en") if (k, task, part) in texts), None)
            if kind is None:
                raise DataError(f"{source}: no file qa{task}_…_{part}.txt in en-10k or en")
            name, text = texts[kind, task, part]
            by_task[task] = parse(text, task, name)
    return found


def _texts(source: Path, tasks: Sequence[int]) -> dict[tuple[str, int, str], tuple[str, str]]:
    """(en-10k or en, task, part) -> name and contents of a file."""
    texts = {}
    for name, read in _files(source):
        found = FILE.search(name)
        if found and int(found[2]) in tasks:
            try:
                texts[found[1], int(found[2]), found[3]] = (name, read().decode())
            except (OSError, UnicodeDecodeError, EOFError, tarfile.TarError) as error:
                raise DataError(f"{source}: {name} cannot be read ({error})") from error
    return texts


def _files(source: Path) -> list:
    """Name of each file of an archive or folder, and a function that reads it."""
    if source.is_dir():
        paths = sorted(source.rglob("*.txt"))
        return [(path.as_posix(), path.read_bytes) for path in paths]
    try:
        with tarfile.open(source) as archive:  # read at once: later the archive is closed
            members = [m for m in archive.getmembers() if m.isfile() and m.name.endswith(".txt")]
            contents = [archive.extractfile(member).read() for member in members]  # type: ignore[union-attr]
    except (OSError, EOFError, tarfile.TarError) as error:
        raise DataError(f"{source}: not an archive of bAbI ({error})") from error
    return [(m.name, lambda c=c: c) for m, c in zip(members, contents, strict=True)]


def lexicon(stories: Iterable[Story]) -> list[str]:
    """All words that are read or answered, in alphabetical order."""
    found = {BLANK}
    for story in stories:
        found.update(story.words)
        found.update(word for _, word, _ in story.answers)
    return sorted(found)


def encode(words: Sequence[str], known: Sequence[str]) -> list[int]:
    """The numbers of words.

    Raises:
        UsageError: one is not in the lexicon.
    """
    numbers = {word: number for number, word in enumerate(known)}
    strange = sorted({word for word in words if word not in numbers})
    if strange:
        raise UsageError(
            f"{', '.join(map(repr, strange))} must be among the {len(known)} words that the "
            "training had: say it in those"
        )
    return [numbers[word] for word in words]


def tensors(
    stories: Sequence[Story], known: Sequence[str]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Stories as word numbers, short ones filled up.

    Args:
        stories: one or more.
        known: the lexicon.

    Returns:
        words "n time"; answers "n time", -1 where none is asked for; questions "n time", the number
        of the question that is answered there, else -1; tasks "n".

    Raises:
        UsageError: a word is not in the lexicon.
    """
    time = max(len(story.words) for story in stories)
    words = torch.zeros(len(stories), time, dtype=torch.long)
    answers, questions = torch.full_like(words, -1), torch.full_like(words, -1)
    for row, story in enumerate(stories):
        words[row, : len(story.words)] = torch.tensor(encode(story.words, known))
        places, said, number = zip(*story.answers, strict=True)
        answers[row, list(places)] = torch.tensor(encode(said, known))
        questions[row, list(places)] = torch.tensor(number)
    return words, answers, questions, torch.tensor([story.task for story in stories])
