"""The one layout of every mail: compiled once, filled for each."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template

_FILE = Path(__file__).with_suffix(".mjml")


def fill(parts: Mapping[str, object]) -> str:
    """The HTML of a mail. Every part is text, and escaped; one that the layout names has to be there."""
    return _template().render(parts)


@cache
def _template() -> "Template":
    # Here, not above: only who writes a mail loads them.
    from jinja2 import Environment, StrictUndefined
    from mjml import mjml2html

    # MJML becomes HTML with the braces still in it, so that nothing that fills them is ever read as MJML.
    html = mjml2html(_FILE.read_text(encoding="utf-8"), disable_comments=True, fonts={})
    return Environment(autoescape=True, undefined=StrictUndefined).from_string(html)
