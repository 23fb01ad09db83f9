"""The hybrid: models fused by what they got right on an inner split."""
