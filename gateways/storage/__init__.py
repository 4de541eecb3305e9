"""Objects: originals, proxies, posters. A bucket, or a folder on this machine; `STORAGE_URL` says which."""

from gateways.storage.base import (
    ObjectMissing,
    PartsRefused,
    Storage,
    StorageFull,
    StorageUnavailable,
    UploadGone,
)
from gateways.storage.opening import open_storage, storage_routes

__all__ = [
    "ObjectMissing",
    "PartsRefused",
    "Storage",
    "StorageFull",
    "StorageUnavailable",
    "UploadGone",
    "open_storage",
    "storage_routes",
]
