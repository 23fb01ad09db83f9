"""From raw order lines and catalogues to clean interactions and products."""
