"""Live updates: messages over Redis, resumable feeds, and GraphQL over websockets. Knows no noun of the product."""
