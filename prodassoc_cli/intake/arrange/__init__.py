"""Partitioned sort: typed rows in, sorted parts out, in memory or on disk."""
