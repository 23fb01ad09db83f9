"""Vectors of product texts."""
