"""Trees as sequences and back, and which of them are projective."""

import numpy as np
import pytest
from hypothesis import given, settings

from gradus.core.errors import UsageError
from gradus.sequence.conllu import cycle
from gradus.sequence.parsing.trees import (
    Tree,
    crossing,
    delinearise,
    is_projective,
    linearise,
    projectivise,
    sentence_of_tree,
    tree_of,
)
from tests.sequence.parsing.small import trees

B = Tree("B", (("b_d", Tree("D")), ("b_e", Tree("E"))))
FLAT = Tree("R", (("r_a", Tree("A")), ("r_b", Tree("B")), ("r_c", Tree("C"))))
DEEP = Tree("R", (("r_a", Tree("A")), ("r_b", B), ("r_c", Tree("C"))))


@pytest.mark.parametrize(
    ("tree", "sequence"),
    [
        (Tree("R"), "R"),
        (FLAT, "R r_a A r_b B r_c C"),
        (DEEP, "R r_a A r_b [ B b_d D b_e E ] r_c C"),
        (Tree("S", (("x", DEEP),)), "S x [ R r_a A r_b [ B b_d D b_e E ] r_c C ]"),
    ],
)
def test_figure_7_6_both_ways(tree, sequence):
    assert linearise(tree) == sequence.split()
    assert delinearise(sequence.split()) == tree


@settings(max_examples=50, deadline=None)
@given(trees())
def test_a_sentence_comes_back_from_its_sequence(heads):
    forms = ["[" if n % 3 else "word" for n in range(len(heads))]
    labels = ["root" if h == 0 else f"l{h}" for h in heads]
    sequence = linearise(tree_of(forms, heads, labels))
    assert sentence_of_tree(delinearise(sequence)) == (forms, heads, labels)


def test_a_deep_tree_does_not_exhaust_the_stack():
    n = 10_000
    heads = [*range(2, n + 1), 0]
    tree = tree_of(["x"] * n, heads, ["l"] * (n - 1) + ["root"])
    sequence = linearise(tree)
    assert sequence.count("[") == n - 2
    assert linearise(delinearise(sequence)) == sequence


@pytest.mark.parametrize("sequence", ["", "R a", "R a ]", "R a [", "R a [ ]", "R ]", "R a [ B b C"])
def test_what_is_no_tree_is_refused(sequence):
    with pytest.raises(UsageError, match=r"must|not closed"):
        delinearise(sequence.split())


def test_nodes_without_numbers_are_no_sentence():
    with pytest.raises(UsageError, match="form/number"):
        sentence_of_tree(DEEP)


def crossing_by_hand(heads):
    arcs = [tuple(sorted((word, head))) for word, head in enumerate(heads, 1)]
    return [any(a < c < b < d or c < a < d < b for c, d in arcs) for a, b in arcs]


@settings(max_examples=100, deadline=None)
@given(trees(projective=False))
def test_crossing_arcs_are_found_and_lifted(heads):
    assert crossing(heads).tolist() == crossing_by_hand(heads)
    straight = projectivise(heads)
    assert is_projective(straight)
    assert sorted(straight).count(0) == 1
    assert cycle([0, *straight]) is None
    if is_projective(heads):
        assert straight == heads


def test_the_shortest_crossing_arc_is_lifted_to_its_heads_head():
    # "A hearing is scheduled on the issue today": on → hearing crosses scheduled → today … → is
    heads = [2, 3, 0, 3, 2, 7, 5, 4]
    assert not is_projective(heads)
    assert projectivise(heads) == [2, 3, 0, 3, 3, 7, 5, 3]
    assert np.array_equal(crossing(heads), crossing_by_hand(heads))
