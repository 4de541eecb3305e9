"""The local store's folder: objects, objects still in parts, and uploads. Everything here blocks.

    <key>                    an object
    <…>/.parts.<name>/       an object whose parts have not been joined yet
    .uploads/<upload id>/    an upload: the file `key`, its parts, and what is still coming in (`.tmp`)
    .uploads/<token>.tmp     a file on its way to become an object

A part's name tells its number and MD5, `00001.d41d8cd98f00b204e9800998ecf8427e`. No segment of a key begins with a
dot, so nothing here can be mistaken for an object. Finishing an upload renames its folder, which takes no longer for
20 GB than for one; the parts are joined when the object is first read, as a rule by a worker.
"""

import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from domain.uploads import Part
from gateways.storage.base import ObjectMissing, PartsRefused, UploadGone, valid_key, valid_prefix
from gateways.storage.disk import discard, link_or_copy, locked, make_folders, move, sync_file, sync_folder

_COPY_BYTES = 1024**2
_KEEP_SECONDS = 7 * 24 * 3600
_PART_NAME = re.compile(r"(\d{5})\.([0-9a-f]{32})")
_PARTS_PREFIX = ".parts."
_UPLOAD_ID = re.compile(r"[0-9a-f]{32}")


class Folder:
    """The folder `root`, which is made if it does not exist. Several processes may use it at once."""

    def __init__(self, root: Path) -> None:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.root = root.resolve()
        self._uploads = self.root / ".uploads"
        self._uploads.mkdir(mode=0o700, exist_ok=True)
        self._sweep()

    def start_upload(self, key: str) -> str:
        """Make an upload's folder and answer its id."""
        upload_id = uuid4().hex
        folder = self._uploads / upload_id
        folder.mkdir()
        (folder / "key").write_text(valid_key(key))
        sync_file(folder / "key")
        sync_folder(folder)
        sync_folder(self._uploads)
        return upload_id

    def upload(self, key: str, upload_id: str) -> Path:
        """The folder of an upload. Raises `UploadGone`, also for an upload to another key."""
        folder = self._uploads / upload_id
        try:
            if _UPLOAD_ID.fullmatch(upload_id) and (folder / "key").read_text() == valid_key(key):
                return folder
        except FileNotFoundError:
            pass
        raise UploadGone(upload_id)

    def parts(self, key: str, upload_id: str) -> list[Part]:
        """What has arrived, by number."""
        return list(_parts(self.upload(key, upload_id)))

    def keep_part(self, key: str, upload_id: str, temporary: Path, number: int, checksum: str) -> None:
        """Turn a file received into part `number`, in place of any before."""
        folder = self.upload(key, upload_id)
        name = f"{number:05}.{checksum}"
        try:
            # Without the lock two arrivals of one part could each delete the other's file.
            with locked(folder):
                move(temporary, folder / name)
                for other in folder.glob(f"{number:05}.{'?' * 32}"):
                    if other.name != name:
                        other.unlink()
        except FileNotFoundError:
            raise UploadGone(upload_id) from None

    def finish_upload(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Make these parts the object. Raises `PartsRefused` and `UploadGone`."""
        if not parts:
            raise PartsRefused("An object has at least one part.")
        try:
            folder = self.upload(key, upload_id)
            with locked(folder):
                _leave_only(folder, parts)
                self._adopt(folder, key)
        except (UploadGone, FileNotFoundError):
            if self.size(key) != sum(part.size for part in parts):
                raise UploadGone(upload_id) from None

    def abandon_upload(self, key: str, upload_id: str) -> None:
        """Delete an upload's folder, if there is one."""
        try:
            folder = self.upload(key, upload_id)
        except UploadGone:
            return
        discard(folder, self._uploads)

    def file(self, key: str, on_bytes: Callable[[int], None] | None = None) -> Path:
        """The object's file, joined from its parts first if need be. Raises `ObjectMissing`."""
        path = self._path(key)
        if not path.is_file():
            try:
                # Joining twice at once would do no harm, but it would copy every byte twice.
                with locked(self._in_parts(path)):
                    self._join(path, on_bytes or (lambda _: None))
            except FileNotFoundError:
                if not path.is_file():
                    raise ObjectMissing(key) from None
        return path

    def fetch(self, key: str, path: Path, on_bytes: Callable[[int], None]) -> None:
        """Let `path` be the object's file too, or a copy of it."""
        link_or_copy(self.file(key, on_bytes), path)
        on_bytes(path.stat().st_size)

    def store(self, path: Path, key: str) -> None:
        """Make the file at `path` the object at `key`."""
        target = self._path(key)
        temporary = self._uploads / f"{uuid4().hex}.tmp"
        try:
            link_or_copy(path, temporary)
            sync_file(temporary)
            make_folders(target.parent, below=self.root)
            move(temporary, target)
        finally:
            # Also after success: renaming one link of a file onto another leaves both names in place.
            temporary.unlink(missing_ok=True)
        discard(self._in_parts(target), self._uploads)

    def size(self, key: str) -> int | None:
        """The object's size, or None."""
        path = self._path(key)
        try:
            return path.stat().st_size
        except FileNotFoundError:
            folder = self._in_parts(path)
            return sum(part.size for part in _parts(folder)) if folder.is_dir() else None

    def delete_prefix(self, prefix: str) -> None:
        """Delete every object below `prefix`."""
        folder = self._path(valid_prefix(prefix)[:-1])
        if folder.is_dir():
            discard(folder, self._uploads)

    def keys(self, prefix: str) -> list[str]:
        """The keys below `prefix`, sorted."""
        top = self._path(valid_prefix(prefix)[:-1])
        return sorted({path.relative_to(self.root).as_posix() for path in _objects(top)})

    def check(self) -> None:
        """Write a few bytes and delete them again."""
        probe = self._uploads / f"{uuid4().hex}.tmp"
        try:
            probe.write_bytes(b"ready")
        finally:
            probe.unlink(missing_ok=True)

    def _sweep(self) -> None:
        """Delete what a crash or a forgotten upload left, a week after its last change, as a bucket is told to do."""
        too_old = time.time() - _KEEP_SECONDS
        for path in self._uploads.iterdir():
            with suppress(FileNotFoundError):  # Another process sweeps, or finishes, at the same time.
                if path.stat().st_mtime >= too_old:
                    continue
                if path.is_dir():
                    discard(path, self._uploads)
                else:
                    path.unlink()

    def _path(self, key: str) -> Path:
        path = self.root / valid_key(key)
        # A symbolic link would lead out of the folder, or let one key stand for another.
        if path.resolve() != path:
            raise ObjectMissing(key)
        return path

    @staticmethod
    def _in_parts(path: Path) -> Path:
        return path.with_name(_PARTS_PREFIX + path.name)

    def _adopt(self, folder: Path, key: str) -> None:
        path = self._path(key)
        make_folders(path.parent, below=self.root)
        discard(self._in_parts(path), self._uploads)
        folder.rename(self._in_parts(path))
        path.unlink(missing_ok=True)
        sync_folder(path.parent)
        sync_folder(self._uploads)

    def _join(self, path: Path, on_bytes: Callable[[int], None]) -> None:
        if path.is_file():
            return
        in_parts = self._in_parts(path)
        temporary = self._uploads / f"{uuid4().hex}.tmp"
        try:
            _concatenate([in_parts / _name(part) for part in _parts(in_parts)], temporary, on_bytes)
            move(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
        discard(in_parts, self._uploads)


def _name(part: Part) -> str:
    return f"{part.number:05}.{part.checksum}"


def _parts(folder: Path) -> Iterator[Part]:
    """The parts in a folder, by number."""
    newest: dict[int, tuple[int, Part]] = {}
    for path in folder.iterdir():
        if match := _PART_NAME.fullmatch(path.name):
            status = path.stat()
            part = Part(int(match[1]), status.st_size, match[2])
            # A crash within `keep_part` can leave two files of one number: the one renamed last counts.
            newest[part.number] = max(
                newest.get(part.number, (0, part)), (status.st_ctime_ns, part), key=lambda pair: pair[0]
            )
    return (newest[number][1] for number in sorted(newest))


def _leave_only(folder: Path, parts: Sequence[Part]) -> None:
    arrived = set(_parts(folder))
    if not arrived.issuperset(parts):
        raise PartsRefused("A part has not arrived, or not like this.")
    keep = {_name(part) for part in parts}
    for path in folder.iterdir():
        if _PART_NAME.fullmatch(path.name) and path.name not in keep:
            path.unlink()


def _concatenate(sources: Iterable[Path], target: Path, on_bytes: Callable[[int], None]) -> None:
    with target.open("xb", buffering=0) as joined:
        for source in sources:
            with source.open("rb", buffering=0) as part:
                shutil.copyfileobj(part, joined, _COPY_BYTES)
            on_bytes(joined.tell())
        os.fsync(joined.fileno())


def _objects(top: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(top):
        in_parts = [name for name in folders if name.startswith(_PARTS_PREFIX)]
        folders[:] = [name for name in folders if name not in in_parts]
        yield from (Path(folder, name) for name in files)
        yield from (Path(folder, name.removeprefix(_PARTS_PREFIX)) for name in in_parts)
