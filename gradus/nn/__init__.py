"""Blocks used by two or more domains."""
