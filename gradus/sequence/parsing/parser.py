"""The dependency parser as a module: actions from states, and tags for words that have none."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gradus.sequence.parsing.compiled import PLACES, SEEN_LABELS
from gradus.sequence.parsing.network import PlaceNet
from gradus.sequence.parsing.treebank import Several

WINDOW = 2
"""Words to each side of a word that its tag is guessed from."""
TAGGER_HIDDEN = 128
"""Hidden units of the tagger."""
BELOW_TOP, BUFFER = 1, 3
"""Of a state's 18 places, those of the word below the top and of the buffer's first word."""


class Parser(nn.Module):
    """A transition-based parser: the scores of the arc-standard system's actions in some states.

    Beside it stands a small tagger, which no word vector joins with the parser: it guesses the tags
    that the parser looks at where no others are given.

    Attributes:
        actions: 18 words with their tags and 12 labels → a score for each action.
        tagger: a word and two to each side → a score for each tag; None where tags are not used.
        arc_labels: how many labels L there are.
    """

    def __init__(
        self,
        forms: Sequence[int],
        tags: int,
        labels: int,
        *,
        vector: int = 64,
        tag_vector: int = 32,
        hidden: Sequence[int] = (256,),
        activation: str = "relu",
        dropout: float = 0.0,
        forget: float = 0.0,
        context: int = 0,
    ) -> None:
        """Make the parser.

        Args:
            forms: how many words, prefixes, … there are, as `PlaceNet` takes them.
            tags: how many tags there are, 0 (nothing) and 1 (unknown) among them; 0: none are used.
            labels: how many labels L an arc can have, ≥ 1.
            vector: numbers in the vector of what a token looks like.
            tag_vector: numbers in the vectors of a tag and of a label.
            hidden: units of each hidden layer of the actions' network.
            activation: relu, or cube for the first of them.
            dropout: share of hidden units and of a token's numbers that are left out in training.
            forget: how often a word, or a tag, is made unknown in training, in [0, 1).
            context: words to each side that a token is seen with, ≥ 0.
        """
        super().__init__()
        self.arc_labels = labels
        self.actions = PlaceNet(
            forms,
            1 + 2 * labels,
            places=PLACES,
            tags=tags,
            seen=SEEN_LABELS,
            labels=labels + 1,
            tag_vector=tag_vector,
            hidden=hidden,
            vector=vector,
            activation=activation,
            dropout=dropout,
            forget=forget,
            context=context,
        )
        self.tagger = None
        if tags:
            self.tagger = PlaceNet(
                forms,
                tags,
                places=2 * WINDOW + 1,
                vector=vector,
                hidden=(TAGGER_HIDDEN,),
                dropout=dropout,
                forget=forget,
            )

    def forward(self, features: Int[Tensor, "states features"]) -> Float[Tensor, "states actions"]:
        """The actions' scores, −∞ where a state does not allow one.

        Args:
            features: for each of 18 places the numbers of its token (0s: nothing), then 12 labels,
                as `PlaceNet.forward` takes them.
        """
        columns = (features.shape[1] - SEEN_LABELS) // PLACES
        middle = columns // (2 * self.actions.context + 1) * self.actions.context
        return allowed(self.actions(features), features[:, middle : PLACES * columns : columns])


class ActionScores:
    """The scores of actions in any states of some sentences.

    What does not depend on the states is computed once, at the start.
    """

    def __init__(self, parser: Parser, here: Several, held: bool = False) -> None:
        """Begin.

        Args:
            parser: in training or evaluation mode.
            here: the sentences.
            held: in training, leave out the same units of the first hidden layer in all states of a
                sentence; the further layers' dropout must be off.
        """
        self.net, self.here = parser.actions, here
        reach = self.net.context
        self.tables = self.net.tables(here.tokens, here.windows(reach) if reach else None)
        self.kept = None
        if held and self.net.training:
            self.kept = self.net.drop(self.net.bias.new_ones(len(here.lengths), len(self.net.bias)))

    def __call__(
        self,
        places: Int[Tensor, "states 18"],
        seen: Int[Tensor, "states 12"],
        sentence: Int[Tensor, "states"],
    ) -> Float[Tensor, "states actions"]:
        """The scores, −∞ where a state does not allow an action.

        Args:
            places: the words that each state is described by, numbered in their sentence.
            seen: the labels that it is described by.
            sentence: to which of the sentences it belongs.
        """
        spots = self.here.spots(places, sentence)
        where = spots if self.net.context else self.here.where[spots]
        kept = None if self.kept is None else self.kept[sentence]
        return allowed(self.net.score(self.tables, where, seen, kept), places)


def tag_scores(parser: Parser, here: Several) -> Float[Tensor, "words tags"]:
    """The scores of the tags of each word of some sentences."""
    assert parser.tagger is not None
    forms = here.tokens[:, : len(parser.tagger.forms)]
    return parser.tagger.score(parser.tagger.tables(forms), here.windows(WINDOW)[1:])


def allowed(
    scores: Float[Tensor, "states actions"], where: Int[Tensor, "states 18"]
) -> Float[Tensor, "states actions"]:
    """The scores with −∞ where a state does not allow an action: what stands where says which.

    A shift needs a word in the buffer, an arc two words on the stack.
    """
    forbidden = torch.zeros_like(scores, dtype=torch.bool)
    forbidden[:, 0] = where[:, BUFFER] == 0
    forbidden[:, 1:] = (where[:, BELOW_TOP] == 0).unsqueeze(1)
    return scores.masked_fill(forbidden, -torch.inf)
