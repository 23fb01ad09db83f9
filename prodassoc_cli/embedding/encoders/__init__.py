"""From texts to vectors: an exported model, or character n-grams."""
