"""From text to numbers, times, ids and categories, by conventions that the data show."""
