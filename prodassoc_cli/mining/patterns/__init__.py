"""Patterns beside plain rules: sequences, support by users, unusual baskets."""
