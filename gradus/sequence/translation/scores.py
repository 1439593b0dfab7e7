"""How good translations are: BLEU, as sacrebleu computes it."""

from collections.abc import Sequence

from gradus.core.extras import extra
from gradus.sequence.translation.corpus import Pairs
from gradus.sequence.translation.decode import Said, attention_of, in_batches
from gradus.sequence.translation.seq2seq import Seq2Seq
from gradus.sequence.translation.tokens import UNK, Tokenizer


def bleu(said: Sequence[str], references: Sequence[str]) -> float:
    """BLEU in [0, 100] of translations, each against one reference.

    It is sacrebleu's with its own defaults: whole texts with their capitals, cut into words by
    "13a" (Papineni et al. 2002; Post 2018, "A Call for Clarity in Reporting BLEU Scores").

    Raises:
        UsageError: sacrebleu is not installed.
    """
    found = extra("sacrebleu", "text").corpus_bleu(list(said), [list(references)]).score
    return min(float(found), 100.0)  # by rounding it may come out a trifle larger


def translate(
    model: Seq2Seq,
    tokenizers: tuple[Tokenizer, Tokenizer],
    sources: Sequence[Sequence[int]],
    reverse: bool,
    width: int,
    power: float,
) -> tuple[list[str], list[Said]]:
    """The translations of sentences, as text and as tokens.

    An UNK in a translation by words becomes the source's word that the decoder looked at most
    (Luong et al. 2015, "Addressing the Rare Word Problem"), where there is attention.

    Args:
        model: in evaluation mode.
        tokenizers: of source and target.
        sources: tokens of each sentence, in their order.
        reverse: whether the network reads them from the end.
        width: of the beam; 1 is greedy.
        power: of the length.
    """
    turned = [list(s)[:: -1 if reverse else 1] for s in sources]
    found = in_batches(model, turned, width, power)
    texts = []
    for source, answer in zip(turned, found, strict=True):
        pieces = tokenizers[1].pieces(answer.tokens)
        if UNK in answer.tokens and model.attention is not None:
            pieces = _replaced(model, tokenizers[0], source, answer.tokens, pieces)
        texts.append(tokenizers[1].join(pieces))
    return texts, found


def _replaced(
    model: Seq2Seq, tokenizer: Tokenizer, source: list[int], tokens: list[int], pieces: list[str]
) -> list[str]:
    """The pieces with the source's own in the place of each UNK."""
    import torch

    weights = attention_of(model, torch.tensor(source, device=model.bias.device), tokens)
    names = tokenizer.pieces(source)
    looked = [names[i] for i in weights.argmax(1).tolist()]
    return [looked[i] if t == UNK else pieces[i] for i, t in enumerate(tokens)]


def report_bleu(
    model: Seq2Seq,
    tokenizers: tuple[Tokenizer, Tokenizer],
    pairs: Pairs,
    references: Sequence[str],
    reverse: bool,
    beam: int,
    power: float,
) -> dict[str, float]:
    """BLEU of greedy decoding and of a beam search, over the first pairs, which have references."""
    sources = [pairs.source[row].tolist() for row in range(len(references))]
    found = {}
    for name, width in (("bleu greedy", 1), ("bleu", beam)):
        texts, _ = translate(model, tokenizers, sources, reverse, width, power)
        found[name] = bleu(texts, references)
    return found
