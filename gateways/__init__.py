"""The outside world: a small Protocol each, and its adapters."""
