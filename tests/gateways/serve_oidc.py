"""A provider of OpenID Connect on a socket that already listens: `serve_oidc.py FD`."""

import os
import sys

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # plain HTTP, on this machine

import uvicorn
from oidc_provider_mock import app

if __name__ == "__main__":
    uvicorn.run(app(require_nonce=True), interface="wsgi", fd=int(sys.argv[1]), log_level="error")
