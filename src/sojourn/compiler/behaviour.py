"""Behaviour: conditions on what people did, as SQL over the history of events.

An event never happens after we got it (a rule of the schema), so a window on when it happened is also one on when it
was received. That is what the daily partitions are cut by, and what the index on a person's events ends in.
"""

from collections.abc import Iterator, Mapping

from sojourn.compiler.comparisons import (
    at_path,
    compare,
    compare_number,
    compare_time,
    earliest,
    nothing_meets,
    zero_meets,
)
from sojourn.compiler.lookup import Rows
from sojourn.compiler.parameters import Parameters
from sojourn.model.reactions import MESSAGE_OPENED
from sojourn.model.segments import BestTime, Event

NOW = "%(now)s::timestamptz"

HABITS_DAYS = 90
HABITS_WINDOW = f"make_interval(hours => {24 * HABITS_DAYS})"
"""90 times 24 hours: a day of an interval may be an hour longer or shorter, by the zone of the session."""

HABITS_SINCE = f"{NOW} - {HABITS_WINDOW}"
"""Before this it does not matter when a person opened messages."""


def event(wanted: Event, rows: Rows, parameters: Parameters, app_ids: Mapping[str, int]) -> str:
    """Return a SQL boolean, never null: whether the person has done it."""
    clauses = list(_clauses(wanted, rows, parameters, app_ids))
    met = " and ".join(_totals(wanted, parameters))
    if not met:
        return rows.have("event", "e", clauses)
    if rows.whole is not None and nothing_is_enough(wanted):
        # Who did nothing is in no set of rows: name those who did too much instead.
        return f"(not {rows.have('event', 'e', clauses, f'not ({met})')})"
    return rows.have("event", "e", clauses, met)


def nothing_is_enough(wanted: Event) -> bool:
    """Tell whether who has no such event meets the condition."""
    totals = [zero_meets(each) for each in (wanted.count, wanted.sum) if each is not None]
    times = [nothing_meets(each) for each in (wanted.first, wanted.last) if each is not None]
    return bool(totals or times) and all(totals + times)


def done(wanted: Event, rows: Rows, parameters: Parameters, app_ids: Mapping[str, int]) -> str:
    """Return the query for what a person's events that count come to, as jsonb: how many, when first and last."""
    where = " and ".join([*rows.of("e"), *_clauses(wanted, rows, parameters, app_ids)])
    added = "" if wanted.sum is None else f", 'sum', {total(wanted.sum.path, parameters)}"
    facts = f"'count', count(*), 'first', min(e.occurred_at), 'last', max(e.occurred_at){added}"
    return f"select jsonb_build_object({facts}) from event as e where {where}"


def _clauses(wanted: Event, rows: Rows, parameters: Parameters, app_ids: Mapping[str, int]) -> Iterator[str]:
    """Yield what an event must meet to count."""
    yield f"e.name = {parameters.add(wanted.name, 'text')}"
    if wanted.app is not None:
        yield f"e.app_id = {app_ids[wanted.app]:d}"
    if wanted.days is not None:
        since = rows.ago(wanted.days)
        yield from (f"e.occurred_at > {since}", f"e.received_at > {since}")
    if wanted.when is not None:
        yield compare_time("e.occurred_at", wanted.when, parameters)
        since = earliest(wanted.when, parameters)
        if since is not None:
            yield f"e.received_at >= {since}"
    for each in wanted.where:
        yield compare(at_path("e.data", each.path, parameters), each, parameters)


def _totals(wanted: Event, parameters: Parameters) -> Iterator[str]:
    """Yield what the events must meet together."""
    if wanted.count is not None:
        yield compare_number("count(*)", wanted.count, parameters)
    if wanted.sum is not None:
        yield compare_number(total(wanted.sum.path, parameters), wanted.sum, parameters)
    if wanted.first is not None:
        yield compare_time("min(e.occurred_at)", wanted.first, parameters)
    if wanted.last is not None:
        yield compare_time("max(e.occurred_at)", wanted.last, parameters)


def total(path: tuple[str, ...], parameters: Parameters) -> str:
    """Return the sum of an attribute over the events in `e`."""
    value = at_path("e.data", path, parameters).json
    return f"coalesce(sum(case when jsonb_typeof({value}) = 'number' then {value}::numeric end), 0)"


# The best time ------------------------------------------------------------------------------------------------


def best_time(wanted: BestTime, rows: Rows) -> str:
    """Return a SQL boolean, never null: whether the hour in which the person opens most lies in the hours wanted."""
    met = _in_hours("h.hour", wanted)
    if rows.whole is None:
        return f"coalesce((select {met} from ({habit(rows)}) as h), false)"
    opened = " and ".join([*rows.of("e"), *OPENED])
    keys = ", ".join(f"o.{column}" for column in rows.key)
    owners = " and ".join([*rows.of("q"), *(f"q.{column} = e.{column}" for column in rows.key)])
    counted = (
        f"select {', '.join(f'e.{column}' for column in rows.key)}, {_hour('q')} as hour, count(*) as n"
        f" from event as e join profile as q on {owners} where {opened}"
        f" group by {', '.join(str(place) for place in range(1, len(rows.key) + 2))}"
    )
    favourite = f"select distinct on ({keys}) {keys}, o.hour from ({counted}) as o order by {keys}, o.n desc, o.hour"
    return rows.among(f"select {', '.join(f'h.{column}' for column in rows.key)} from ({favourite}) as h where {met}")


def habit(rows: Rows) -> str:
    """Return the query for the hour of the day in which the person opened most messages; of several the first."""
    opened = " and ".join([*rows.of("e"), *OPENED])
    counted = f"select {_hour(rows.profile)} as hour, count(*) as n from event as e where {opened} group by 1"
    return f"select o.hour from ({counted}) as o order by o.n desc, o.hour limit 1"


OPENED = (f"e.name = '{MESSAGE_OPENED}'", f"e.received_at > {HABITS_SINCE}", f"e.occurred_at > {HABITS_SINCE}")


def _hour(profile: str) -> str:
    return f"extract(hour from e.occurred_at at time zone coalesce({profile}.time_zone, 'UTC'))::integer"


def _in_hours(hour: str, wanted: BestTime) -> str:
    if wanted.from_hour < wanted.to_hour:
        return f"({hour} >= {wanted.from_hour:d} and {hour} < {wanted.to_hour:d})"
    return f"({hour} >= {wanted.from_hour:d} or {hour} < {wanted.to_hour:d})"
