"""What leaves the house: events as others are told of them, and how that is done safely."""
