"""The use-cases: one module per noun. Plain values in; model rows out, or a domain error."""
