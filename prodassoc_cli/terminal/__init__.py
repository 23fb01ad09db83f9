"""What a person sees: tables, hints and progress."""
