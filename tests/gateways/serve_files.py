"""Serve a local store: `python serve_files.py <listening socket> <folder> <secret> <origin> <most bytes of a file>`."""

import resource
import socket
import sys

import uvicorn
from starlette.applications import Starlette

from domain.clock import utc_now
from gateways.storage import storage_routes


def main(descriptor: str, folder: str, secret: str, origin: str, most_bytes: str) -> None:
    listener = socket.socket(fileno=int(descriptor))
    host, port = listener.getsockname()
    routes = storage_routes(
        f"file:{folder}",
        public_url=f"http://{host}:{port}",
        secret=secret,
        clock=utc_now,
        allowed_origins=[origin],
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(most_bytes), int(most_bytes)))
    # A small limit of the application must not reach the files.
    app = Starlette(routes=routes, max_body_size=100_000)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
