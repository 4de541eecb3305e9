"""What `make run` needs on a bare machine: embedded services, the supervisor, seed data and the demo client."""
