"""Compiled loops over rows of sparse matrices, and how they are run."""
