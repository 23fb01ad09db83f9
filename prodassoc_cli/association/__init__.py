"""What is bought with what: factors of the co-purchases, lent by texts where counts are few."""
