"""Parsing with a network: greedy, with a beam, trained on sequences; against going through all."""

import numpy as np
import pytest
import torch

from gradus.core.errors import UsageError
from gradus.sequence.globally import global_loss
from gradus.sequence.parsing.decode import guess_tags, in_groups, parse
from gradus.sequence.parsing.network import PlaceNet
from gradus.sequence.parsing.oracle import oracle
from gradus.sequence.parsing.parser import ActionScores, allowed
from gradus.sequence.parsing.transitions import NOTHING, begin, steps_of
from gradus.sequence.parsing.treebank import Treebank, several
from tests.sequence.parsing.small import LABELS, tiny_parser, toy_parser


def tiny_bank(lengths):
    """Sentences of words and tags without meaning."""
    total = sum(lengths)
    kinds = torch.stack([torch.arange(total + 1) % 7, torch.arange(total + 1) % 5], 1)
    kinds[0] = 0
    starts = torch.tensor([0, *np.cumsum(lengths).tolist()])
    return Treebank(kinds, torch.arange(1, total + 1), starts)


def best_of_all(parser, bank, normalise):
    """The best tree of a sentence and its score, by going through every sequence of actions."""
    here = several(bank, torch.tensor([0]))
    scores = ActionScores(parser, here)
    waiting = [(0.0, begin(here.lengths.numpy(), LABELS))]
    finished = []
    while waiting:
        total, states = waiting.pop()
        if not states.legal.any():
            finished.append((total, states.tree(0)))
            continue
        places, seen = (torch.from_numpy(a) for a in states.describe())
        found = scores(places, seen, torch.tensor([0]))[0]
        found = found.log_softmax(0) if normalise else found
        for action in np.flatnonzero(states.legal[0]):
            after = states.take(np.array([0]))
            after.advance(np.array([action]))
            waiting.append((total + float(found[action]), after))
    return max(finished)


@pytest.mark.parametrize("normalise", [True, False])
def test_a_beam_wide_enough_finds_the_exact_best(normalise):
    with torch.no_grad():
        for seed in range(3):
            parser, bank = tiny_parser(seed), tiny_bank([3])
            _, tree = best_of_all(parser, bank, normalise)
            assert parse(parser, bank, 200, normalise) == [tree]


def test_a_beam_of_one_is_greedy_and_batches_do_not_matter():
    course, parser = toy_parser(context=1)
    bank = course.part(1, torch.device("cpu")).bank
    greedy = parse(parser, bank)
    alone = [parse(parser, bank.take(torch.tensor([i])))[0] for i in range(len(bank))]
    assert greedy == alone
    from gradus.sequence.parsing import decode

    with torch.no_grad():
        for i in (0, 3, 7):
            here = several(bank, torch.tensor([i]))
            for normalise in (True, False):
                assert decode._best(parser, here, 1, normalise).tree(0) == greedy[i]


def test_long_and_short_sentences():
    parser = tiny_parser()
    for beam in (1, 2):
        found = parse(parser, tiny_bank([1, 300, 2]), beam)
        assert [len(heads) for heads, _ in found] == [1, 300, 2]
        assert found[0] == ([0], [0])
        assert all(heads.count(0) == 1 for heads, _ in found)
    with pytest.raises(UsageError, match="beam must be ≥ 1"):
        parse(parser, tiny_bank([1]), 0)


def test_the_gradient_of_the_global_loss_is_the_numeric_one():
    parser, bank = tiny_parser(4), tiny_bank([4, 3])
    here = several(bank, torch.tensor([0, 1]))
    gold = np.full((2, 5), NOTHING, np.int32)
    for row, heads in enumerate([[2, 0, 2, 3], [0, 1, 2]]):
        actions = oracle(heads, [1 + i % LABELS for i in range(len(heads))], LABELS)
        gold[row, : len(actions)] = actions

    def loss():
        states = begin(here.lengths.numpy(), LABELS)
        return global_loss(states, gold, ActionScores(parser, here), 3)[0].sum()

    loss().backward()
    step = 1e-6
    for name, parameter in parser.actions.named_parameters():
        flat, slopes = parameter.data.view(-1), parameter.grad.view(-1)
        for i in torch.linspace(0, len(flat) - 1, 7).long().unique().tolist():
            before = float(flat[i])
            flat[i] = before + step
            above = loss().item()
            flat[i] = before - step
            below = loss().item()
            flat[i] = before
            assert (above - below) / (2 * step) == pytest.approx(float(slopes[i]), abs=1e-5), name


@pytest.mark.parametrize("activation", ["relu", "cube"])
@pytest.mark.parametrize("context", [0, 1])
def test_rows_added_up_are_the_network_of_the_paper(activation, context):
    """h = f(W [x_1 … x_P u_1 … u_Q] + b) with one matrix, as Chen and Manning write it."""
    torch.manual_seed(0)
    net = PlaceNet((9, 6), 4, places=3, tags=5, seen=2, labels=4, vector=4, tag_vector=3,
                   hidden=(6, 5), activation=activation, context=context)  # fmt: skip
    net.double().eval()
    window = 2 * context + 1
    tokens = torch.stack([torch.randint(0, n, (7, 3, window)) for n in (9, 6, 5)], -1)
    labels = torch.randint(0, 4, (7, 2))
    found = net(torch.cat([tokens.flatten(1), labels], 1))
    x = net.forms[0](tokens[..., 0]) + net.forms[1](tokens[..., 1])
    x = torch.cat([x, net.tags(tokens[..., 2])], -1)
    x = x[:, :, context] + net.around(x.flatten(2)).relu() if context else x[:, :, 0]
    u = net.labels(labels)
    w = net.first.view(x.shape[-1], 3, 6).permute(1, 0, 2).reshape(-1, 6)
    v = net.seen.view(3, 2, 6).permute(1, 0, 2).reshape(-1, 6)
    z = torch.cat([x.flatten(1), u.flatten(1)], 1) @ torch.cat([w, v]) + net.bias
    h = z**3 if activation == "cube" else z.clamp(min=0)
    expected = net.rest[-1](net.rest[1](h).clamp(min=0))
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("context", [0, 2])
def test_the_parser_takes_plain_numbers_too(context):
    course, parser = toy_parser(context=context)
    part = course.part(0, torch.device("cpu"))
    here = several(part.bank, torch.tensor([0]))
    states = begin(here.lengths.numpy(), parser.arc_labels)
    states.advance(np.array([0]))
    places, seen = (torch.from_numpy(a) for a in states.describe())
    spots = here.spots(places, torch.tensor([0]))
    around = here.windows(context)[spots[0]]
    features = torch.cat([here.tokens[around].flatten(), seen[0]]).unsqueeze(0)
    with torch.no_grad():
        by_tables = ActionScores(parser, here)(places, seen, torch.tensor([0]))
        torch.testing.assert_close(parser(features), by_tables, rtol=1e-4, atol=1e-5)


def test_only_what_a_state_allows_has_a_score():
    where = torch.zeros(3, 18, dtype=torch.int64)
    where[1, :2], where[1, 3] = torch.tensor([2, 1]), 3
    where[2, :2] = torch.tensor([2, 1])
    scores = allowed(torch.zeros(3, 5), where)
    assert torch.isfinite(scores).sum(1).tolist() == [0, 5, 4]
    states = begin(np.array([3]), 2)
    assert np.isfinite(scores[1].numpy()).tolist() == states.legal[0].tolist()


def test_words_and_tags_are_forgotten_in_training_alone():
    torch.manual_seed(0)
    net = PlaceNet((9,), 4, places=1, tags=5, vector=4, tag_vector=3, forget=0.5)
    tokens = torch.tensor([[0, 0]] * 50 + [[5, 3]] * 50)
    with torch.no_grad():
        assert len(net.eval().vectors(tokens).unique(dim=0)) == 2
        assert len(net.train().vectors(tokens).unique(dim=0)) == 5  # nothing stays nothing
    assert tokens[50].tolist() == [5, 3]


def test_tags_are_guessed_for_each_word():
    course, parser = toy_parser()
    bank = course.part(1, torch.device("cpu")).bank
    tags = guess_tags(parser, bank, course.vocabulary.tags)
    assert [len(t) for t in tags] == bank.lengths.tolist()
    assert set().union(*tags) <= set(course.vocabulary.tags)
    assert sum(map(len, in_groups(bank, 7))) == len(bank)


def test_what_a_network_cannot_be_is_refused():
    with pytest.raises(UsageError, match="activation must be relu or cube, got 'tanh'"):
        PlaceNet((9,), 4, places=1, activation="tanh")
    with pytest.raises(UsageError, match="hidden must be units"):
        PlaceNet((9,), 4, places=1, hidden=())


def test_steps_of_a_parse():
    assert steps_of(np.array([1, 2, 3, 10])).tolist() == [0, 1, 3, 17]
