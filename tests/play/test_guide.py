"""docs/api.md, read along by somebody who has never seen us: all its code is run, and answers what is shown.

The Python is run everywhere; what is for `curl` and for Node, where these are.
"""

import asyncio
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from threading import Timer
from typing import Any

import pytest

from tests import clips
from tests.factories import PASSWORD, Factory
from tests.guide import DOCS, Block, Snippet, differences, snippets
from tests.studio import Studio, running

HERE = Path(__file__).parent
GUIDE = DOCS / "api.md"
ADDRESS = "http://127.0.0.1:8000"
NODE = ["node", "--experimental-websocket"]
"""Needed before Node 22, and no harm since."""
SECONDS = 180
"""In which all that is pasted must have come to its end: what waits for ever is a fault of the guide."""
NEXT = "-- next block --"
STAYS = """
changes = stay(CHANGES, {"id": video["id"]}, TOKEN, after=last)
next(changes)
"""
AFTER_A_RESTART = """
do(EDIT, {"input": {"id": video["id"], "title": "After the restart"}}, TOKEN)
show(next(changes)["data"]["videoChanged"]["video"]["title"])
"""


@pytest.fixture(scope="module")
def product(studio: Studio, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """The shared product with an API as `make run` starts it: in development, where the mailbox is a page."""
    shared = {name: studio.environment[name] for name in ("STORAGE_URL", "SMTP_URL")}
    folder = tmp_path_factory.mktemp("guide")
    beside = Studio(folder, studio.database_url, studio.redis_url, ENVIRONMENT="development", **shared)
    with running(beside, "api") as product:
        yield product


@pytest.fixture(autouse=True)
async def nothing_was_tried(studio: Studio) -> None:
    await studio.forget_tries()


class Reader:
    """A Python session that blocks of the guide are pasted into."""

    def __init__(self, process: subprocess.Popen[str], product: Studio) -> None:
        self._process = process
        self._product = product

    def paste(self, block: Block) -> str:
        """Runs the block; what it has printed."""
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(json.dumps([block.line, at(self._product, block.text)]) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        assert line, f"docs/api.md does not run:\n{process.stderr.read()}"
        return str(json.loads(line))


@contextmanager
def reader(folder: Path, product: Studio) -> Iterator[Reader]:
    """A session in a folder like that of `make run`; it knows nothing of our code."""
    (folder / ".data").mkdir()
    clips.mp4(folder).rename(folder / ".data" / "sample.mp4")
    command = [sys.executable, "-I", str(HERE / "read_along.py")]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=folder, text=True, env={}, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        end = Timer(SECONDS, process.kill)
        end.start()
        try:
            yield Reader(process, product)
        finally:
            end.cancel()
            process.kill()


def at(product: Studio, code: str) -> str:
    """The code, for where the product runs now."""
    return code.replace(ADDRESS, product.url)


def wrong(snippet: Snippet, said: str) -> list[str]:
    """In what the guide does not show what the snippet has said."""
    if snippet.answer is None:
        found = ["it prints something, and no answer is shown"] if said else []
    else:
        found = differences(snippet.answer, said)
    return [f"docs/api.md:{snippet.code.line}: {each}" for each in found]


def test_the_python_answers_what_is_shown(product: Studio, tmp_path: Path) -> None:
    with reader(tmp_path, product) as session:
        found = [wrong(snippet, session.paste(snippet.code)) for snippet in snippets(GUIDE, "python")]
    assert list(chain.from_iterable(found)) == []


def test_whoever_stays_hears_on_after_a_restart(product: Studio, tmp_path: Path) -> None:
    """What the guide says to do about it is enough."""
    with reader(tmp_path, product) as session:
        for snippet in snippets(GUIDE, "python"):
            session.paste(snippet.code)
            if "def stay(" in snippet.code.text:
                break
        session.paste(Block("python", 1, STAYS))
        product.stop("api")
        product.start("api")
        product.wait_until_ready()
        assert json.loads(session.paste(Block("python", 1, AFTER_A_RESTART))) == "After the restart"


@pytest.mark.skipif(shutil.which("curl") is None, reason="There is no curl on this machine: its lines are not run.")
@pytest.mark.parametrize("snippet", snippets(GUIDE, "sh"), ids=lambda snippet: f"line {snippet.code.line}")
def test_curl_answers_what_is_shown(product: Studio, snippet: Snippet) -> None:
    command = ["sh", "-euc", at(product, snippet.code.text)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert wrong(snippet, ran.stdout) == []


def node_has_sockets() -> bool:
    if shutil.which("node") is None:
        return False
    asked = [*NODE, "-e", "process.exit(typeof WebSocket === 'function' ? 0 : 1)"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not node_has_sockets(), reason="There is no Node with websockets here: the JavaScript is not run.")
async def test_the_javascript_answers_what_is_shown(product: Studio, make: Factory, tmp_path: Path) -> None:
    crew = await make.crew()
    await make.video(crew)
    ada = await make.secured(crew.owner)
    ada.user.name = "Ada"
    await ada.user.save()
    found = snippets(GUIDE, "js")
    page = "\n".join(f'{at(product, snippet.code.text)}\nconsole.log("{NEXT}");' for snippet in found)
    for shown, given in (("ada@example.com", ada.user.email), ("Ada's password", PASSWORD)):
        assert shown in page
        page = page.replace(shown, given)
    (tmp_path / "page.mjs").write_text(f'import "{HERE / "as_a_browser.mjs"}";\n{page}')
    environment = {"ORIGIN": product.url, "PATH": str(Path(shutil.which("node") or "").parent)}
    command = [*NODE, str(tmp_path / "page.mjs")]
    options: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 60, "check": False}
    ran = await asyncio.to_thread(subprocess.run, command, env=environment, **options)
    assert ran.returncode == 0, ran.stderr
    said = ran.stdout.split(f"{NEXT}\n")
    said[-2:] = ["".join(said[-2:])]  # what comes after the last block's end is the last block's
    assert list(chain.from_iterable(map(wrong, found, said))) == []


def test_the_address_is_written_in_one_way() -> None:
    """Otherwise some of the code would be run against whatever runs on this machine."""
    addresses = set(re.findall(r"\w+://[\w.]+:\d+", GUIDE.read_text(encoding="utf-8")))
    assert addresses == {ADDRESS}
