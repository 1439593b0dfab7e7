"""Chapter 7, dependency parsing: from a sentence to the tree of its words.

Reading order: `trees` (a tree as a sequence, projectivity), `compiled` and `transitions` (the
arc-standard system), `oracle` (a tree's actions), `network`, `parser` (the module), `treebank`
(sentences as numbers), `decode` (greedy), `beam`, `globally` (global normalisation); then
`recipes` (the named experiments), `train` (config → task), `evaluation`, `predict`, `drawing` and
`figures`.
"""
