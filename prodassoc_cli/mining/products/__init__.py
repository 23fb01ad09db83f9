"""What the products of a rule are: constraints, taxonomy, relations."""
