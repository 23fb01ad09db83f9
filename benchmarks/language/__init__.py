"""What the language model adds: lists, complements, relations and neighbours with and without it."""
