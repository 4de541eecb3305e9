"""docs/events.md is what the catalogue of events tells today."""

import json
import re
from dataclasses import fields

import pytest

from domain.events import EVENT_TYPES
from domain.webhooks.catalogue import EVENT_KINDS, WITHHELD
from domain.webhooks.envelope import NOT_IN_DATA
from local import event_guide
from local.errors import LocalError
from local.event_guide import GUIDE, MARK, main, written
from tests.guide import blocks


def test_the_page_is_todays() -> None:
    page = GUIDE.read_text(encoding="utf-8")
    assert written(page) == page


@pytest.mark.parametrize("name", sorted(EVENT_TYPES))
def test_every_event_is_on_the_page(name: str) -> None:
    page = GUIDE.read_text(encoding="utf-8").partition(MARK)[2]
    if name in WITHHELD:
        assert re.search(rf"^\| `{name}` \| .+ \| {WITHHELD[name]} \|$", page, re.MULTILINE)
        assert f"\n## {name}\n" not in page
        return
    _, head, rest = page.partition(f"\n## {name}\n")
    section = rest.partition("\n## ")[0]
    assert head
    assert ("**To come:**" in section) is not EVENT_KINDS[name].recorded
    for field in {each.name for each in fields(EVENT_TYPES[name])} - NOT_IN_DATA:
        assert re.search(rf"^\| `{field}` \| [^|]+ \| [^|]+\. \|$", section, re.MULTILINE), field


def test_every_example_on_the_page_is_json_of_a_type() -> None:
    shown = [json.loads(block.text) for block in blocks(GUIDE) if block.kind == "json"]
    whole, *parts = shown
    assert whole.keys() > {"id", "timestamp", "path", "links"}
    assert [each["type"] for each in parts] == [*EVENT_KINDS]
    assert all(each.keys() == {"type", "version", "data"} for each in parts)


def test_a_page_of_yesterday_is_found_out(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(event_guide, "GUIDE", page := tmp_path / "events.md")
    page.write_text(f"# Mine\n{MARK}| yesterday |\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="run `make schema`"):
        main(["--check"])
    main([])
    main(["--check"])
    assert page.read_text(encoding="utf-8").startswith(f"# Mine\n{MARK}## The envelope\n")
    page.write_text("# Mine\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="lacks its mark"):
        main([])
    with pytest.raises(LocalError, match="mark"):
        written("# Mine")
