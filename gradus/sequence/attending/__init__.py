"""Chapter 7, attention beyond text: over the regions of a picture and over the frames of a sound.

Reading order: `scenes` (pictures of several digits), `tunes` (sounds of several notes), `describer`
(the network), `recipes`, `build`, `train` (config → task), `predict` and `run_figures`.
"""
