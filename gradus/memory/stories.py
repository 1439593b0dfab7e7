"""Stories like those of bAbI, told here, in the form of its files: for a try without any data.

People walk from room to room, take things and put them down. Task 1 asks where someone is, task 7
how many things someone carries, task 8 which.
"""

from collections.abc import Sequence
from random import Random

from gradus.core.errors import UsageError
from gradus.memory.babi import Stories, parse

PEOPLE = ("mary", "john", "daniel", "sandra")
ROOMS = ("kitchen", "garden", "office", "hallway", "bathroom", "bedroom")
THINGS = ("apple", "milk", "football")
NUMBERS = ("none", "one", "two", "three")
KINDS = (1, 7, 8)
"""Numbers of the tasks that are told."""


def tell(task: int, n: int, seed: int, events: int = 6) -> str:
    """So many stories with a question each third event, as lines of a file of bAbI's.

    Args:
        task: 1, 7 or 8.
        n: stories, ≥ 1.
        seed: the stories depend on it and the other arguments alone.
        events: in a story, ≥ 3.

    Raises:
        UsageError: the task is another.
    """
    if task not in KINDS:
        raise UsageError(f"tasks must be among 1, 7 and 8 for generated stories, got {task}")
    draw = Random(1000 * seed + task)
    return "\n".join(line for _ in range(n) for line in _story(task, draw, events))


def _story(task: int, draw: Random, events: int) -> list[str]:
    """The lines of a story."""
    place: dict[str, str] = {}
    owner: dict[str, str] = {}
    lines: list[str] = []

    def say(text: str) -> None:
        lines.append(f"{len(lines) + 1} {text}")

    for event in range(1, events + 1):
        say(_event(task, draw, place, owner))
        if event % 3 == 0:
            who = draw.choice(sorted(place))
            has = [thing for thing in THINGS if owner.get(thing) == who]
            question, answer = {
                1: (f"Where is {who.title()}?", place[who]),
                7: (f"How many objects is {who.title()} carrying?", NUMBERS[len(has)]),
                8: (f"What is {who.title()} carrying?", ",".join(has) or "nothing"),
            }[task]
            say(f"{question}\t{answer}\t1")
    return lines


def _event(task: int, draw: Random, place: dict[str, str], owner: dict[str, str]) -> str:
    """Someone walks, takes or drops something; `place` and `owner` are changed."""
    who = draw.choice(PEOPLE)
    free = [thing for thing in THINGS if thing not in owner]
    held = [thing for thing in THINGS if owner.get(thing) == who]
    if task != 1 and who in place and (free or held) and draw.random() < 0.7:
        if free and (not held or draw.random() < 0.6):
            thing = draw.choice(free)
            owner[thing] = who
            return f"{who.title()} took the {thing} there."
        thing = draw.choice(held)
        del owner[thing]
        return f"{who.title()} dropped the {thing}."
    place[who] = draw.choice(ROOMS)
    return f"{who.title()} went to the {place[who]}."


def generated_stories(tasks: Sequence[int], n: int) -> Stories:
    """Stories of these tasks, n of each to train, a fifth of it to test."""
    return {
        part: {task: parse(tell(task, max(1, many), seed), task, f"qa{task}") for task in tasks}
        for part, many, seed in (("train", n, 0), ("test", n // 5, 1))
    }
