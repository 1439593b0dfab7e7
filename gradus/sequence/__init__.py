"""Chapter 7: sequences and language.

Reading order: `conllu` (treebanks as files), then `parsing`, the dependency parser.
"""
