"""How rows hold baskets: one file per layout, and the registry that recognises them."""
