"""Who gets the next requests to receivers of webhooks."""

from domain.webhooks.shares import shared


def test_teams_take_turns_and_in_each_its_endpoints() -> None:
    wanted = {"many": [(f"m{number}", 4) for number in range(50)], "one": [("single", 4)]}
    given = shared(6, wanted)
    assert given == {"m0": 1, "single": 3, "m1": 1, "m2": 1}


def test_who_wants_less_leaves_the_rest_to_others() -> None:
    assert shared(10, {"a": [("x", 1)], "b": [("y", 3), ("z", 2)]}) == {"x": 1, "y": 3, "z": 2}
    assert shared(0, {"a": [("x", 1)]}) == {}
    assert shared(3, {"a": [("x", 0)]}) == {}


def test_a_team_gets_no_more_than_its_bound() -> None:
    wanted = {"hanging": [(f"h{number}", 4) for number in range(9)], "other": [("y", 2)]}
    given = shared(100, wanted, {"hanging": 3, "other": 9})
    assert sum(count for name, count in given.items() if name != "y") == 3
    assert given["y"] == 2
    assert shared(5, {"over": [("x", 1)]}, {"over": -1}) == {}
