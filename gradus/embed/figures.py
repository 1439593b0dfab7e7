"""The figures of chapter 6."""
FIGURES: dict = {}
