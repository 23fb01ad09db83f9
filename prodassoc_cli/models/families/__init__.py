"""The recommenders, one file per family."""
