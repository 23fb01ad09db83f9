"""How good recommendations are, and how sure one can be of it."""
