"""Global ids as arguments."""

from uuid import UUID

from domain.errors import Invalid, NotFound
from plan import BadInput, decode_id


def uuid_of(kind: type, value: str, *path: str) -> UUID:
    """The row's id in the global id of a `kind`.

    Invalid for what is no id at all; NotFound for an id of something else: there is no such thing of this kind.
    """
    try:
        name, row_id = decode_id(value)
    except BadInput as error:
        raise Invalid("problem.bad_id", path=path) from error
    if name != kind.__name__:
        raise NotFound(path=path)
    return row_id
