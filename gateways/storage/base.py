"""What the product asks of an object store, whoever keeps the bytes."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

from domain.errors import Unavailable
from domain.uploads import Part

_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_MOST_KEY_LENGTH = 1000

OnBytes = Callable[[int], None]
"""Told, on the event loop, how many bytes of a transfer have arrived so far."""


class StorageUnavailable(Unavailable):
    """The store does not answer, answers too late, or refuses us. `reason` is for the log, not for clients."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class StorageFull(StorageUnavailable):
    """There is no room for more bytes."""


class ObjectMissing(LookupError):
    """No object has this key."""


class UploadGone(LookupError):
    """The upload was abandoned, has expired, or never was."""


class PartsRefused(ValueError):
    """The parts named to finish an upload are not those that have arrived."""


class Storage(Protocol):
    """Objects under keys such as `teams/…/original`, written once and never changed.

    Every method raises `StorageUnavailable` when the store cannot be asked, and ValueError for a malformed key.
    """

    async def start_upload(self, key: str) -> str:
        """Open an upload in parts to `key` and answer the store's id for it."""
        ...

    async def part_urls(self, key: str, upload_id: str, sizes: Mapping[int, int], *, expires_in: int) -> dict[int, str]:
        """For each part number, a URL that takes one PUT of exactly so many bytes, for `expires_in` seconds.

        The answer to such a PUT carries the part's MD5 as its ETag. A part may be PUT again: the last one counts.
        """
        ...

    async def parts(self, key: str, upload_id: str) -> list[Part]:
        """What has arrived, by number. Raises `UploadGone`, also when the upload has been finished."""
        ...

    async def finish_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Make these parts, in the order of their numbers, the object. Done already is fine.

        Raises `PartsRefused` and `UploadGone`.
        """
        ...

    async def abandon_upload(self, key: str, upload_id: str) -> None:
        """Throw away the upload and its parts. Gone already is fine, and a finished upload's object stays."""
        ...

    async def fetch(self, key: str, path: Path, on_bytes: OnBytes | None = None) -> None:
        """Bring the object to `path`, a new file that may share its bytes with the store: read it, never write to it.

        Raises `ObjectMissing`, and FileExistsError if `path` is taken.
        """
        ...

    async def store(self, path: Path, key: str, *, content_type: str) -> None:
        """Make the file at `path` the object at `key`, in place of any before. It must not be written to afterwards."""
        ...

    async def read_url(self, key: str, *, expires_in: int, content_type: str, file_name: str | None = None) -> str:
        """A URL that reads the object for `expires_in` seconds, byte ranges included.

        With a file name browsers save it under that name; without one they show it.
        """
        ...

    async def size(self, key: str) -> int | None:
        """The object's size in bytes, or None if there is none."""
        ...

    async def delete_prefix(self, prefix: str) -> None:
        """Delete every object whose key begins with `prefix`, which must end with a slash."""
        ...

    async def keys(self, prefix: str) -> list[str]:
        """The keys that begin with `prefix` (which must end with a slash), sorted."""
        ...

    async def check(self) -> None:
        """Answer within two seconds if the store can be used, else raise `StorageUnavailable`."""
        ...


def valid_key(key: str) -> str:
    """Answer `key` if it is well-formed, else raise ValueError.

    Segments of letters, digits, `.`, `_` and `-`, none of which begins with a dot: no key can leave its folder or
    reach what a store keeps beside the objects.
    """
    if len(key) > _MOST_KEY_LENGTH or not all(_SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise ValueError("A malformed storage key.")
    return key


def valid_prefix(prefix: str) -> str:
    """Answer `prefix` if it is a well-formed key and a slash, else raise ValueError.

    The slash keeps `teams/1/` from meaning `teams/10/` too.
    """
    if not prefix.endswith("/"):
        raise ValueError("A storage prefix ends with a slash.")
    return valid_key(prefix[:-1]) + "/"


def content_disposition(file_name: str | None) -> str:
    """The Content-Disposition (RFC 6266) that saves under `file_name`, or shows in place if there is none.

    Carries the name in UTF-8 (RFC 8187) beside an ASCII likeness for old clients. Folders and control characters
    are taken out.
    """
    if file_name is None:
        return "inline"
    printable = "".join(c for c in file_name if unicodedata.category(c)[0] != "C")
    name = re.split(r"[/\\]", printable)[-1].strip() or "file"
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    likeness = re.sub(r'["%;]', "_", ascii_name).strip() or "file"
    return f"attachment; filename=\"{likeness}\"; filename*=UTF-8''{quote(name, safe='')}"
