"""What the benchmarks measured, as tables: a function for each that benchmarks/table.py shows.

A module for each part of the book. Where a benchmark was not run there is no file in results/, and
its table is empty or says how to make it.
"""
