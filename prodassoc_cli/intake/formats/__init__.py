"""From bytes to tables: encodings, delimited text, Parquet, JSON."""
