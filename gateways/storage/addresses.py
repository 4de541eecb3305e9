"""Where a bucket is, as `STORAGE_URL` says it."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

_OPTIONS = {"endpoint", "public_endpoint", "region"}


@dataclass(frozen=True, slots=True)
class S3Address:
    """Where a bucket is: None means what AWS's own variables and defaults say.

    Browsers reach it at `public_endpoint` where that differs from `endpoint`, which is for us.
    """

    bucket: str
    region: str | None = None
    endpoint: str | None = None
    public_endpoint: str | None = None
    access_key: str | None = None
    secret_key: str | None = None


def s3_address(url: str) -> S3Address:
    """Read an `s3:` URL. Raises ValueError, without repeating the URL, since it may hold a secret."""
    address = urlsplit(url)
    options = dict(parse_qsl(address.query, strict_parsing=bool(address.query)))
    if not address.hostname or address.path.strip("/") or options.keys() - _OPTIONS:
        raise ValueError("STORAGE_URL is not of the form s3://bucket?endpoint=…&region=…&public_endpoint=….")
    return S3Address(
        bucket=address.hostname,
        access_key=unquote(address.username) if address.username else None,
        secret_key=unquote(address.password) if address.password else None,
        **options,
    )
