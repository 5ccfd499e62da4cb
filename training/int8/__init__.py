"""A trained network as an int8 graph."""
