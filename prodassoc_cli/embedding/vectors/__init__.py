"""Vectors: their arithmetic, where they wait on disk, and the cache of those made before."""
