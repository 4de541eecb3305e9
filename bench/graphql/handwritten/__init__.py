"""What a skilled person would write by hand for just these four operations: one SQL statement each, no GraphQL."""
