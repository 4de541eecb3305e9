"""Who hangs on what: found without looking at everybody."""

from live.ties import Ties


def test_whoever_is_tied_to_a_name_is_found_by_it():
    ties: Ties[str] = Ties()
    ties.tie("ada", ["user:1", "session:1"])
    ties.tie("bob", ["user:2", "session:2"])
    ties.tie("ada's other", ["user:1", "session:3"])
    assert ties.tied_to(["user:1"]) == {"ada", "ada's other"}
    assert ties.tied_to(["session:3", "user:2"]) == {"ada's other", "bob"}
    assert ties.tied_to(["user:9"]) == ties.tied_to([]) == set()
    assert sorted(ties.everybody()) == ["ada", "ada's other", "bob"]


def test_a_holder_may_be_tied_to_more_later_and_is_let_go_of_altogether():
    ties: Ties[str] = Ties()
    ties.tie("ada", ["user:1"])
    ties.tie("ada", ["team:1", "user:1"])
    assert ties.tied_to(["team:1"]) == ties.tied_to(["user:1"]) == {"ada"}
    ties.untie("ada")
    ties.untie("ada")
    assert ties.tied_to(["team:1", "user:1"]) == set()
    assert ties.everybody() == []
    assert (ties._holders, ties._names) == ({}, {}), "what nobody holds any more takes no memory"


def test_only_those_concerned_are_looked_at():
    """By counting, since a clock would tell of the machine: hashes are asked for, and of nobody else."""

    class Holder:
        asked = 0

        def __hash__(self) -> int:
            Holder.asked += 1
            return id(self)

    ties: Ties[Holder] = Ties()
    for number in range(5_000):
        ties.tie(Holder(), [f"user:{number}"])
    Holder.asked = 0
    assert len(ties.tied_to(["user:7"])) == 1
    assert Holder.asked <= 2
