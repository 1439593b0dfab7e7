"""Chapter 7: sequences and language.

Reading order: `vanishing` (how gradients fade), then the folders `sentiment` (what a review of a
film says), `attending` (attention over the regions of a picture and over a sound) and `translation`
(the encoder and decoder with attention: translation, reversal, skip-thoughts).
"""

from typing import TYPE_CHECKING

from gradus.core.lazy import lazy

if TYPE_CHECKING:
    from gradus.sequence.translation.seq2seq import Seq2Seq

__all__ = ["Seq2Seq"]

__getattr__ = lazy(__name__, {"Seq2Seq": "translation.seq2seq:Seq2Seq"})
