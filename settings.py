"""What an operator can set: environment variables, read once, here and nowhere else."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from domain.errors import Unavailable
from domain.webhooks.addresses import DEFAULT_PORTS
from gateways.mail.base import MOST_BOUNCE_NAME, MailRefused, parse_address, parse_sender
from gateways.mail.opening import mailbox_folder

T = TypeVar("T")
KIB, MIB, GIB = 1024, 1024**2, 1024**3
MOST_NODES = 10_000
"""Of one operation: see `plan/costs.py`, which is too much to import for a worker."""


class OidcSettings(BaseModel):
    """One OpenID Connect provider, as `gateways.oidc.OidcProvider` wants it."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    key: str = Field(pattern=r"^[a-z0-9-]{1,30}$")
    name: str = Field(min_length=1, max_length=50)
    issuer: str
    client_id: str
    client_secret: SecretStr

    @field_validator("issuer")
    @classmethod
    def _is_safe(cls, url: str) -> str:
        parts = _parts(url)
        here = parts.hostname in ("localhost", "127.0.0.1", "::1")
        _require(parts.scheme == "https" or (parts.scheme == "http" and here), "an issuer begins with https://")
        return url


class Settings(BaseSettings):
    """One frozen value, made by the entry points (`app.py`, `python -m workers.…`) and handed down from there.

    Every field is the environment variable of the same name in capitals: `database_url` is `DATABASE_URL`.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    environment: Literal["development", "production"] = Field(
        "production",
        description="`development` prints logs for people instead of JSON, and shows the local mailbox at /mailbox.",
    )
    database_url: str = Field(description="`postgres://user:password@host:5432/name`, or `?host=/folder`.")
    database_pooler: Literal["none", "transaction"] = Field(
        "none", description="`transaction` where DATABASE_URL leads to a PgBouncer in that mode."
    )
    database_direct_url: str | None = Field(
        None,
        validate_default=True,
        description="The database itself, past a pooler: the relay and migrations need sessions of their own.",
    )
    database_replica_url: str | None = Field(
        None, description="One server that follows the database by streaming; queries are read there."
    )
    redis_url: str = Field(description="`redis://host:6379/0` or `unix:///path/to/socket?db=0`.")
    storage_url: str = Field(description="`s3://bucket?endpoint=…&region=…` or `file:/absolute/folder`.")
    smtp_url: str = Field(description="`smtp://user:password@host:587`, `smtps://…:465`, or `mailbox:/folder`.")
    secret_key: SecretStr = Field(
        description="Signs and seals: links of the local store, device tokens, secrets of second factors. At least 32 "
        "characters; with another one than before, apps of second factors are good for nothing."
    )
    public_url: str = Field(
        "http://127.0.0.1:8000",
        description="Where clients reach the API, `https://host`, no path; links begin with it.",
    )
    allowed_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description='JSON list of other web origins of the same site that may use the cookie: `["https://app.example"]`.',
    )
    app_url: str | None = Field(
        None, description="Where people use the product, `https://host`, where that is no page of ours."
    )
    oidc_providers: Annotated[tuple[OidcSettings, ...], NoDecode] = Field(
        (),
        description="JSON list of OpenID Connect providers to sign in with: "
        '`[{"key": "company", "name": "Company", "issuer": "https://id.example", "client_id": "…", '
        '"client_secret": "…"}]`; each must know `PUBLIC_URL/sign-in/<key>/callback`.',
    )
    forwarded_allow_ips: str = Field(
        "127.0.0.1,::1",
        description="Addresses and networks of the proxies in front of the API, `10.0.0.2,172.16.0.0/12`: only these"
        " are believed from where a request comes. uvicorn reads it by itself.",
    )
    mail_from: str = Field(
        "Video Creator <no-reply@localhost>", description="Sender of every e-mail: `Name <address>`."
    )
    mail_bounces_to: str = Field(
        "",
        description="Where mails come back to: `bounces@host`, which takes `bounces+…@host` too. Else: as MAIL_FROM.",
    )
    mail_ca_file: Path | None = Field(
        None, description="Who signs the mail server's certificate (PEM file), if not one whom the system trusts."
    )
    mail_connections: int = Field(4, ge=1, description="Most that one worker opens to the mail server.")
    webhook_ports: Annotated[frozenset[int], NoDecode] = Field(
        DEFAULT_PORTS,
        description="Ports of receivers that webhooks may be sent to, with commas between them: `443,8443`.",
    )
    webhook_loopback: bool | None = Field(
        None,
        description="`on` or `off`: whether webhooks may be sent to this machine itself, at any port, without TLS, too."
        " Else: in development.",
    )
    webhook_seconds: float = Field(10, gt=0, le=60, description="How long a webhook's receiver has to answer.")
    webhook_connections: int = Field(500, ge=1, description="Most that one worker opens to receivers of webhooks.")
    webhook_ca_file: Path | None = Field(
        None, description="Who signs receivers' certificates (PEM file), instead of those whom the system trusts."
    )
    plan: bool = Field(default=True, description="`off` answers every operation without a plan: slower, and the same.")
    documents: Literal["any", "registered"] = Field(
        "any", description="`registered` answers nothing but the operations of OPERATIONS_FILE."
    )
    operations_file: Path = Field(
        Path(__file__).parent / "web" / "operations.json",
        description="Operations known by their hashes, as Apollo's tools write them: the clients' own, or ours.",
    )
    introspection: bool | None = Field(
        None,
        description="`on` or `off`: whether the schema may be asked about itself, and a misspelled name is answered"
        " with a similar one. Else: in development.",
    )
    nodes_per_minute: int = Field(
        200_000,
        ge=0,
        description="What a person, an API key, or an address where nobody is signed in, may have from the API in a"
        " minute: see docs/limits.md. At least 10000, what one operation may cost; 0 for no end.",
    )
    comments_per_minute: int = Field(
        30,
        ge=0,
        description="Comments that one person may make in a minute, and ten times as many in an hour; 0 for no end.",
    )
    turns: bool = Field(
        default=True,
        description="Whether an address that has us read much waits for its turn: see docs/limits.md. `off` where all"
        " come from one address that is trusted, as with a renderer on a server, or what stands in front sees to it.",
    )
    maintenance: bool = Field(
        default=False,
        description="`on` has an API process refuse all changes for as long as it runs; `python -m models.maintain` has"
        " all of them, while they run.",
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least level logged.")
    slow_operation_ms: int = Field(
        500, ge=0, description="An operation that takes so long is logged, without its values; 0: none is."
    )
    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        description="Where traces are sent, by OTLP over HTTP: `http://collector:4318`. Nothing is traced without it.",
    )
    traces_ratio: float = Field(1, ge=0, le=1, description="Of requests and jobs that are traced: all (1) to none (0).")

    database_connections: int = Field(
        10, ge=1, description="Most one process opens to PostgreSQL, an API's to read aside."
    )
    database_read_connections: int = Field(
        10, ge=1, description="Most that an API process opens besides, to read: so many again to a replica."
    )
    session_days: int = Field(30, ge=1, description="A session ends this long after it began.")
    link_seconds: int = Field(3600, ge=60, description="How long a signed link to a file is valid.")
    upload_max_bytes: int = Field(20 * GIB, ge=1, description="Largest file that `startUpload` accepts.")
    upload_part_bytes: int = Field(16 * MIB, ge=5 * MIB, description="Smallest part size offered; grows with the file.")
    upload_hours: int = Field(24, ge=1, description="An upload not completed within this time is thrown away.")

    video_max_pixels: int = Field(8192 * 4320, ge=1, description="Largest picture, width × height, taken in.")
    video_max_seconds: int = Field(4 * 3600, ge=1, le=14 * 86400, description="Longest video taken in.")
    media_threads: int = Field(2, ge=1, description="Threads that one media child may use.")
    media_memory_bytes: int = Field(2 * GIB, ge=512 * MIB, description="Address space of one media child.")
    media_wall_seconds: int = Field(4 * 3600, ge=1, description="Longest run of one media child.")
    media_jobs: int = Field(1, ge=1, description="Jobs that one media worker runs at a time.")
    io_jobs: int = Field(10, ge=1, description="Jobs that one io worker runs at a time.")
    work_dir: Path = Field(Path("/tmp/video-creator"), description="Scratch space of media workers.")  # noqa: S108

    job_lease_seconds: float = Field(15, gt=0, description="A worker silent for so long loses its jobs and webhooks.")
    job_heartbeat_seconds: float = Field(5, gt=0, description="How often a worker renews its lease.")
    job_sweep_seconds: float = Field(5, gt=0, description="How often lost and unwoken jobs are looked for.")
    job_attempts: int = Field(3, ge=1, description="A job that goes wrong, or loses its worker, this often has failed.")
    job_days: int = Field(30, ge=1, description="A job of no team, such as a mail, is deleted this long after its end.")
    relay_poll_seconds: float = Field(2, gt=0, description="How often the relay looks without being told to.")

    @property
    def session_url(self) -> str:
        """The database as who needs a session of their own reaches it."""
        return self.database_direct_url or self.database_url

    @property
    def exploring(self) -> bool:
        """Whether clients may find out what the schema has."""
        return self.environment == "development" if self.introspection is None else self.introspection

    @property
    def webhooks_to_itself(self) -> bool:
        """Whether webhooks may be sent to this machine."""
        return self.environment == "development" if self.webhook_loopback is None else self.webhook_loopback

    @field_validator(
        *("database_direct_url", "database_replica_url", "mail_ca_file", "introspection"),
        *("otel_exporter_otlp_endpoint", "webhook_loopback", "webhook_ca_file"),
        mode="before",
    )
    @classmethod
    def _empty_is_none(cls, given: Any) -> Any:
        return None if given == "" else given

    @field_validator("database_direct_url")
    @classmethod
    def _is_there_beside_a_pooler(cls, url: str | None, about: ValidationInfo) -> str | None:
        _require(url is not None or about.data.get("database_pooler") != "transaction", "a pooler needs it")
        return url

    @field_validator("database_url", "database_direct_url", "database_replica_url")
    @classmethod
    def _names_a_database(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = _parts(url)
        _require(parts.scheme in ("postgres", "postgresql"), "it does not begin with postgres://")
        _require(len(parts.path) > 1, "it names no database")
        return url

    @field_validator("redis_url")
    @classmethod
    def _names_a_redis(cls, url: str) -> str:
        parts = _parts(url)
        _require(parts.scheme in ("redis", "rediss", "unix"), "it begins neither with redis:// nor with unix://")
        _require(bool(parts.path if parts.scheme == "unix" else parts.hostname), "it names no server")
        return url

    @field_validator("storage_url")
    @classmethod
    def _names_a_store(cls, url: str) -> str:
        parts = _parts(url)
        local = parts.scheme == "file" and not parts.netloc and parts.path.startswith("/")
        _require(local or (parts.scheme == "s3" and bool(parts.hostname)), "it names neither a bucket nor a folder")
        return url

    @field_validator("smtp_url")
    @classmethod
    def _names_a_mail_server(cls, url: str) -> str:
        parts = _parts(url)
        server = parts.scheme in ("smtp", "smtps") and bool(parts.hostname)
        _require(server or mailbox_folder(url) is not None, "it names neither a mail server nor a folder")
        return url

    @field_validator("mail_from")
    @classmethod
    def _is_a_sender(cls, sender: str) -> str:
        return _addressed(sender, lambda: parse_sender(sender))

    @field_validator("mail_bounces_to")
    @classmethod
    def _takes_bounces(cls, address: str) -> str:
        _require(len(address.partition("@")[0]) <= MOST_BOUNCE_NAME, "it is too long before the @")
        return _addressed(address, lambda: parse_address(address)) if address else ""

    @field_validator("webhook_ports", mode="before")
    @classmethod
    def _are_ports(cls, given: Any) -> Any:
        parts = [part.strip() for part in given.split(",")] if isinstance(given, str) else given
        ports = frozenset(int(part) if str(part).isdecimal() else 0 for part in parts)
        _require(bool(ports) and all(0 < port < 65536 for port in ports), "it names something else than ports")
        return ports

    @field_validator("nodes_per_minute")
    @classmethod
    def _allows_an_operation(cls, nodes: int) -> int:
        _require(nodes == 0 or nodes >= MOST_NODES, "it is too small for one operation")
        return nodes

    @field_validator("secret_key")
    @classmethod
    def _is_long(cls, key: SecretStr) -> SecretStr:
        _require(len(key.get_secret_value()) >= 32, "it is too short")
        return key

    @field_validator("otel_exporter_otlp_endpoint")
    @classmethod
    def _takes_traces(cls, url: str | None) -> str | None:
        if url is not None:
            parts = _parts(url)
            _require(parts.scheme in ("http", "https") and bool(parts.hostname), "it does not begin with http(s)://")
        return url

    @field_validator("public_url", "app_url")
    @classmethod
    def _is_an_origin(cls, url: str | None) -> str | None:
        return _origin(url.removesuffix("/")) if url else None

    @field_validator("oidc_providers", mode="before")
    @classmethod
    def _are_providers(cls, given: Any) -> Any:
        listed = _listed(given)
        _require(all(isinstance(each, dict) for each in listed), "each provider is an object")
        keys = [each.get("key") for each in listed]
        _require(len(set(map(str, keys))) == len(keys), "two providers have the same key")
        return listed

    @field_validator("forwarded_allow_ips")
    @classmethod
    def _are_addresses(cls, given: str) -> str:
        # uvicorn takes what is no address for a name, and `*` for everybody: either would be found out by an attacker.
        for part in filter(None, given.split(",")):
            _require(_is_network(part.strip()), "it names something else than addresses and networks")
        return given

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _are_origins(cls, given: Any) -> tuple[str, ...]:
        listed = _listed(given)
        _require(all(isinstance(each, str) for each in listed), "it is no JSON list of texts")
        return tuple(map(_origin, listed))


def load() -> Settings:
    """The settings of the environment; where they are wrong, a sentence a variable and the end of the process."""
    try:
        return Settings()
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_input=False)
        first = {each["loc"][0]: each for each in reversed(wrong)}
        sys.exit("\n".join(_sentence(first[name]) for name in dict.fromkeys(each["loc"][0] for each in wrong)))


def run(command: Coroutine[Any, Any, T]) -> T:
    """Runs a command to its end; where a service that it needs is away, a sentence and the end of the process."""
    try:
        return asyncio.run(command)
    except (ConnectionError, Unavailable) as error:
        sys.exit(str(error))


def _sentence(error: ErrorDetails) -> str:
    """What is wrong with a variable, and what is expected; never its value, which may be a secret."""
    field = str(error["loc"][0])
    expected = f"Expected: {Settings.model_fields[field].description}"
    if error["type"] == "missing" and len(error["loc"]) == 1:
        return f"{field.upper()} is missing. {expected}"
    reason = str(error.get("ctx", {}).get("error") or error["msg"])
    return f"{field.upper()} is wrong: {reason[0].lower()}{reason[1:]}. {expected}"


def _require(condition: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not condition:
        raise ValueError(otherwise)


def _addressed(text: str, parse: Callable[[], object]) -> str:
    try:
        parse()
    except MailRefused:
        raise ValueError("it is no e-mail address") from None
    return text


def _listed(given: Any) -> list[Any]:
    try:
        listed = json.loads(given) if isinstance(given, str) else given
    except json.JSONDecodeError:
        listed = None
    _require(isinstance(listed, list | tuple), "it is no JSON list")
    return list(listed)


def _parts(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises, too
    except ValueError:  # whose message repeats part of the URL
        raise ValueError("it is no URL") from None
    return parts


def _is_network(text: str) -> bool:
    try:
        return ip_network(text).prefixlen > 0  # otherwise it is everybody
    except ValueError:
        return False


def _origin(url: str) -> str:
    parts = _parts(url)
    _require(parts.scheme in ("http", "https") and bool(parts.hostname), "an address begins with http:// or https://")
    _require(url == f"{parts.scheme}://{parts.netloc}" and "@" not in url, "an address has nothing after host and port")
    return url
