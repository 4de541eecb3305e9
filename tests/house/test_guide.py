"""What the guides for clients' authors say is there, is there: code that somebody runs, the schema, names, links."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    build_schema,
    parse,
    print_ast,
    validate,
)
from graphql.language import TypeDefinitionNode

from settings import Settings
from tests.guide import ANSWERS, DOCS, READ, RUN, Block, blocks, differences, prose
from tests.house.test_layout import ROOMS, ROOT

GUIDE = DOCS / "api.md"
GUIDES = [GUIDE, DOCS / "studio.md", DOCS / "live.md", DOCS / "limits.md", DOCS / "webhooks.md"]
OTHERS_WORDS = {"GET", "POST", "PUT", "ANSWER"}
"""Methods of HTTP, and what `make webhook-listen` is given."""
WIRE_WORDS = {
    "acceptLanguage", "eventId", "lastEventId", "resync", "resetsIn", "operationName", "persistedQuery", "sha256Hash",
}  # fmt: skip
"""Names that are no names of the schema: they stand in `extensions` and in the bodies of requests."""


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    return build_schema((ROOT / "schema.graphql").read_text(encoding="utf-8"))


def test_every_block_is_run_or_compared_or_checked() -> None:
    before: Block | None = None
    for block in blocks(GUIDE):
        where = f"docs/api.md:{block.line}"
        assert block.kind in (*RUN, *ANSWERS, *READ), f"{where}: no test runs a block of the kind {block.kind!r}"
        if block.kind in ANSWERS:
            assert before is not None, where
            assert before.kind in RUN, f"{where}: an answer stands after what it answers"
        before = block


@pytest.mark.parametrize(
    "block",
    [block for guide in (GUIDE, DOCS / "webhooks.md") for block in blocks(guide) if block.kind in READ],
    ids=lambda block: str(block.line),
)
def test_what_is_shown_of_the_schema_is_the_schemas(schema: GraphQLSchema, block: Block) -> None:
    if block.kind == "graphql":
        assert validate(schema, parse(block.text)) == []
        return
    for shown in parse(block.text).definitions:
        assert isinstance(shown, TypeDefinitionNode)
        kind = schema.type_map[shown.name.value]
        assert kind.ast_node is not None
        assert kind.ast_node.kind == shown.kind
        assert members(shown) <= members(kind.ast_node)


def members(definition: TypeDefinitionNode) -> set[str]:
    """The fields, values or member types of a definition, as written but without descriptions."""
    found = [*getattr(definition, "fields", ()), *getattr(definition, "values", ()), *getattr(definition, "types", ())]
    return {without_description(print_ast(each)) for each in found}


def without_description(text: str) -> str:
    return re.sub(r'""".*?"""\s*', "", text, flags=re.DOTALL)


@pytest.fixture(scope="module")
def codes() -> set[str]:
    """Texts in the product's own code that look like codes."""
    texts = (
        node.value
        for room in ROOMS
        for file in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    return {text for text in texts if re.fullmatch(r"[A-Z][A-Z_]+", text)}


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_codes_settings_and_enum_values_exist(schema: GraphQLSchema, codes: set[str], guide: Path) -> None:
    kinds = [kind for kind in schema.type_map.values() if isinstance(kind, GraphQLEnumType)]
    known = {value for kind in kinds for value in kind.values}
    known |= {name.upper() for name in Settings.model_fields} | codes | OTHERS_WORDS
    assert [name for name in named(guide, r"[A-Z][A-Z0-9_]{2,}") if name not in known] == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_fields_and_arguments_exist(schema: GraphQLSchema, guide: Path) -> None:
    known = set(names(schema)) | WIRE_WORDS
    assert [name for name in named(guide, r"[a-z]+[A-Z]\w*") if name not in known] == []


@pytest.mark.parametrize(
    "guide", [*sorted(DOCS.glob("*.md")), ROOT / "README.md", ROOT / "CHANGELOG.md"], ids=lambda g: g.name
)
def test_links_lead_somewhere(guide: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(guide)):
        path, _, anchor = target.partition("#")
        if "://" in path:
            continue
        file = (guide.parent / path).resolve() if path else guide
        assert file.exists(), f"{guide.name}: {target}"
        if anchor:
            assert anchor in anchors(file), f"{guide.name}: {target}"


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        ('{"a": 1}', '{"a": 1, "b": 2}'),
        ('{"a": 1}', "{}"),
        ('{"a": 1}', '{"a": "1"}'),
        ('{"a": true}', '{"a": 1}'),
        ('{"a": null}', '{"a": 1}'),
        ('{"a": "b…"}', '{"a": "c"}'),
        ('{"a": "b"}', '{"a": "bc"}'),
        ("[1]", "[1, 2]"),
        ('{"a": 1}', '{"a": 1} {"a": 1}'),
        ("true", "false"),
    ],
)
def test_an_answer_of_another_shape_is_found(shown: str, said: str) -> None:
    assert differences(Block("json", 1, shown), said) != []


def test_an_answer_of_the_same_shape_may_have_other_numbers_and_what_is_left_out() -> None:
    assert differences(Block("json", 1, '{"a": [1], "b": "x…z"}\n{"c": 0.5}'), '{"c": 1}') != []
    assert (
        differences(Block("json", 1, '{"a": [1], "b": "x…z"}\n{"c": 0.5}'), '{"b": "xyz", "a": [2]} {"c": 0.7}') == []
    )
    assert differences(Block("text", 1, "a;q=5, …\n"), "a;q=17, b\n") == []
    assert differences(Block("text", 1, "a;q=5, …\n"), "a;q=x, b\n") != []


def named(guide: Path, pattern: str) -> list[str]:
    """What stands in the guide's inline code and has such a name."""
    code = re.findall(r"`([^`\n]+)`", prose(guide))
    return sorted({name for text in code for name in re.findall(rf"(?<![\w/.-]){pattern}\b", text)})


def names(schema: GraphQLSchema) -> Iterator[str]:
    """Of all fields, arguments and members of inputs."""
    for kind in schema.type_map.values():
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            yield from kind.fields
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
            yield from (argument for field in kind.fields.values() for argument in field.args)


def anchors(file: Path) -> set[str]:
    """The anchors of a guide's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", prose(file), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}
