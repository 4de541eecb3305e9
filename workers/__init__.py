"""What runs outside of requests: the relay that carries events on, and the workers that do jobs."""
