"""How the recognizer is measured on the `dev` recordings, and what it is tuned by."""
