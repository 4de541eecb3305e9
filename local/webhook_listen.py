"""A receiver of webhooks that shows them: `python -m local.webhook_listen`, behind `make webhook-listen`.

It says of each delivery which event it is, how often it has come, and whether its signature is right.
"""

import argparse
import hmac
import json
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock

from domain.clock import utc_now
from domain.webhooks.signatures import signed_headers

PATIENCE = timedelta(minutes=5)
"""How old a signature may be, or how far ahead: as the public libraries have it."""
_MOST = 10 * 1024 * 1024


def main() -> None:
    """Listen until Ctrl-C."""
    asked = _parsed()
    try:
        server = ThreadingHTTPServer((asked.host, asked.port), _receiver(asked.secret, asked.answer))
    except OSError as error:
        sys.exit(f"Nobody can listen at port {asked.port}: {error.strerror}.")
    shown = "verifying" if asked.secret else "without verifying: say SECRET=whsec_… to have it done"
    print(f"http://localhost:{server.server_port}/ answers {asked.answer}, {shown}. Ctrl-C ends it.", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        print()


def verdict(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Whether both signatures of a delivery are right, in words; the names of `headers` are in lower case."""
    try:
        at = datetime.fromtimestamp(int(headers.get("webhook-timestamp", "")), UTC)
    except (ValueError, OverflowError, OSError):
        return "WRONG: webhook-timestamp is missing, or is no number of seconds"
    identity, kind = headers.get("webhook-id", ""), headers.get("x-webhook-event", "")
    ours = signed_headers([secret], message_id=identity, at=at, body=body, event_type=kind)
    given = headers.get("webhook-signature", "").split(" ")
    if not any(_same(ours["webhook-signature"], each) for each in given):
        return "WRONG: webhook-signature is by another secret, or of something else"
    if abs(now - at) > PATIENCE:
        return f"WRONG: it was signed {now - at} ago"
    simple = _same(ours["X-Webhook-Signature"], headers.get("x-webhook-signature", ""))
    return "right" if simple else "right; X-Webhook-Signature is by another secret"


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode(errors="surrogateescape"))


def _receiver(secret: str, status: int) -> type[BaseHTTPRequestHandler]:
    seen: Counter[str] = Counter()
    turn = Lock()

    class Receiver(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            """Show a delivery, and answer."""
            body = self.rfile.read(min(int(self.headers.get("Content-Length", "0")), _MOST))
            headers = {name.lower(): str(value) for name, value in self.headers.items()}
            with turn:
                print(_shown(secret, headers, body, seen), flush=True)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing: what is to be said is said."""

    return Receiver


def _shown(secret: str, headers: Mapping[str, str], body: bytes, seen: Counter[str]) -> str:
    identity = headers.get("webhook-id", "without an id")
    seen[identity] += 1
    lines = [
        f"--- {headers.get('x-webhook-event', 'without a type')}  {identity}  attempt {seen[identity]}",
        f"signature: {verdict(secret, headers, body, utc_now()) if secret else 'not looked at'}",
        _pretty(body),
        "",
    ]
    return "\n".join(lines)


def _pretty(body: bytes) -> str:
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except ValueError:
        return f"no JSON: {body[:1000]!r}"


def _parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.webhook_listen", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="where to listen: this machine alone")
    parser.add_argument("--port", type=int, default=9000, help="9000; 0 for any that is free")
    parser.add_argument("--secret", default="", type=_secret, help="whsec_…, to verify")
    parser.add_argument("--answer", type=int, default=204, choices=range(200, 600), metavar="200–599", help="204")
    return parser.parse_args()


def _secret(text: str) -> str:
    if text:
        try:
            signed_headers([text], message_id="", at=utc_now(), body=b"", event_type="")
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error
    return text


if __name__ == "__main__":
    main()
