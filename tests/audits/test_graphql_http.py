"""GraphQL over HTTP, as the public audit suite of its specification (npm: graphql-http) judges it."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.studio import Studio

HERE = Path(__file__).parent
INSTALLED = (HERE / "node_modules/graphql-http").is_dir()
FEWEST = 60
"""Audits that the suite has had since its version 1.22: fewer would mean that it was not run whole."""


@pytest.mark.skipif(shutil.which("node") is None, reason="There is no Node on this machine to run the audits with.")
@pytest.mark.skipif(not INSTALLED, reason="The audits are not installed: `make test` does it where there is npm.")
def test_all_public_audits_pass_also_what_a_server_only_should_or_may(telling: Studio) -> None:
    ran = subprocess.run(
        ["node", HERE / "audit.mjs", f"{telling.url}/graphql"], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 0, ran.stderr
    results = json.loads(ran.stdout)
    assert len(results) >= FEWEST
    assert [result for result in results if result["status"] != "ok"] == []
