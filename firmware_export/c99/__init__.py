"""A bundle as self-contained C99: front end, int8 kernels, detector."""
