"""Catalogues → products; and products from the order lines where there is no catalogue."""
