"""A provider that lies, each client id in its own way: `serve_lying_oidc.py FD`.

It sends whoever comes straight back, with a code that holds the nonce; what it then signs is decided by the client id.
"""

import os
import socket
import sys
import time
from base64 import b64decode
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

KEY, OTHER = (RSAKey.generate_key(2048, {"kid": "only"}) for _ in range(2))


def signed(claims: dict[str, Any], key: Any = KEY, algorithm: str = "RS256") -> str:
    return jwt.encode({"alg": algorithm, "kid": "only"}, claims, key, algorithms=[algorithm])


def unsigned(claims: dict[str, Any]) -> str:
    _head, body, _ = signed(claims).split(".")
    return f"eyJhbGciOiJub25lIn0.{body}."


LIES: dict[str, Callable[[dict[str, Any]], str]] = {
    "honest": signed,
    "unvouched": lambda claims: signed(claims | {"email_verified": False}),
    "replayed": lambda claims: signed(claims | {"nonce": "another sign-in's"}),
    "for-others": lambda claims: signed(claims | {"aud": "another client"}),
    "of-others": lambda claims: signed(claims | {"iss": "https://somebody.example"}),
    "late": lambda claims: signed(claims | {"exp": int(time.time()) - 1000}),
    "forged": lambda claims: signed(claims, OTHER),
    "unsigned": unsigned,
    "by-our-secret": lambda claims: signed(claims, OctKey.import_key("secret"), "HS256"),
    "garbage": lambda _claims: "no token at all",
}


def base() -> str:
    with socket.socket(fileno=os.dup(int(sys.argv[1]))) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def about(request: Request) -> Response:
    issuer = base() if request.path_params["client"] != "impostor" else "https://somebody.example"
    told = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
    return JSONResponse(
        {"issuer": f"{issuer}/{request.path_params['client']}"}
        | {name: base() + path for name, path in told.items()}
        | {"id_token_signing_alg_values_supported": ["RS256", "HS256", "none"]}
    )


async def authorize(request: Request) -> Response:
    asked = request.query_params
    return RedirectResponse(f"{asked['redirect_uri']}?code={asked['nonce']}&state={asked['state']}")


async def token(request: Request) -> Response:
    form = dict(parse_qsl((await request.body()).decode()))
    client = b64decode(request.headers["authorization"].removeprefix("Basic ")).decode().partition(":")[0]
    now = int(time.time())
    claims = {
        "iss": f"{base()}/{client}",
        "sub": f"subject of {client}",
        "aud": client,
        "exp": now + 300,
        "iat": now,
        "nonce": form["code"],
        "email": f"{client}@somewhere.example",
        "email_verified": True,
        "name": "Lia",
    }
    return JSONResponse({"access_token": "x", "token_type": "Bearer", "id_token": LIES[client](claims)})


async def keys(_request: Request) -> Response:
    return JSONResponse({"keys": [KEY.as_dict(private=False)]})


ROUTES = [
    Route("/{client}/.well-known/openid-configuration", about),
    Route("/authorize", authorize),
    Route("/token", token, methods=["POST"]),
    Route("/keys", keys),
]

if __name__ == "__main__":
    uvicorn.run(Starlette(routes=ROUTES), fd=int(sys.argv[1]), log_level="error")
