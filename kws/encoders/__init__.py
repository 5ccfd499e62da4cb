"""Networks that turn audio into values from which every wake word is heard."""
