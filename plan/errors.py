"""What a client can do wrong in a query."""


class BadInput(Exception):
    """An argument that no row could be found by: a cursor or an id that is not one of ours, a page too large.

    The message is for the developer of the client, in English, and holds nothing secret.
    """
