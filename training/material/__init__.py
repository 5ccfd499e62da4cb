"""What a wake word is learned from: clips, synthetic voices, rooms and noise, put together as tapes."""
