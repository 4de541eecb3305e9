"""The quicker rules find what graphql-core's find."""

import graphql
import pytest
from graphql import parse, specified_rules

from plan import validation
from tests.plan.conftest import Desk

VALID = """query A($id: ID!) { video(id: $id) { ...clip } }
    fragment clip on Video { title versions(first: 2) { nodes { id } } }"""
WRONG = {
    "ExecutableDefinitionsRule": "type Video { id: ID } { viewer { id } }",
    "FieldsOnCorrectTypeRule": "{ viewer { nope } }",
    "FragmentsOnCompositeTypesRule": "{ viewer { ... on String { id } } }",
    "KnownArgumentNamesRule": "{ video(id: 1, nope: 2) { id } }",
    "KnownDirectivesRule": "{ viewer @nope { id } }",
    "KnownFragmentNamesRule": "{ viewer { ...nope } }",
    "KnownTypeNamesRule": "query ($a: Nope) { viewer { id } }",
    "LoneAnonymousOperationRule": "{ viewer { id } } query B { viewer { id } }",
    "MaxIntrospectionDepthRule": "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }",
    "NoFragmentCyclesRule": "{ viewer { ...a } } fragment a on User { ...b } fragment b on User { ...a }",
    "NoUndefinedVariablesRule": "{ video(id: $id) { id } }",
    "NoUnusedFragmentsRule": "{ viewer { id } } fragment a on User { id }",
    "NoUnusedVariablesRule": "query ($id: ID!) { viewer { id } }",
    "OverlappingFieldsCanBeMergedRule": "{ viewer { a: name a: email } }",
    "PossibleFragmentSpreadsRule": "{ viewer { ... on Video { id } } }",
    "ProvidedRequiredArgumentsRule": "{ video { id } }",
    "ScalarLeafsRule": "{ viewer { id { x } memberships } }",
    "SingleFieldSubscriptionsRule": "subscription { a: __typename b: __typename }",
    "UniqueArgumentNamesRule": "{ video(id: 1, id: 2) { id } }",
    "UniqueDirectivesPerLocationRule": "{ viewer @skip(if: true) @skip(if: true) { id } }",
    "UniqueFragmentNamesRule": "{ viewer { ...a } } fragment a on User { id } fragment a on User { id }",
    "UniqueInputFieldNamesRule": "mutation { signOut renameTeam(input: {id: 1, id: 2}) { __typename } }",
    "UniqueOperationNamesRule": "query A { viewer { id } } query A { viewer { id } }",
    "UniqueVariableNamesRule": "query ($a: ID!, $a: ID!) { video(id: $a) { id } }",
    "ValuesOfCorrectTypeRule": "{ video(id: {}) { id } }",
    "VariablesAreInputTypesRule": "query ($a: Video) { video(id: $a) { id } }",
    "VariablesInAllowedPositionRule": "query ($a: ID) { video(id: $a) { id } }",
}


def test_a_valid_document_has_no_errors(desk: Desk) -> None:
    assert validation.validate(desk.engine.schema, parse(VALID), 5) == []


@pytest.mark.parametrize("rule", WRONG)
def test_what_a_rule_finds_is_found(desk: Desk, rule: str) -> None:
    document, schema = parse(WRONG[rule]), desk.engine.schema
    (known,) = (each for each in specified_rules if each.__name__ == rule)
    assert graphql.validate(schema, document, [known]), "nothing is wrong with it"
    for most in (1, 100):
        expected = graphql.validate(schema, document, max_errors=most)
        assert [error.formatted for error in validation.validate(schema, document, most)] == [
            error.formatted for error in expected
        ]
