"""Measurements beside other programs; not part of the package."""
