"""Chapter 7: sequences and language.

Reading order: `tokenise` (a text as sentences and words), `tagging` (which part of speech each word
is), `conllu` (treebanks as files), `search` (beams), `globally` (training on whole sequences),
`parsing` (how the words depend on each other); then `vanishing` (how gradients fade), `sentiment`
(what a review of a film says), `attending` (attention over the regions of a picture and over a
sound) and `translation` (the encoder and decoder with attention: translation, reversal,
skip-thoughts).
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.sequence.parsing.parser import Parser
    from gradus.sequence.tagging.tagger import Tagger
    from gradus.sequence.tokenise import tokenise
    from gradus.sequence.translation.seq2seq import Seq2Seq

__all__ = ["Parser", "Seq2Seq", "Tagger", "tokenise"]

__getattr__ = lazy(
    __name__,
    {
        "Parser": "parsing.parser:Parser",
        "Seq2Seq": "translation.seq2seq:Seq2Seq",
        "Tagger": "tagging.tagger:Tagger",
        "tokenise": "tokenise:tokenise",
    },
)
