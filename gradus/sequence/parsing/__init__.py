"""Chapter 7, dependency parsing: from a sentence to the tree of its words.

Reading order: `trees` (a tree as a sequence, projectivity), `compiled` and `transitions` (the
arc-standard system), `oracle` (a tree's actions), `network`, `parser` (the module), `treebank`
(sentences as numbers), `decode` (greedy, or with `gradus.sequence.search`); then `recipes` (the
named experiments), `course`, `train` (config → task; whole sequences: `gradus.sequence.globally`),
`evaluation`, `predict`, `drawing`, `figures` and `figures_learning`.
"""
