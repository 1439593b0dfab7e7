"""Chapter 7, seq2seq tasks and attention: translation, reversal, skip-thought vectors.

Reading order: `tokens` (sentences as numbers), `corpus` (kept on disk), `batches`, `seq2seq` (the
network), `losses`, `average`, `decode` (greedy and beam); then `recipes` (the named experiments),
`train` (config → task), `scores` (BLEU), `predict`, `run_figures` and `figures`. `reversal` has the
task whose attention is known, `skip_thought` and `probe` the vectors of sentences.
"""
