"""The product's reads and writes beside hand-written SQL and other GraphQL servers: `make bench-graphql`."""
