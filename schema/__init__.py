"""The contract: what the API offers, declared. No logic lives here; `schema.graphql` is its printed form."""
