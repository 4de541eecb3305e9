"""What an operator can set: environment variables, read once, here and nowhere else."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

KIB, MIB, GIB = 1024, 1024**2, 1024**3


class Settings(BaseSettings):
    """One frozen value, made by the entry points (`app.py`, `python -m workers.…`) and handed down from there.

    Every field is the environment variable of the same name in capitals: `database_url` is `DATABASE_URL`.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    environment: Literal["development", "production"] = Field(
        "production", description="`development` serves GraphiQL and prints logs for people."
    )
    database_url: str = Field(description="`postgres://user:password@host:5432/name`, or `?host=/folder`.")
    redis_url: str = Field(description="`redis://host:6379/0` or `unix:///path/to/socket?db=0`.")
    storage_url: str = Field(description="`s3://bucket?endpoint=…&region=…` or `file:/absolute/folder`.")
    smtp_url: str = Field(description="`smtp://user:password@host:587`, `smtps://…:465`, or `mailbox:/folder`.")
    secret_key: SecretStr = Field(min_length=32, description="Signs links of the local store. At least 32 characters.")
    public_url: str = Field("http://127.0.0.1:8000", description="Where clients reach the API; links begin with it.")
    allowed_origins: tuple[str, ...] = Field((), description="JSON list of other web origins that may use the cookie.")
    mail_from: str = Field("Video Creator <no-reply@localhost>", description="Sender of every e-mail.")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    database_connections: int = Field(10, ge=1, description="Most connections one process opens to PostgreSQL.")
    session_days: int = Field(30, ge=1, description="A session ends this long after it began.")
    link_seconds: int = Field(3600, ge=60, description="How long a signed link to a file is valid.")
    upload_max_bytes: int = Field(20 * GIB, ge=1, description="Largest file that `startUpload` accepts.")
    upload_part_bytes: int = Field(16 * MIB, ge=5 * MIB, description="Smallest part size offered; grows with the file.")
    upload_hours: int = Field(24, ge=1, description="An upload not completed within this time is thrown away.")

    video_max_pixels: int = Field(8192 * 4320, ge=1, description="Largest picture, width × height, taken in.")
    video_max_seconds: int = Field(4 * 3600, ge=1, description="Longest video taken in.")
    media_threads: int = Field(2, ge=1, description="Threads that one media child may use.")
    media_memory_bytes: int = Field(2 * GIB, ge=512 * MIB, description="Address space of one media child.")
    media_wall_seconds: int = Field(4 * 3600, ge=1, description="Longest run of one media child.")
    media_jobs: int = Field(1, ge=1, description="Jobs that one media worker runs at a time.")
    io_jobs: int = Field(10, ge=1, description="Jobs that one io worker runs at a time.")
    work_dir: Path = Field(Path("/tmp/video-creator"), description="Scratch space of media workers.")  # noqa: S108

    job_lease_seconds: float = Field(15, gt=0, description="A job whose worker is silent for this long is taken away.")
    job_heartbeat_seconds: float = Field(5, gt=0, description="How often a worker renews its lease.")
    job_sweep_seconds: float = Field(5, gt=0, description="How often lost and unwoken jobs are looked for.")
    job_attempts: int = Field(3, ge=1, description="A job that loses its worker this often has failed.")
    relay_poll_seconds: float = Field(2, gt=0, description="How often the relay looks without being told to.")
