"""Chapter 7: sequences and language.

Reading order: `tokenise` (a text as sentences and words), `tagging` (which part of speech each word
is), `conllu` (treebanks as files), `search` (beams), `globally` (training on whole sequences), then
`parsing` (how the words depend on each other).
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.sequence.parsing.parser import Parser
    from gradus.sequence.tagging.tagger import Tagger
    from gradus.sequence.tokenise import tokenise

__all__ = ["Parser", "Tagger", "tokenise"]

__getattr__ = lazy(
    __name__,
    {
        "Parser": "parsing.parser:Parser",
        "Tagger": "tagging.tagger:Tagger",
        "tokenise": "tokenise:tokenise",
    },
)
