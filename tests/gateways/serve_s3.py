"""Serve an S3 for tests, in memory: `python serve_s3.py <listening socket>`."""

import sys

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server


def main(descriptor: str) -> None:
    app = DomainDispatcherApplication(create_backend_app)
    make_server("127.0.0.1", 0, app, threaded=True, fd=int(descriptor)).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
