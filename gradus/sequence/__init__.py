"""Chapter 7: sequences and language.

`translation` has the encoder and decoder with attention: translation, reversal, skip-thoughts.
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.sequence.translation.seq2seq import Seq2Seq

__all__ = ["Seq2Seq"]

__getattr__ = lazy(__name__, {"Seq2Seq": "translation.seq2seq:Seq2Seq"})
