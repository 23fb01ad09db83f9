"""The recommenders, one file a family, behind one contract."""
