"""`make demo FILE=clip.mp4`: uploads a file to the running product, watches it become a version, shows what it is."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.table import Table
from websockets.exceptions import ConnectionClosed

from domain.permissions import Role
from local.client import Client, OperationFailed
from local.people import PEOPLE, password_of
from local.programs import ROOT

STEPS = {
    "DOWNLOAD": "fetching the file",
    "VERIFY": "checking its SHA-256",
    "PROBE": "reading what it is",
    "POSTER": "making the still picture",
    "PROXY": "making the proxy",
    "STORE": "storing the results",
}


async def demo(console: Console, url: str, file: Path, data: Path) -> bool:
    """The whole journey of one file; whether it became a version."""
    email = PEOPLE[Role.EDITOR][1]
    async with Client(url) as client:
        await client.sign_in(email, password_of(email, (data / "secret").read_text().strip()))
        me = await client.do("Viewer")
        team = me["memberships"]["nodes"][0]["team"]
        console.print(f"Signed in as [bold]{me['name']}[/] of [bold]{team['name']}[/].")
        video = await client.do("CreateVideo", input={"teamId": team["id"], "title": file.stem[:200] or "Untitled"})
        with Progress(
            TextColumn("{task.description:26}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"), console=console
        ) as progress:
            job = await _upload(progress, client, video["id"], file)
            job = await _follow(progress, client, job["id"])
        if job["failure"]:
            console.print(f"[bold red]{job['failure']['code']}[/]  {job['failure']['message']}")
            return False
        shown = await client.do("Video", id=video["id"])
        version = shown["versions"]["nodes"][0]
        console.print(_details(version))
        for name, link in (("play", "proxyUrl"), ("poster", "posterUrl"), ("original", "originalUrl")):
            console.print(f"[bold]{name}[/]\n{version[link]}", soft_wrap=True, highlight=False)
        return True


async def _upload(progress: Progress, client: Client, video_id: str, file: Path) -> Any:
    size = max((await asyncio.to_thread(file.stat)).st_size, 1)
    task = progress.add_task("uploading", total=size)
    job = await client.upload(video_id, file, lambda count: progress.advance(task, count))
    progress.update(task, completed=size, description="uploaded")
    return job


async def _follow(progress: Progress, client: Client, job_id: str) -> Any:
    """Watches the job to its end, on a new socket whenever one breaks."""
    task = progress.add_task("waiting for a worker", total=100)
    while True:
        try:
            async with client.follow("JobProgress", id=job_id) as events:
                async for event in events:
                    told = event["data"]["jobProgress"]
                    progress.update(task, completed=told["percent"], description=STEPS.get(told["step"], "waiting"))
            job = await client.do("Job", id=job_id)
            progress.update(task, description=job["state"].lower())
            return job
        except (ConnectionClosed, OSError):
            await asyncio.sleep(0.5)


def _details(version: dict[str, Any]) -> Table:
    rate = version["frameRate"]
    table = Table(title=f"Version {version['number']} of {version['fileName']}", show_header=False)
    rows = {
        "duration": f"{version['durationMs'] / 1000:.3f} s, {version['frameCount']} frames",
        "picture": f"{version['width']} × {version['height']}, {version['videoCodec']}"
        + (f", turned by {version['rotation']}°" if version["rotation"] else ""),
        "frame rate": f"{rate['numerator']}/{rate['denominator']}"
        + (" (varies)" if version["variableFrameRate"] else ""),
        "sound": version["audioCodec"] or "none",
        "file": f"{version['size']:,} bytes, {version['container']}, {version['bitRate'] // 1000:,} kbit/s",
        "SHA-256": version["sha256"],
    }
    for name, value in rows.items():
        table.add_row(name, str(value))
    return table


def main() -> None:
    """The command: exit status 1 when the file did not become a version."""
    parser = argparse.ArgumentParser(prog="make demo FILE=…", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--url", default=f"http://127.0.0.1:{os.environ.get('PORT') or 8000}")
    parser.add_argument("--data", type=Path, default=ROOT / ".data")
    given = parser.parse_args()
    console = Console()
    if not given.file.is_file():
        sys.exit(f"There is no file {given.file}.")
    try:
        became_a_version = asyncio.run(demo(console, given.url, given.file, given.data))
    except httpx.ConnectError:
        sys.exit(f"Nothing answers at {given.url}: run `make run` first, in another terminal.")
    except FileNotFoundError as error:
        sys.exit(f"{error.filename} is missing: run `make run` first.")
    except OperationFailed as error:
        sys.exit(f"The API refused: {error}")
    sys.exit(0 if became_a_version else 1)


if __name__ == "__main__":
    main()
