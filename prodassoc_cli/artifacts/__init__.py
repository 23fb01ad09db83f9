"""The Parquet files between stages: their schemas, their lineage, and how they are read and written."""
