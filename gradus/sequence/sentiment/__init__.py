"""Chapter 7, Implementing a Sentiment Analysis Model: whether a review is good or bad.

Reading order: `reviews` (the archive as numbers), `toy` (reviews that are made up), `batches`,
`reader` (the network), `recipes` (the named experiments), `train` (config → task), `contributions`
(what each word does to the answer), `predict` and `run_figures`.
"""
