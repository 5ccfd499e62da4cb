"""How a network learns and which of its weights are kept, whatever it is for."""
