"""A large library, the same on every machine: what `local.seed_large` writes, a module for each group of tables."""
