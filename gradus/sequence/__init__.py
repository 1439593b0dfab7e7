"""Chapter 7: sequences and language.

`translation` has the encoder and decoder with attention: translation, reversal, skip-thoughts.
"""
