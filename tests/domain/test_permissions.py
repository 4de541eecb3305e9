"""Who may do what: the whole table, written down a second time."""

import pytest

from domain.permissions import PERMISSIONS, Audience, Role, allows

OWNER, ADMIN, EDITOR, VIEWER = Role.OWNER, Role.ADMIN, Role.EDITOR, Role.VIEWER
EXPECTED = {
    "account:sign_up": Audience.ANYONE,
    "account:sign_in": Audience.ANYONE,
    "account:sign_out": Audience.SIGNED_IN,
    "account:view": Audience.ANYONE,
    "team:view": {OWNER, ADMIN, EDITOR, VIEWER},
    "video:view": {OWNER, ADMIN, EDITOR, VIEWER},
    "video:create": {OWNER, ADMIN, EDITOR},
    "video:edit": {OWNER, ADMIN, EDITOR},
    "video:delete": {OWNER, ADMIN, EDITOR},
    "version:create": {OWNER, ADMIN, EDITOR},
    "comment:create": {OWNER, ADMIN, EDITOR, VIEWER},
    "job:view": {OWNER, ADMIN, EDITOR, VIEWER},
    "job:cancel": {OWNER, ADMIN, EDITOR},
}


def test_the_table_is_what_is_written_here():
    assert PERMISSIONS == EXPECTED


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", sorted(PERMISSIONS))
def test_every_role_has_an_answer_to_every_action(role, action):
    holders = EXPECTED[action]
    assert allows(role, action) is (isinstance(holders, Audience) or role in holders)


@pytest.mark.parametrize("action", sorted(PERMISSIONS))
def test_a_greater_role_may_whatever_a_lesser_one_may(action):
    answers = [allows(role, action) for role in (VIEWER, EDITOR, ADMIN, OWNER)]
    assert answers == sorted(answers)


@pytest.mark.parametrize("role", Role)
def test_an_action_that_nobody_wrote_down_is_a_fault_of_ours(role):
    with pytest.raises(KeyError):
        allows(role, "video:explode")
