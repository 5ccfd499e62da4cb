"""A folder from which a Raspberry Pi is installed without a network."""
