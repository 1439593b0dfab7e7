"""What a parser learns from: the local loss, state by state; and that it learns."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from gradus.core.fit import fit
from gradus.core.task import measure
from gradus.sequence import Parser
from gradus.sequence.parsing.figures_learning import EPOCHS, FIGURES, _first_fall, pupil
from gradus.sequence.parsing.oracle import oracle
from gradus.sequence.parsing.parser import ActionScores, tag_scores
from gradus.sequence.parsing.recipes import PARSER_GLOBAL, PARSER_GREEDY
from gradus.sequence.parsing.train import globally, greedy, local_loss, sequence_loss, state_scores
from gradus.sequence.parsing.transitions import begin
from gradus.sequence.parsing.treebank import several
from tests.sequence.parsing.small import toy_parser

CPU = torch.device("cpu")


def test_the_local_loss_is_the_mean_over_all_states_on_the_way():
    course, parser = toy_parser(context=1)
    assert isinstance(parser, Parser)
    part, chosen = course.part(1, CPU), torch.tensor([4, 0, 9])
    losses, tagged = [], []
    for number in chosen.tolist():
        here = several(part.bank, torch.tensor([number]))
        scores = ActionScores(parser, here)
        heads, labels = part.gold[number]
        numbers = [course.vocabulary.label_numbers.get(label, 1) for label in labels]
        states = begin(np.array([len(heads)]), parser.arc_labels)
        for action in oracle(heads, numbers, parser.arc_labels):
            places, seen = (torch.from_numpy(a) for a in states.describe())
            found = scores(places, seen, torch.tensor([0]))
            losses.append(cross_entropy(found, torch.tensor([action])))
            states.advance(np.array([action]))
        right = [course.vocabulary.token("", course.vocabulary.tag(w))[-1]
                 for w in part.sentences[number].words]  # fmt: skip
        found = tag_scores(parser, here)
        tagged += [
            cross_entropy(f[None], torch.tensor([t])) for f, t in zip(found, right, strict=True)
        ]
    with torch.no_grad():
        taught = local_loss(parser, part, chosen)
        assert taught.things == len(losses)
        expected = torch.stack(losses).mean() + torch.stack(tagged).mean()
        torch.testing.assert_close(taught.loss, expected, rtol=1e-5, atol=1e-6)


def test_self_normalisation_adds_the_square_of_the_logarithm_of_the_sum():
    course, parser = toy_parser()
    part, chosen = course.part(0, CPU), torch.tensor([3, 1])
    with torch.no_grad():
        scores, _ = state_scores(parser, part, chosen, several(part.bank, chosen))
        plain, more = (local_loss(parser, part, chosen, self_norm=a).loss for a in (0, 0.5))
        expected = 0.5 * torch.logsumexp(scores, 1).square().mean()
    torch.testing.assert_close(more - plain, expected, rtol=1e-4, atol=1e-6)


def test_held_dropout_gives_a_state_the_same_scores_whenever_it_is_looked_at():
    course, parser = toy_parser(dropout=0.5)
    parser.train()
    parser.actions.rest.eval()
    part = course.part(0, CPU)
    here = several(part.bank, torch.tensor([0, 0]))
    states = begin(here.lengths.numpy(), parser.arc_labels)
    described = [torch.from_numpy(a) for a in states.describe()]
    scores = ActionScores(parser, here, held=True)
    first, again = (scores(*described, torch.arange(2)) for _ in range(2))
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    allowed = torch.isfinite(first[0])
    assert not torch.allclose(first[0, allowed], first[1, allowed])  # another sentence, other units
    parser.eval()
    assert ActionScores(parser, here, held=True).kept is None


def test_a_parser_without_tags():
    course, parser = toy_parser(tags="none")
    assert parser.tagger is None
    with torch.no_grad():
        assert torch.isfinite(local_loss(parser, course.part(0, CPU), torch.tensor([0])).loss)
        found = sequence_loss(parser, course.part(0, CPU), torch.arange(4), 3)
        assert torch.isfinite(found.loss)
        assert found.metrics["kept"]().shape == (4,)


@pytest.mark.learn
def test_both_trainings_learn_the_made_up_treebank():
    settings = {"data": "toy", "min_count": 1, "hidden": (64,), "batch_size": 10}
    for recipe, make, more in (
        (PARSER_GREEDY, greedy, {"epochs": 12, "lr": 0.01}),
        (PARSER_GLOBAL, globally, {"epochs": 8, "lr": 0.003, "local_epochs": 2, "beam": 4}),
    ):
        config = recipe.configure(**settings, **more)
        torch.manual_seed(0)
        task = make(config)
        fit(task, config)
        found = measure(task, task.test())
        assert found["las"] > 0.97
        assert found["las_own_tags"] > 0.9


def test_the_figures_of_learning_show_what_happens():
    number, beam, loss = _first_fall(pupil(EPOCHS["7-12"]))
    assert beam.fallen.all()
    assert loss > 0
    assert 1 <= len(beam.steps) < 2 * int(pupil(EPOCHS["7-12"]).part.bank.lengths[number]) - 3
    for draw in FIGURES.values():
        assert draw().axes
