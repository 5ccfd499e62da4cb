"""Making a wake word better by what its users said of it: this was a false alarm, that was missed."""
