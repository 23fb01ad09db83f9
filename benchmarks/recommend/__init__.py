"""Recommending beside implicit, irspack and rusket."""
