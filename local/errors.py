"""The one kind of failure that this room tells people about."""


class LocalError(Exception):
    """Something on this machine stands in the way; the text is one sentence that says what, and is shown as it is."""
