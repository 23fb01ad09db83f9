"""Which products are alike: by title and brand, and by the cosines of an encoder."""
