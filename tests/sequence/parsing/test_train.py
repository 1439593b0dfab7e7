"""What a parser learns from: the local loss, state by state; and that it learns."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from gradus.core.fit import fit
from gradus.core.task import measure
from gradus.sequence import Parser
from gradus.sequence.parsing.oracle import oracle
from gradus.sequence.parsing.parser import ActionScores, tag_scores
from gradus.sequence.parsing.recipes import PARSER_GLOBAL, PARSER_GREEDY
from gradus.sequence.parsing.train import globally, greedy, local_loss, sequence_loss
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
