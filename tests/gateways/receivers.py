"""Receivers of webhooks: a process that plays them, traps that nobody may step into, and certificates to show."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from local.programs import ROOT

RECEIVER = "127.0.0.2"
"""Where a receiver is that tests take for public."""
NAME = "receiver.example"


class Authority:
    """Signs certificates; `file` is its own."""

    def __init__(self, folder: Path, name: str = "an authority") -> None:
        self._folder, self._name, self._key = folder, _named(name), ec.generate_private_key(ec.SECP256R1())
        built = _builder(self._name, self._name, self._key.public_key(), timedelta(days=1))
        built = built.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(built.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM))

    def certificate(self, *names: str, good_for: timedelta = timedelta(days=1)) -> Path:
        """A key and a certificate for hosts, in one file."""
        key = ec.generate_private_key(ec.SECP256R1())
        hosts = x509.SubjectAlternativeName([_host(name) for name in names])
        built = _builder(_named(names[0]), self._name, key.public_key(), good_for).add_extension(hosts, critical=False)
        file = self._folder / f"{x509.random_serial_number()}.pem"
        file.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + built.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)
        )
        return file


@dataclass(frozen=True)
class Receivers:
    """The ports of one process: plain, and with TLS by what its certificate is."""

    pid: int
    ports: dict[str, int]
    ca_file: Path

    def url(self, path: str, kind: str = "plain", host: str = "localhost") -> str:
        return f"{'http' if kind == 'plain' else 'https'}://{host}:{self.ports[kind]}/{path}"


@contextmanager
def receiving(folder: Path, host: str = "127.0.0.1") -> Iterator[Receivers]:
    """The process that does what paths say (see `serve_webhooks.py`)."""
    known, unknown = Authority(folder), Authority(folder, "nobody we know")
    shown = {
        "plain": "",
        "good": known.certificate("localhost", NAME, "127.0.0.1"),
        "self_signed": unknown.certificate("localhost"),
        "wrong_name": known.certificate("elsewhere.example"),
        "expired": known.certificate("localhost", good_for=timedelta(hours=-1)),
    }
    listeners = {kind: socket.create_server((host, 0), backlog=200) for kind in shown}
    described = {listeners[kind].fileno(): str(shown[kind]) for kind in shown}
    command = [sys.executable, "-m", "tests.gateways.serve_webhooks", json.dumps(described)]
    process = subprocess.Popen(command, cwd=ROOT, pass_fds=list(described), stdin=subprocess.PIPE)
    assert process.stdin is not None
    ports = {kind: listener.getsockname()[1] for kind, listener in listeners.items()}
    for listener in listeners.values():
        listener.close()
    try:
        yield Receivers(process.pid, ports, known.file)
    finally:
        process.stdin.close()
        process.kill()
        process.wait()


class Trap:
    """Listens where nothing may arrive, and knows whether somebody has connected."""

    def __init__(self, host: str = "127.0.0.1", port: int = 0) -> None:
        self._listener = socket.create_server((host, port), backlog=50)
        self._listener.setblocking(False)
        self.port = int(self._listener.getsockname()[1])

    def is_untouched(self) -> bool:
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return True
        return False

    def close(self) -> None:
        self._listener.close()


@contextmanager
def black_hole() -> Iterator[int]:
    """A port whose queue is full: whoever knocks is not even refused."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        port = listener.getsockname()[1]
        waiting = [socket.socket() for _ in range(8)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(("127.0.0.1", port))
        try:
            yield port
        finally:
            for each in waiting:
                each.close()


def closed_port() -> int:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, good_for: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(issuer, subject, key, x509.random_serial_number())
    return builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + good_for)


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _host(name: str) -> x509.GeneralName:
    return x509.IPAddress(ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
