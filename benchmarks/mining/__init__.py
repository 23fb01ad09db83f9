"""Mining beside its peers: `python -m benchmarks.mining`."""
