"""What a treated table says of itself: written and read here, and what follows from it for readers."""
