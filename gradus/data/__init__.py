"""Readers of public data sets and of the user's own files."""
