"""Mining on Spark beside its peer."""
