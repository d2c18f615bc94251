"""The books as little scripts. After each line the buckets of every purse sum to zero, and a replay agrees."""

from collections import defaultdict
from pathlib import Path

import pytest

from darkroom.credits import Credits
from darkroom.errors import InsufficientCredits
from darkroom.ledger import FLOWS, Balance, Entry, Kind, Purse, hold, replay, settle
from tests.core.test_generation import rows_of

DOCS = Path(__file__).parents[2] / "docs"
SHORT = {"subs": Purse.SUBSCRIPTION, "perm": Purse.PERMANENT}


def play(script: str) -> list[Entry]:
    """Lines: `grant PURSE AMOUNT`, `hold ID QUOTE`, `refused ID QUOTE`, `settle ID USED`, `books PURSE AVAILABLE HELD
    SPENT`."""
    entries: list[Entry] = []
    balances: dict[Purse, Balance] = defaultdict(Balance)
    holds: dict[str, list[Entry]] = {}
    for line in script.strip().splitlines():
        posted: list[Entry] = []
        match line.split():
            case ["grant", purse, amount]:
                posted = [Entry(account_id="ann", kind=Kind.GRANT, purse=SHORT[purse], amount=Credits(int(amount)))]
            case ["hold", id, quote]:
                posted = holds[id] = reserve(id, int(quote), balances)
            case ["refused", id, quote]:
                with pytest.raises(InsufficientCredits):
                    reserve(id, int(quote), balances)
            case ["settle", id, used]:
                posted = settle(holds.pop(id), used=Credits(int(used)))
            case ["books", purse, *expected]:
                found = balances[SHORT[purse]]
                assert [found.available, found.held, found.spent] == [int(text) for text in expected], line
            case other:
                raise AssertionError(other)
        for entry in posted:
            assert entry.amount > 0, line
            balances[entry.purse].post(entry)
            entries.append(entry)
        for balance in balances.values():
            assert sum(balance.buckets.values()) == 0, line
            assert min(balance.available, balance.held, balance.spent) >= 0, line
        assert replay(entries) == {("ann", purse): balance for purse, balance in balances.items() if any_of(balance)}
    return entries


def any_of(balance: Balance) -> bool:
    return balance.granted > 0


def reserve(id: str, quote: int, balances: dict[Purse, Balance]) -> list[Entry]:
    available = {purse: balance.available for purse, balance in balances.items()}
    return hold("ann", id, quote=Credits(quote), available=available)


def test_success_captures_what_was_used_and_releases_the_rest() -> None:
    play("""
        grant perm 100
        hold g1 40
        books perm 60 40 0
        settle g1 25
        books perm 75 0 25
    """)


def test_a_failure_gives_everything_back() -> None:
    play("""
        grant perm 100
        hold g1 40
        settle g1 0
        books perm 100 0 0
    """)


def test_what_a_provider_bills_beyond_the_quote_is_our_loss() -> None:
    play("""
        grant perm 100
        hold g1 40
        settle g1 60
        books perm 60 0 40
    """)


def test_the_last_credit_can_be_held_and_not_one_more() -> None:
    play("""
        grant perm 40
        refused g1 41
        hold g2 40
        books perm 0 40 0
        refused g3 1
        settle g2 40
        refused g4 1
        books perm 0 0 40
    """)


def test_what_lapses_first_is_held_and_captured_first() -> None:
    play("""
        grant perm 100
        grant subs 30
        hold g1 40
        books subs 0 30 0
        books perm 90 10 0
        settle g1 35
        books subs 0 0 30
        books perm 95 0 5
    """)


def test_what_is_given_back_goes_back_to_its_purse() -> None:
    play("""
        grant perm 100
        grant subs 30
        hold g1 40
        settle g1 20
        books subs 10 0 20
        books perm 100 0 0
        hold g2 15
        books subs 0 10 20
        books perm 95 5 0
        settle g2 0
        books subs 10 0 20
        books perm 100 0 0
    """)


def test_both_purses_count_towards_a_quote() -> None:
    play("""
        grant perm 10
        grant subs 10
        refused g1 21
        hold g2 20
        books subs 0 10 0
        books perm 0 10 0
    """)


def test_holds_do_not_know_each_other() -> None:
    play("""
        grant perm 100
        hold g1 40
        hold g2 40
        refused g3 40
        settle g1 40
        refused g4 40
        settle g2 0
        hold g5 40
        books perm 20 40 40
    """)


def test_what_is_free_moves_nothing() -> None:
    entries = play("""
        grant perm 10
        hold g1 0
        settle g1 0
        books perm 10 0 0
    """)
    assert [entry.kind for entry in entries] == ["grant"]


def test_a_refusal_says_what_is_needed_and_what_is_there() -> None:
    available = {Purse.SUBSCRIPTION: Credits(1_000_000), Purse.PERMANENT: Credits(500_000)}
    with pytest.raises(InsufficientCredits) as refused:
        hold("ann", "g1", quote=Credits(2_500_000), available=available)
    assert (refused.value.needed, refused.value.available) == (2_500_000, 1_500_000)
    assert str(refused.value) == "this costs 2.5 credits and 1.5 are available"


def test_accounts_are_kept_apart() -> None:
    entries = [
        Entry(account_id=name, kind=Kind.GRANT, purse=Purse.PERMANENT, amount=Credits(amount))
        for name, amount in (("ann", 3), ("bob", 4), ("ann", 5))
    ]
    assert {key[0]: balance.available for key, balance in replay(entries).items()} == {"ann": 8, "bob": 4}


FLOWS_BY_HAND = {
    ("grant", "issued", "available"),
    ("hold", "available", "held"),
    ("capture", "held", "spent"),
    ("release", "held", "available"),
}


def test_the_flows_are_those_of_the_document() -> None:
    assert {(str(kind), *map(str, flow)) for kind, flow in FLOWS.items()} == FLOWS_BY_HAND
    assert {tuple(row[:3]) for row in rows_of(DOCS / "ledger.md", "| kind | from |")} == FLOWS_BY_HAND


def test_the_purses_are_in_the_document_s_order() -> None:
    assert [str(purse) for purse in Purse] == ["subscription", "permanent"]
    assert [row[1] for row in rows_of(DOCS / "ledger.md", "| order | purse |")] == ["subscription", "permanent"]
