"""Arrays of numbers: compiled kernels, ids as integers, and the one formula of what ranks."""
