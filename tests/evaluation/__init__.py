"""Evaluation of recommendation lists."""
