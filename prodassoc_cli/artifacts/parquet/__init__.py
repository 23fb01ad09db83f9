"""Parquet files of artifacts: opened, read in part, checked, cut into row groups."""
