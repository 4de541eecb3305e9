"""Real servers in processes of their own: a local store behind uvicorn, and an S3."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from domain.clock import utc_now
from gateways.storage.addresses import S3Address
from gateways.storage.local import LocalStorage
from gateways.storage.signing import Signer

HERE = Path(__file__).parent
SECRET = "a secret of at least thirty-two letters"
BUCKET = "studio"
ALLOWED_ORIGIN = "https://studio.example"


@dataclass(frozen=True)
class Server:
    url: str
    pid: int


@dataclass(frozen=True)
class LocalServer:
    """A served folder, and the store that makes links to it."""

    server: Server
    root: Path
    store: LocalStorage

    def leftovers(self) -> list[Path]:
        """What lies half received, half joined or half deleted."""
        return [path for path in (self.root / ".uploads").rglob("*") if path.suffix in {".tmp", ".gone"}]


@contextmanager
def serve(script: str, *arguments: str) -> Iterator[Server]:
    """Run a script on a socket that already listens: whoever connects early just waits."""
    with socket.create_server(("127.0.0.1", 0), backlog=100) as listener:
        port = listener.getsockname()[1]
        command = [sys.executable, str(HERE / script), str(listener.fileno()), *arguments]
        path = {"PYTHONPATH": str(HERE.parents[1])}
        process = subprocess.Popen(
            command, pass_fds=[listener.fileno()], env={**os.environ, **path}, stderr=subprocess.DEVNULL
        )
    try:
        yield Server(f"http://127.0.0.1:{port}", process.pid)
    finally:
        process.kill()
        process.wait()


@contextmanager
def serve_folder(root: Path, *, most_bytes: int = 2**40) -> Iterator[LocalServer]:
    with serve("serve_files.py", str(root), SECRET, ALLOWED_ORIGIN, str(most_bytes)) as server:
        store = LocalStorage(root, public_url=server.url, signer=Signer(SECRET, utc_now))
        yield LocalServer(server, store._folder.root, store)


def s3_address(endpoint: str) -> S3Address:
    return S3Address(BUCKET, region="us-east-1", endpoint=endpoint, access_key="test-key", secret_key="test-secret")


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve a connection by never answering."""
    await reader.read()
    writer.close()
