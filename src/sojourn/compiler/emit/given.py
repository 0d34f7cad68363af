"""Given: what every statement is told at run time, and how it finds a person's rows by it."""

SHARD = "%(shard)s::smallint"
NOW = "%(now)s::timestamptz"


def lateral(table: str, alias: str, names: tuple[str, ...], where: str) -> str:
    """Return a join that fetches, for each person, their row of a people table by its key.

    `offset 0` keeps the planner from turning it into a scan of the whole shard: its guess of how many people come is
    made once for all runs of the statement, and a run may be for one person.
    """
    fields = ", ".join(f"{alias}.{name}" for name in names)
    return (
        f"left join lateral (\n    select {fields} from {table} as {alias}\n"
        f"    where {alias}.shard = {SHARD} and {where} offset 0\n) as {alias} on true"
    )


PROFILE_COLUMNS = (
    "profile_id", "attributes", "app_ids", "created_at", "language", "location", "time_zone", "updated_at", "user_id",
)  # fmt: skip
"""What conditions read of a profile."""
