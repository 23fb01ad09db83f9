"""Side-by-side measurements with peers; one package a stage, `python -m benchmarks.STAGE` runs it."""
