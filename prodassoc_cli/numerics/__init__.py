"""Arrays of numbers: compiled kernels, ids as integers, eigenvectors, and the one formula of what ranks."""
