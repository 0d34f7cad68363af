"""Look-ups: how a condition on a person finds rows of theirs in another people table.

For a few people, each one's rows are fetched by index. For a whole shard, or for everybody, it takes less to go through
the table once and remember whom it holds: a probe per person costs an index descent in every partition.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

NOW = "%(now)s::timestamptz"
SHARD = "%(shard)s::smallint"
SHARDS = "any(%(shards)s::smallint[])"

Lookup = Literal["each", "shard", "each_across", "across"]
"""`each`: per person, in the shard `shard`. `shard`: once for the whole shard `shard`.

`each_across` and `across`: the same over the shards in the list `shards`.
"""


@dataclass(frozen=True, slots=True)
class Rows:
    """A row of `profile` in a statement, and how rows of other tables are found for it.

    Attributes:
        profile: The alias.
        attributes: A jsonb expression.
        shard: What the shard of rows that are looked up per person equals.
        whole: For look-ups over a whole set of people: the shards that it covers, in SQL; None where it is per person.
        key: The columns that say who somebody is in that set.
        is_planned_anew: Whether each run of the statement has a plan of its own, made for its values.
    """

    profile: str
    attributes: str
    shard: str
    whole: str | None
    key: tuple[str, ...]
    is_planned_anew: bool = False

    def ago(self, days: int) -> str:
        """Return the instant so many times 24 hours before now; a day of an interval may have 23 or 25."""
        interval = f"make_interval(hours => {24 * days:d})"
        if not self.is_planned_anew:
            return f"{NOW} - {interval}"
        # The same, but without a look at the session's time zone: a constant to the planner, who then leaves out days.
        return f"((({NOW} at time zone 'UTC') - {interval}) at time zone 'UTC')"

    def of(self, alias: str) -> list[str]:
        """Return the clauses that pick the rows, in `alias`, of the person, or of everybody in the set."""
        if self.whole is not None:
            return [f"{alias}.shard = {self.whole}"]
        return [f"{alias}.shard = {self.shard}", f"{alias}.profile_id = {self.profile}.profile_id"]

    def have(self, table: str, alias: str, clauses: Sequence[str], having: str | None = None) -> str:
        """Return a SQL boolean: whether the person has rows that meet the clauses and, all together, `having`.

        No rows at all do not meet `having`, whatever it says, unless they are looked up per person.
        """
        where = " and ".join([*self.of(alias), *clauses])
        if self.whole is not None:
            keys = ", ".join(f"{alias}.{column}" for column in self.key)
            grouped = f" group by {keys} having {having}" if having is not None else ""
            return self.among(f"select {keys} from {table} as {alias} where {where}{grouped}")
        if having is not None:
            return f"(select {having} from {table} as {alias} where {where})"
        # `offset 0` keeps the planner from joining with a whole shard of rows.
        return f"exists (select 1 from {table} as {alias} where {where} offset 0)"

    def among(self, query: str) -> str:
        """Return a SQL boolean: whether the query, which gives the key columns, names the person."""
        mine = ", ".join(f"{self.profile}.{column}" for column in self.key)
        if len(self.key) == 1:
            # Within a tick the planner guesses badly; `is true` keeps this a set that is hashed once, if it is needed.
            return f"(({mine} in ({query})) is true)"
        return f"(({mine}) in ({query}))"


def rows_of(profile: str, attributes: str, lookup: Lookup) -> Rows:
    """Return how rows are found for a row of `profile`."""
    match lookup:
        case "each":
            return Rows(profile, attributes, SHARD, None, ())
        case "shard":
            return Rows(profile, attributes, SHARD, SHARD, ("profile_id",))
        case "each_across":
            return Rows(profile, attributes, f"{profile}.shard", None, (), is_planned_anew=True)
        case "across":
            return Rows(profile, attributes, f"{profile}.shard", SHARDS, ("shard", "profile_id"), is_planned_anew=True)
