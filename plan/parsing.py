"""Documents as clients write them, parsed at a glance.

graphql-core reads a text character by character and makes an object of each word, which knows its neighbours and so
keeps them all. What clients send is sound, and of a small grammar: that is read here by one expression, in a quarter
of the time, and what is kept takes a third of the memory. Whatever is not of it (a text that is wrong, an escape in a
string, a description) is left to graphql-core, and so are all errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, TypeVar, cast

from graphql import (
    ArgumentNode,
    BooleanValueNode,
    DirectiveNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FloatValueNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListTypeNode,
    ListValueNode,
    Location,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    NullValueNode,
    ObjectFieldNode,
    ObjectValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionNode,
    SelectionSetNode,
    Source,
    StringValueNode,
    TypeNode,
    ValueNode,
    VariableDefinitionNode,
    VariableNode,
    is_input_object_type,
    is_interface_type,
    is_object_type,
)

if TYPE_CHECKING:
    from graphql.language.ast import ConstValueNode

MOST_LEVELS = 30
"""Of brackets within each other. What is deeper is refused by its shape."""
_IGNORED = r"(?:[ \t\n\r,\ufeff]|#[^\n\r\ud800-\udfff]*)*+"
_NAME = "[_A-Za-z][_0-9A-Za-z]*+"
_NUMBER = r"-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?+(?:[eE][+-]?[0-9]++)?+(?![_0-9A-Za-z.])"
_STRING = r'"(?!"")[^"\\\x00-\x1f\ud800-\udfff]*+"'
_WORD = re.compile(rf"{_IGNORED}(?:({_NAME}|[!$&()\[\]{{}}:=@|]|\.\.\.|{_NUMBER}|{_STRING}|\Z)|[\s\S])")
"""Any other character has no group, and is looked at once: the search for the next word would look at all again."""
_OPERATIONS = {each.value: each for each in OperationType}
_CONSTANTS = {"true": True, "false": False}

N = TypeVar("N")


class _Doubt(Exception):
    """It is not of the small grammar, or more than a little."""


class _Place(Location):
    """Where a node lies, without the words around it."""

    __slots__ = ()

    def __init__(self, start: int, end: int, source: Source) -> None:
        self.start, self.end, self.source = start, end, source


class Parser:
    """Parses documents that ask a schema, whose names all of them share."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._names = {name: NameNode(value=name) for name in _names(schema)}

    def at_a_glance(self, text: str, most_words: int) -> DocumentNode | None:
        """The document, where it is of the small grammar and has at most so many words.

        Names have no places of their own: what is told of a document that is valid points to none. For GraphQL's
        rules, which may have more to tell, have it parsed by graphql-core.
        """
        try:
            return _Reading(text, self._names, most_words).document()
        except _Doubt:
            return None


class _Reading:
    """One text, read from its first word to its last."""

    def __init__(self, text: str, names: dict[str, NameNode], most_words: int) -> None:
        self._names = names
        self._source = Source(text)
        self._words, self._starts = _words(text, most_words - text.count("#"))  # a comment counts for a word
        self._at = 0
        """Which word comes next; the last of them is empty."""
        self._levels = 0

    def document(self) -> DocumentNode:
        """The whole of it; _Doubt where it is not of the small grammar."""
        definitions = [self._definition()]
        while self._words[self._at]:
            definitions.append(self._definition())
        return DocumentNode(definitions=tuple(definitions), loc=_Place(0, len(self._source.body), self._source))

    def _definition(self) -> OperationDefinitionNode | FragmentDefinitionNode:
        begin, word = self._at, self._words[self._at]
        if word == "fragment":
            return self._fragment_definition(begin)
        if word == "{":
            selected = self._selection_set()
            return OperationDefinitionNode(
                operation=OperationType.QUERY, selection_set=selected, loc=self._place(begin)
            )
        _require(word in _OPERATIONS)
        self._at += 1
        return OperationDefinitionNode(
            operation=_OPERATIONS[word],
            name=self._name() if self._words[self._at].isidentifier() else None,
            variable_definitions=self._some("(", self._variable_definition, ")"),
            directives=self._directives(),
            selection_set=self._selection_set(),
            loc=self._place(begin),
        )

    def _fragment_definition(self, begin: int) -> FragmentDefinitionNode:
        self._at += 1
        name = self._fragment_name()
        self._skip("on")
        return FragmentDefinitionNode(
            name=name,
            variable_definitions=(),
            type_condition=self._named_type(),
            directives=self._directives(),
            selection_set=self._selection_set(),
            loc=self._place(begin),
        )

    def _variable_definition(self) -> VariableDefinitionNode:
        begin, variable = self._at, self._variable()
        self._skip(":")
        kind, default = self._type(), None
        if self._words[self._at] == "=":
            self._at += 1
            default = self._value()
            _require(not _varies(default))
        _require(self._words[self._at] != "@")
        default_value = cast("ConstValueNode | None", default)
        return VariableDefinitionNode(variable=variable, type=kind, default_value=default_value, loc=self._place(begin))

    def _type(self) -> TypeNode:
        begin, kind = self._at, self._list_type() if self._words[self._at] == "[" else self._named_type()
        if self._words[self._at] != "!":
            return kind
        self._at += 1
        return NonNullTypeNode(type=kind, loc=self._place(begin))

    def _list_type(self) -> ListTypeNode:
        begin = self._down()
        inner = self._type()
        self._up("]")
        return ListTypeNode(type=inner, loc=self._place(begin))

    def _named_type(self) -> NamedTypeNode:
        begin = self._at
        return NamedTypeNode(name=self._name(), loc=self._place(begin))

    def _selection_set(self) -> SelectionSetNode:
        begin = self._at
        selected = self._some("{", self._selection, "}")
        _require(selected is not None)
        return SelectionSetNode(selections=selected or (), loc=self._place(begin))

    def _selection(self) -> SelectionNode:
        begin, words = self._at, self._words
        if words[begin] == "...":
            return self._fragment(begin)
        alias, name = None, self._name()
        if words[self._at] == ":":
            self._at += 1
            alias, name = name, self._name()
        if (after := words[self._at]) not in _INSIDE_A_FIELD:
            return FieldNode(alias=alias, name=name, loc=self._place(begin))
        return FieldNode(
            alias=alias,
            name=name,
            arguments=self._arguments() if after == "(" else None,
            directives=self._directives(),
            selection_set=self._selection_set() if words[self._at] == "{" else None,
            loc=self._place(begin),
        )

    def _fragment(self, begin: int) -> SelectionNode:
        self._at += 1
        word = self._words[self._at]
        if word.isidentifier() and word != "on":
            return FragmentSpreadNode(name=self._name(), directives=self._directives(), loc=self._place(begin))
        if word == "on":
            self._at += 1
        return InlineFragmentNode(
            type_condition=self._named_type() if word == "on" else None,
            directives=self._directives(),
            selection_set=self._selection_set(),
            loc=self._place(begin),
        )

    def _fragment_name(self) -> NameNode:
        _require(self._words[self._at] != "on")
        return self._name()

    def _directives(self) -> tuple[DirectiveNode, ...] | None:
        if self._words[self._at] != "@":
            return None
        found = list[DirectiveNode]()
        while self._words[self._at] == "@":
            begin = self._at
            self._at += 1
            found.append(DirectiveNode(name=self._name(), arguments=self._arguments(), loc=self._place(begin)))
        return tuple(found)

    def _arguments(self) -> tuple[ArgumentNode, ...] | None:
        return self._some("(", self._argument, ")")

    def _argument(self) -> ArgumentNode:
        begin, name = self._at, self._name()
        self._skip(":")
        return ArgumentNode(name=name, value=self._value(), loc=self._place(begin))

    def _variable(self) -> VariableNode:
        begin = self._at
        self._skip("$")
        return VariableNode(name=self._name(), loc=self._place(begin))

    def _value(self) -> ValueNode:
        word = self._words[self._at]
        match word[:1]:
            case "$":
                return self._variable()
            case "[":
                return self._list()
            case "{":
                return self._object()
            case '"':
                return StringValueNode(value=word[1:-1], block=False, loc=self._next())
        if word.isidentifier():
            return self._word_as_value(word)
        _require(word[-1:].isdigit())
        kind = IntValueNode if word.lstrip("-").isdigit() else FloatValueNode
        return kind(value=word, loc=self._next())

    def _word_as_value(self, word: str) -> ValueNode:
        if word == "null":
            return NullValueNode(loc=self._next())
        if word in _CONSTANTS:
            return BooleanValueNode(value=_CONSTANTS[word], loc=self._next())
        return EnumValueNode(value=word, loc=self._next())

    def _list(self) -> ListValueNode:
        begin, values = self._down(), list[ValueNode]()
        while self._words[self._at] != "]":
            values.append(self._value())
        self._up("]")
        return ListValueNode(values=tuple(values), loc=self._place(begin))

    def _object(self) -> ObjectValueNode:
        begin, fields = self._down(), list[ObjectFieldNode]()
        while self._words[self._at] != "}":
            fields.append(self._object_field())
        self._up("}")
        return ObjectValueNode(fields=tuple(fields), loc=self._place(begin))

    def _object_field(self) -> ObjectFieldNode:
        begin, name = self._at, self._name()
        self._skip(":")
        return ObjectFieldNode(name=name, value=self._value(), loc=self._place(begin))

    def _some(self, opening: str, each: Callable[[], N], closing: str) -> tuple[N, ...] | None:
        """At least one of them in brackets, if there are brackets."""
        if self._words[self._at] != opening:
            return None
        self._down()
        found = [each()]
        while self._words[self._at] != closing:
            found.append(each())
        self._up(closing)
        return tuple(found)

    def _down(self) -> int:
        """Passes by an opening bracket; answers where it was."""
        self._levels += 1
        _require(self._levels <= MOST_LEVELS)
        self._at += 1
        return self._at - 1

    def _up(self, closing: str) -> None:
        self._levels -= 1
        self._skip(closing)

    def _skip(self, word: str) -> None:
        _require(self._words[self._at] == word)
        self._at += 1

    def _name(self) -> NameNode:
        word = self._words[self._at]
        self._at += 1
        known = self._names.get(word)
        if known is not None:
            return known
        _require(word.isidentifier())
        return NameNode(value=word)

    def _next(self) -> Location:
        """The place of the next word, which is passed by."""
        self._at += 1
        return self._place(self._at - 1)

    def _place(self, begin: int) -> Location:
        """From the beginning of a word to the end of the one that was read last."""
        last = self._at - 1
        return _Place(self._starts[begin], self._starts[last] + len(self._words[last]), self._source)


_INSIDE_A_FIELD = ("(", "@", "{")


def _words(text: str, most: int) -> tuple[list[str], list[int]]:
    """The words, of which there may be so many, with the places where they begin, and an empty one at the end."""
    found = [*islice(_WORD.finditer(text), max(0, most) + 2)]
    words = [each[1] for each in found]
    _require(len(words) <= most + 1 and None not in words)
    return words, [each.start(1) for each in found]


def _require(condition: object) -> None:
    if not condition:
        raise _Doubt


def _varies(value: ValueNode) -> bool:
    match value:
        case ListValueNode(values=values):
            return any(map(_varies, values))
        case ObjectValueNode(fields=fields):
            return any(_varies(field.value) for field in fields)
    return isinstance(value, VariableNode)


def _names(schema: GraphQLSchema) -> set[str]:
    """What types, fields and arguments are called."""
    names = set(schema.type_map) | {"__typename", "if", "skip", "include"}
    for kind in schema.type_map.values():
        if is_object_type(kind) or is_interface_type(kind) or is_input_object_type(kind):
            names |= kind.fields.keys()
            names.update(name for field in kind.fields.values() for name in getattr(field, "args", ()))
    return names
