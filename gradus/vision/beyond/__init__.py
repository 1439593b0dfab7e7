"""Convolution beyond images: clips, sounds and sentences, all generated (book ch. 5)."""
