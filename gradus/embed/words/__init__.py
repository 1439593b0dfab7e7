"""Chapter 6, The Word2Vec Framework: vectors of words.

Reading order: `toy` (a text whose meanings are known), `corpus` (a text as numbers), `noise`,
`windows`, `pairs` (what is learned from), `word2vec` (the module), `losses`; the same compiled:
`compiled`, `plan`, `logistic` (the output layer), `skipgram`, `cbow`, `update`; then `batches`,
`recipes` (the named experiments), `train` (config → task), `predict` and `figures`. What comes of
it: `gradus.data.vectors` (neighbours, analogies), `questions` (how vectors are judged).
"""
