"""Chapter 7, Tackling seq2seq with Neural N-Grams: which part of speech each word of a text is.

Reading order: `toy` (a text that is made up), `data` (tagged texts and what is kept apart),
`features` (what a word shows), `windows` (a word and those around it), `tagger` (the module),
`cache` (vectors of words from a file, kept), `chain` (tags that depend on those before); then
`recipes` (the named experiments), `train` (config → task), `scores` (how each tag fares),
`predict`, `output` (answers as text), `run_figures` and `figures`.
"""
