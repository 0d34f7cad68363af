"""Crowd: people with attributes and a quarter of a year of events, as a shop has them, loaded by COPY.

The same every time: drawn from a seed. Few people do much: a hundredth of them has a tenth of the events. Events lie in
daily partitions, in the order in which they came in.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random

import psycopg

from bench.database import BEGIN, SHARDS
from bench.progress import advancing
from sojourn.store.connection import connect
from sojourn.store.partitions import add_day, day_of, end_past

DAYS = 90
NOW = BEGIN + timedelta(days=DAYS)
"""When the events end and questions are asked."""

LINES = 10_000
"""Lines that are handed over at once."""

PEOPLE_COLUMNS = (
    "shard, profile_id, workspace_id, user_id, attributes, time_zone, language, app_ids, created_at, updated_at"
)
EVENT_COLUMNS = "shard, profile_id, workspace_id, app_id, name, data, occurred_at, received_at"

COUNTRIES = {"us": 30, "de": 18, "fr": 13, "gb": 12, "es": 9, "it": 8, "nl": 5, "at": 3, "ch": 2}
PLANS = {"free": 60, "starter": 20, "pro": 14, "team": 6}
EVENTS = {"page_view": 50, "product_viewed": 25, "add_to_cart": 16, "purchase": 8, "refund": 1}

SCATTER = 7919
"""A prime, so that the people who do much lie far apart."""


def load(url: str, people: int, events: int) -> None:
    """Fill an empty database with the crowd."""
    asyncio.run(_make_days(url))
    draw = Random(people)
    with psycopg.connect(url, autocommit=True) as conn:
        _copy(conn, f"copy profile ({PEOPLE_COLUMNS}) from stdin", people, "people", _people(draw, people))
        _copy(conn, f"copy event ({EVENT_COLUMNS}) from stdin", events, "events", _events(draw, people, events))


async def _make_days(url: str) -> None:
    async with await connect(url, application_name="bench", autocommit=True) as conn:
        first = day_of(BEGIN)
        assert await end_past(conn, "event", first), "nobody else is here"
        for ahead in range(DAYS + 1):
            assert await add_day(conn, "event", first + timedelta(days=ahead)), "nobody else is here"


def _copy(conn: psycopg.Connection, statement: str, total: int, what: str, lines: Iterator[str]) -> None:
    with advancing(what, total) as advance, conn.cursor().copy(statement.encode()) as copy:
        portion: list[str] = []
        for line in lines:
            portion.append(line)
            if len(portion) == LINES:
                copy.write("".join(portion))
                advance(LINES)
                portion.clear()
        copy.write("".join(portion))
        advance(len(portion))


def _people(draw: Random, people: int) -> Iterator[str]:
    country, plan = _drawn(draw, COUNTRIES), _drawn(draw, PLANS)
    for number in range(1, people + 1):
        attributes = (
            f'{{"name": "Person {number}", "email": "person-{number}@example.com", "country": "{country()}",'
            f' "plan": "{plan()}", "age": {int(draw.triangular(16, 80, 33))}, "newsletter": {_flag(number % 3 == 0)},'
            f' "lifetime_value": {number * 37 % 100_000 / 100}, "signup_source": "campaign-{number % 40}"}}'
        )
        yield (
            f"{number % SHARDS}\t{number}\t1\tuser-{number}\t{attributes}\tEurope/Berlin\ten\t{{1}}\t{BEGIN}\t{BEGIN}\n"
        )


def _events(draw: Random, people: int, events: int) -> Iterator[str]:
    name = _drawn(draw, EVENTS)
    seconds = DAYS * 86_400
    for number in range(events):
        at = BEGIN + timedelta(seconds=number * seconds // events)
        doer = 1 + int(people * draw.random() ** 2) * SCATTER % people
        what = name()
        yield f"{doer % SHARDS}\t{doer}\t1\t1\t{what}\t{_data(what, number)}\t{at}\t{at}\n"


def _data(name: str, number: int) -> str:
    if name == "page_view":
        return f'{{"path": "/articles/{number % 5000}", "referrer": "search"}}'
    return f'{{"sku": "sku-{number % 3000}", "price": {number * 31 % 20_000 / 100}, "currency": "EUR"}}'


def _drawn(draw: Random, weights: dict[str, int]) -> Callable[[], str]:
    """Return a function that draws a word; how often each comes is its weight."""
    words = [word for word, weight in weights.items() for _ in range(weight)]
    count = len(words)
    return lambda: words[int(draw.random() * count)]


def _flag(value: bool) -> str:
    return "true" if value else "false"
