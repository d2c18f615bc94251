"""What is wrong with the books, from what was read of them in one look."""

from collections.abc import Iterable, Mapping, Sequence

from darkroom.ledger import Balance, Purse
from darkroom.records import Audit, Discrepancy
from darkroom.store import rows

Balances = Mapping[tuple[str, Purse], Balance]


def audit(
    expected: Balances, balances: Iterable[rows.Row], unsettled: Iterable[rows.Row], counts: Sequence[int]
) -> Audit:
    """`expected` is what the entries add up to; the rest are the rows of `ledger.sql`."""
    stored = {(account_id, Purse(purse)): rows.balance(*buckets) for account_id, purse, *buckets in balances}
    discrepancies = [
        Discrepancy(
            subject=f"account {account_id}, {purse}",
            stored=_show(stored.get((account_id, purse), Balance())),
            expected=_show(expected.get((account_id, purse), Balance())),
        )
        for account_id, purse in sorted(expected.keys() | stored.keys())
        if stored.get((account_id, purse), Balance()) != expected.get((account_id, purse), Balance())
    ]
    for generation_id, status, quote, held, captured, released in unsettled:
        discrepancies.append(
            Discrepancy(
                subject=f"generation {generation_id} ({status})",
                stored=f"held {held}, captured {captured}, released {released}",
                expected=f"held {quote}, and once ended captured + released that; captured nothing if failed",
            )
        )
    return Audit(entries=counts[0], accounts=counts[1], generations=counts[2], discrepancies=tuple(discrepancies))


def _show(balance: Balance) -> str:
    return ", ".join(f"{bucket} {amount}" for bucket, amount in balance.buckets.items())
