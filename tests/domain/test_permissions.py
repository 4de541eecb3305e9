"""Who may do what: the whole table, written down a second time."""

import pytest

from domain.permissions import PERMISSIONS, Audience, Role, Scope, allows, covers

OWNER, ADMIN, EDITOR, VIEWER = Role.OWNER, Role.ADMIN, Role.EDITOR, Role.VIEWER
READ, WRITE, WEBHOOKS = Scope.READ, Scope.WRITE, Scope.WEBHOOKS
EXPECTED = {
    "account:sign_up": (Audience.ANYONE, None),
    "account:sign_in": (Audience.ANYONE, None),
    "account:sign_out": (Audience.SIGNED_IN, None),
    "account:two_factor": (Audience.SIGNED_IN, None),
    "account:view": (Audience.ANYONE, READ),
    "account:recover": (Audience.ANYONE, None),
    "account:secure": (Audience.SIGNED_IN, None),
    "account:edit": (Audience.SIGNED_IN, WRITE),
    "language:view": (Audience.ANYONE, READ),
    "identity:remove": (Audience.SIGNED_IN, None),
    "api_key:create": (Audience.SIGNED_IN, None),
    "api_key:revoke": (Audience.SIGNED_IN, None),
    "team:view": ({OWNER, ADMIN, EDITOR, VIEWER}, READ),
    "team:create": (Audience.SIGNED_IN, WRITE),
    "team:rename": ({OWNER, ADMIN}, WRITE),
    "team:switch": ({OWNER, ADMIN, EDITOR, VIEWER}, None),
    "team:leave": ({OWNER, ADMIN, EDITOR, VIEWER}, None),
    "team:transfer": ({OWNER}, None),
    "team:delete": ({OWNER}, None),
    "team:restore": ({OWNER}, None),
    "member:change_role": ({OWNER, ADMIN}, None),
    "member:remove": ({OWNER, ADMIN}, None),
    "member:invite": ({OWNER, ADMIN}, None),
    "invitation:view": (Audience.ANYONE, READ),
    "invitation:accept": (Audience.ANYONE, None),
    "invitation:decline": (Audience.ANYONE, None),
    "video:view": ({OWNER, ADMIN, EDITOR, VIEWER}, READ),
    "video:create": ({OWNER, ADMIN, EDITOR}, WRITE),
    "video:edit": ({OWNER, ADMIN, EDITOR}, WRITE),
    "video:delete": ({OWNER, ADMIN, EDITOR}, WRITE),
    "version:create": ({OWNER, ADMIN, EDITOR}, WRITE),
    "upload:send": ({OWNER, ADMIN, EDITOR}, WRITE),
    "comment:create": ({OWNER, ADMIN, EDITOR, VIEWER}, WRITE),
    "comment:edit": (set(), WRITE),
    "comment:delete": ({OWNER, ADMIN, EDITOR}, WRITE),
    "comment:resolve": ({OWNER, ADMIN, EDITOR}, WRITE),
    "comment:set_visibility": ({OWNER, ADMIN, EDITOR}, WRITE),
    "presence:update": ({OWNER, ADMIN, EDITOR, VIEWER}, None),
    "job:view": ({OWNER, ADMIN, EDITOR, VIEWER}, READ),
    "job:cancel": ({OWNER, ADMIN, EDITOR}, WRITE),
    "notification:view": (Audience.SIGNED_IN, READ),
    "notification:mark": (Audience.SIGNED_IN, WRITE),
    "event:view": (Audience.ANYONE, READ),
    "webhook:view": ({OWNER, ADMIN}, READ),
    "webhook:create": ({OWNER, ADMIN}, WEBHOOKS),
    "webhook:edit": ({OWNER, ADMIN}, WEBHOOKS),
    "webhook:send": ({OWNER, ADMIN}, WEBHOOKS),
    "webhook:delete": ({OWNER, ADMIN}, WEBHOOKS),
    "audit:view": ({OWNER, ADMIN}, READ),
}
OWN = {"upload:send", "comment:edit", "comment:delete", "comment:resolve"}
"""What whoever made the thing may do with it, whatever their role."""


def test_the_table_is_what_is_written_here():
    assert {action: (rule.holders, rule.scope) for action, rule in PERMISSIONS.items()} == EXPECTED


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", sorted(PERMISSIONS))
def test_every_role_has_an_answer_to_every_action(role, action):
    holders, _ = EXPECTED[action]
    assert allows(role, action) is (isinstance(holders, Audience) or role in holders)


@pytest.mark.parametrize("role", Role)
def test_what_one_has_made_oneself_one_may_change_in_some_ways(role):
    gained = {action for action in PERMISSIONS if allows(role, action, own=True) > allows(role, action)}
    assert gained == {action for action in OWN if role not in EXPECTED[action][0]}


@pytest.mark.parametrize("action", sorted(PERMISSIONS))
def test_a_greater_role_may_whatever_a_lesser_one_may(action):
    answers = [allows(role, action) for role in (VIEWER, EDITOR, ADMIN, OWNER)]
    assert answers == sorted(answers)


@pytest.mark.parametrize("role", Role)
def test_an_action_that_nobody_wrote_down_is_a_fault_of_ours(role):
    with pytest.raises(KeyError):
        allows(role, "video:explode")


@pytest.mark.parametrize("scope", Scope)
@pytest.mark.parametrize("action", sorted(PERMISSIONS))
def test_a_key_is_good_for_what_its_scope_says_and_for_what_anybody_may(action, scope):
    holders, needed = EXPECTED[action]
    good = holders is Audience.ANYONE if needed is None else needed in ({scope, READ} if scope is WRITE else {scope})
    assert covers({scope}, action) is good
    assert covers(None, action)
