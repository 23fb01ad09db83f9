"""Encoding texts beside the libraries that people would use instead."""
