import re
import subprocess

from local.programs import ROOT

TEXT = (ROOT / "Makefile").read_text()


def test_help_is_the_default_and_lists_every_target():
    listed = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^([a-z-]+):", TEXT, re.MULTILINE)
    assert re.findall(r"^  make ([\w-]+) ", listed, re.MULTILINE) == targets
    assert set(targets) == set(" ".join(re.findall(r"^\.PHONY: (.*)$", TEXT, re.MULTILINE)).split())


def test_the_machine_that_checks_runs_make_test():
    file = ROOT / ".ci/run"
    assert file.stat().st_mode & 0o111
    assert "make test" in file.read_text()
