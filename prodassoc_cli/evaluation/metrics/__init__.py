"""What is measured of lists, each metric declared once."""
