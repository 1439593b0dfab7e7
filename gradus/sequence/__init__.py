"""Chapter 7: sequences, and networks that remember what they have read.

Reading order: `vanishing` (how gradients fade), then the folders `sentiment` (what a review of a
film says) and `attending` (attention over the regions of a picture and over a sound).
"""
