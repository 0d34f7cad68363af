"""CDNOW: a public record of real purchases, as files that `sojourn people import` and `events import` read.

One line per purchase, in fixed columns after a header: customer id, date (YYYYMMDD), number of CDs, amount in dollars.
69,659 purchases by 23,570 customers of an online music shop, 1997-01-01 to 1998-06-30; the data set that papers on
customer-base analysis use (Fader and Hardie).
"""

import csv
import gzip
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from pathlib import Path

PEOPLE_COLUMNS = ("customer_id", "email", "first_purchase_on", "last_purchase_on", "purchases", "total_spent")
PURCHASE_COLUMNS = ("customer_id", "occurred_at", "cds", "amount")


@dataclass(frozen=True, slots=True)
class Purchase:
    """One line of the record."""

    customer_id: str
    on: date
    cds: int
    amount: float


def read_purchases(path: Path) -> Iterator[Purchase]:
    """Read the record; it is sorted by customer."""
    with gzip.open(path, "rt", encoding="ascii") as file:
        next(file)
        for line in file:
            customer_id, day, cds, amount = line.split()
            on = datetime.strptime(day, "%Y%m%d").date()  # noqa: DTZ007 - a date has no zone
            yield Purchase(customer_id, on, int(cds), float(amount))


def write_people(purchases: Iterable[Purchase], path: Path) -> None:
    """Write one row per customer. The record has no addresses, so each gets one that leads nowhere."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(PEOPLE_COLUMNS)
        for customer_id, theirs in groupby(purchases, key=lambda purchase: purchase.customer_id):
            bought = list(theirs)
            writer.writerow(
                [
                    customer_id,
                    f"customer-{customer_id}@example.com",
                    min(each.on for each in bought),
                    max(each.on for each in bought),
                    len(bought),
                    round(sum(each.amount for each in bought), 2),
                ]
            )


def write_events(purchases: Iterable[Purchase], path: Path) -> None:
    """Write one row per purchase."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(PURCHASE_COLUMNS)
        writer.writerows((each.customer_id, each.on, each.cds, each.amount) for each in purchases)
