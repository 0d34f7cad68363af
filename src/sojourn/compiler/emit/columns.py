"""Columns: what every set of people brings along, and no more than the rest of the walk needs."""

from sojourn.compiler.plan import FromEvents, Inflow, Plan, Step, Trail
from sojourn.model.points import SendEmail, Webhook


def columns(plan: Plan) -> tuple[str, ...]:
    """Name the columns of every set of a plan, but for `path`, which only some sets need.

    `context` is what replaced the enrollment's context (null: nothing did), `origin` the enrollment's own, `since` and
    `after_event` say from when and after which event an event wait counts.
    """
    holds = any(step.holds for step in plan.steps) or waits_turn(plan)
    sends = any(isinstance(step.point, SendEmail | Webhook) for step in plan.steps)
    return (
        "enrollment_id",
        "profile_id",
        *(("entry_key", "since", "after_event") if holds else ()),
        *(("context",) if holds or sends or plan.reads_context else ()),
        *(("origin",) if plan.reads_context else ()),
        *(("attributes", "has_changed") if plan.carries_attributes else ()),
    )


def waits_turn(plan: Plan) -> bool:
    """Tell whether some who enter must wait at the entry, because another enrollment of theirs goes first."""
    return isinstance(plan.source, FromEvents) and plan.source.admission.keyed and plan.carries_attributes


def carried(plan: Plan, *, alias: str = "i", without: tuple[str, ...] = ()) -> str:
    """List the columns to be handed on, taken from `alias`."""
    return ", ".join(f"{alias}.{name}" for name in columns(plan) if name not in without)


def inflow(plan: Plan, step: Step, alias: str = "i") -> str:
    """Return the `from` item of the people who come to a point, with the paths that led them there if they differ."""
    if len(step.inflows) == 1 and step.inflows[0].output is None:
        return f"{step.inflows[0].set_name} as {alias}"
    names = ", ".join(columns(plan))
    parts = [
        f"select {names}{_path_by(plan, step, flow)} from {flow.set_name}{_leaving(flow)}" for flow in step.inflows
    ]
    union = "\n    union all\n    ".join(parts)
    return f"(\n    {union}\n) as {alias}"


def arrived(plan: Plan, step: Step, alias: str = "i") -> str:
    """Return the column with the paths of the people at a point, the point included, where they differ."""
    if plan.trails[step.name] is not None:
        return ""
    return f", {alias}.path || {step.point_no:d}::smallint as path"


def kept(plan: Plan, name: str, alias: str = "i") -> str:
    """Return the column of paths handed on as it is, where a set has one."""
    return "" if plan.trails[name] is not None else f", {alias}.path"


def path(plan: Plan, name: str) -> str:
    """Return the path of the people in a set: a constant where all of them took the same."""
    trail = plan.trails[name]
    return "path" if trail is None else _constant(trail)


def _path_by(plan: Plan, step: Step, flow: Inflow) -> str:
    if plan.trails[step.name] is not None:
        return ""
    return f", {path(plan, flow.set_name)} as path"


def _constant(trail: Trail) -> str:
    return f"array[{', '.join(str(int(number)) for number in trail)}]::smallint[]"


def _leaving(flow: Inflow) -> str:
    return "" if flow.output is None else f" where output = {flow.output:d}"
