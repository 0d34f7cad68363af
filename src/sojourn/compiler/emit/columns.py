"""Columns: what every set of people brings along."""

from sojourn.compiler.plan import Inflow, Plan

BASE = ("enrollment_id", "profile_id", "entry_key", "context", "since", "after_event", "path")


def columns(plan: Plan) -> tuple[str, ...]:
    """Name the columns of every set of a plan.

    `context` is what replaced the enrollment's context (null: nothing did), `origin` the enrollment's own, `since` and
    `after_event` say from when and after which event an event wait counts.
    """
    origin = ("origin",) if plan.reads_context else ()
    attributes = ("attributes", "has_changed") if plan.carries_attributes else ()
    return BASE + origin + attributes


def carried(plan: Plan, *, alias: str = "i", without: tuple[str, ...] = ()) -> str:
    """List the columns to be handed on, taken from `alias`."""
    return ", ".join(f"{alias}.{name}" for name in columns(plan) if name not in without)


def inflow(plan: Plan, inflows: tuple[Inflow, ...], alias: str = "i") -> str:
    """Return the `from` item of the people who come from the sets given."""
    if len(inflows) == 1 and inflows[0].output is None:
        return f"{inflows[0].set_name} as {alias}"
    names = ", ".join(columns(plan))
    parts = [f"select {names} from {flow.set_name}{_leaving(flow)}" for flow in inflows]
    union = "\n    union all\n    ".join(parts)
    return f"(\n    {union}\n) as {alias}"


def _leaving(flow: Inflow) -> str:
    return "" if flow.output is None else f" where output = {flow.output:d}"
