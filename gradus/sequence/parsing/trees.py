"""Trees of words: as a sequence and back (figure 7-6), and which of them are projective."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from gradus.core.errors import UsageError


class Tree(NamedTuple):
    """A node and what hangs on it.

    Attributes:
        name: what the node is called.
        children: for each child the edge's label and the child's own tree, in order.
    """

    name: str
    children: tuple[tuple[str, "Tree"], ...] = ()


def linearise(tree: Tree) -> list[str]:
    """A tree as a sequence: the node, then for each child the edge and the child's own sequence.

    A child that has children itself stands in brackets (figure 7-6):

        >>> b = Tree("B", (("b_d", Tree("D")), ("b_e", Tree("E"))))
        >>> linearise(Tree("R", (("r_a", Tree("A")), ("r_b", b), ("r_c", Tree("C")))))
        ['R', 'r_a', 'A', 'r_b', '[', 'B', 'b_d', 'D', 'b_e', 'E', ']', 'r_c', 'C']
    """
    found = [tree.name]
    waiting = [iter(tree.children)]  # not by recursion: a sentence may be 10,000 words deep
    while waiting:
        try:
            edge, child = next(waiting[-1])
        except StopIteration:
            waiting.pop()
            found += ["]"] if waiting else []
            continue
        found += [edge, "[", child.name] if child.children else [edge, child.name]
        if child.children:
            waiting.append(iter(child.children))
    return found


def delinearise(sequence: Sequence[str]) -> Tree:
    """The tree of a sequence: the inverse of `linearise`.

    Raises:
        UsageError: it is the sequence of no tree, and why.
    """
    if not sequence:
        raise UsageError("the sequence of a tree must have a node, got none")
    names, children = [sequence[0]], [[]]  # type: list[str], list[list[tuple[str, Tree]]]
    edges: list[str] = []
    at = 1
    while at < len(sequence):
        token = sequence[at]
        if token == "]" and edges:
            tree = Tree(names.pop(), tuple(children.pop()))
            children[-1].append((edges.pop(), tree))
            at += 1
        elif token in "[]" or at + 1 == len(sequence) or sequence[at + 1] == "]":
            raise UsageError(f"an edge and its node must stand at {at}, got {token!r}")
        elif sequence[at + 1] == "[":
            if at + 2 == len(sequence) or sequence[at + 2] in "[]":
                raise UsageError(f"a node must stand after the bracket at {at + 1}")
            edges.append(token)
            names.append(sequence[at + 2])
            children.append([])
            at += 3
        else:
            children[-1].append((token, Tree(sequence[at + 1])))
            at += 2
    if edges:
        raise UsageError(f"{len(edges)} brackets are opened and not closed")
    return Tree(names[0], tuple(children[0]))


def tree_of(forms: Sequence[str], heads: Sequence[int], labels: Sequence[str]) -> Tree:
    """The tree of a sentence; a node is called `form/number`, the children are in the words' order.

    Args:
        forms: the words.
        heads: for each word the number of its head, counted from 1; 0 for the root's.
        labels: for each word the label of the arc to it.
    """
    below: list[list[int]] = [[] for _ in range(len(forms) + 1)]
    for word, head in enumerate(heads, 1):
        below[head].append(word)
    order = [below[0][0]]
    for word in order:  # it grows while it is gone through: heads before their children
        order += below[word]
    made: dict[int, Tree] = {}
    for word in reversed(order):
        children = tuple((labels[c - 1], made.pop(c)) for c in below[word])
        made[word] = Tree(f"{forms[word - 1]}/{word}", children)
    return made[order[0]]


def sentence_of_tree(tree: Tree, root: str = "root") -> tuple[list[str], list[int], list[str]]:
    """Forms, heads and labels of a sentence's tree: the inverse of `tree_of`.

    Args:
        tree: its nodes are called `form/number`.
        root: the label of the root.

    Raises:
        UsageError: the numbers are not those from 1 on.
    """
    found: dict[int, tuple[str, int, str]] = {}
    for (head, label, node), number in _numbered(tree, root):
        found[number] = (node.name.rpartition("/")[0], head, label)
    if sorted(found) != list(range(1, len(found) + 1)):
        raise UsageError("the nodes must be called form/number, with each number from 1 on once")
    forms, heads, labels = zip(*(found[n] for n in sorted(found)), strict=True)
    return list(forms), list(heads), list(labels)


def _numbered(tree: Tree, root: str) -> Iterator[tuple[tuple[int, str, Tree], int]]:
    """(head, label, node), number of every node; 0 where a name holds no number."""
    waiting = [(0, root, tree)]
    while waiting:
        head, label, node = waiting.pop()
        end = node.name.rpartition("/")[2]
        number = int(end) if end.isdecimal() else 0
        waiting += [(number, edge, child) for edge, child in node.children]
        yield (head, label, node), number


def crossing(heads: Sequence[int]) -> Bool[np.ndarray, "words"]:
    """Which words' arcs are crossed by another arc, that from 0 to the root among them.

    Args:
        heads: for each word the number of its head, counted from 1; 0 for the root's.
    """
    ends = np.stack([np.arange(1, len(heads) + 1), np.asarray(heads)])
    low, high = ends.min(0), ends.max(0)
    inside = (low[:, None] < low) & (low < high[:, None]) & (high[:, None] < high)
    return (inside | inside.T).any(1)


def is_projective(heads: Sequence[int]) -> bool:
    """Whether no two arcs of a tree cross, drawn above the sentence."""
    return not crossing(heads).any()


def projectivise(heads: Sequence[int]) -> list[int]:
    """The nearest projective tree: crossed arcs are lifted to the head's head, the shortest first.

    Source: Nivre and Nilsson 2005, "Pseudo-Projective Dependency Parsing", section 3. Only an arc
    over a word that its head does not reach is lifted; labels stay as they are.

    Args:
        heads: for each word the number of its head, counted from 1; 0 for the root's.
    """
    heads = list(heads)
    while crossing(heads).any():
        unreached = [w for w in range(1, len(heads) + 1) if not _reaches_over(heads, w)]
        shortest = min(unreached, key=lambda w: (abs(w - heads[w - 1]), w))
        heads[shortest - 1] = heads[heads[shortest - 1] - 1]
    return heads


def _reaches_over(heads: Sequence[int], word: int) -> bool:
    """Whether every word between a word and its head hangs, directly or not, on that head."""
    head = heads[word - 1]
    for at in range(min(word, head) + 1, max(word, head)):
        while at and at != head:
            at = heads[at - 1]
        if at != head:
            return False
    return True
