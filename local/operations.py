"""`python -m local.operations`: writes web/operations.json, the list of our operations by their hashes.

Each is in it as it is written, and once more with `__typename` wherever clients that keep a cache ask for it: whoever
looks a hash up by the operation's name finds that one, which comes last. With `--check` it only compares.
"""

import sys
from collections.abc import Iterator
from typing import Any

from graphql import FieldNode, NameNode, OperationDefinitionNode, SelectionSetNode, Visitor, parse, print_ast, visit

from local.client import OPERATIONS, document, operation_names
from plan import manifest

REGISTERED = OPERATIONS.with_suffix(".json")
_TYPENAME = "__typename"


def main(arguments: list[str]) -> None:
    """The command: exits with a sentence and status 1 where the file is not today's."""
    text = manifest.written(documents())
    if arguments != ["--check"]:
        REGISTERED.write_bytes(text)
    elif not REGISTERED.exists() or REGISTERED.read_bytes() != text:
        sys.exit("web/operations.json is not what web/operations says: run `make operations`.")


def documents() -> Iterator[str]:
    """Each text that is registered."""
    for written in map(document, operation_names()):
        yield from dict.fromkeys((written, with_type_names(written)))


def with_type_names(text: str) -> str:
    """The document with `__typename` in each selection but the root's."""

    class Adding(Visitor):
        def leave_selection_set(self, node: SelectionSetNode, _key: Any, parent: Any, *_: Any) -> Any:
            asked = any(isinstance(field, FieldNode) and field.name.value == _TYPENAME for field in node.selections)
            if asked or isinstance(parent, OperationDefinitionNode):
                return None
            return SelectionSetNode(selections=(*node.selections, FieldNode(name=NameNode(value=_TYPENAME))))

    return print_ast(visit(parse(text), Adding()))


if __name__ == "__main__":
    main(sys.argv[1:])
