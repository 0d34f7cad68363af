"""Emit: from a plan to the SQL that carries it out. Deterministic: the same plan gives the same text.

One set (CTE) per point, named after its number and kind, in the order in which people meet them. What a person typed is
always a parameter; ids of ours and enum words may be literals, so that the planner sees them.
"""

from sojourn.compiler.emit.sinks import result, sinks
from sojourn.compiler.emit.sources import source
from sojourn.compiler.emit.statement import COMPILER, Draft, Statement
from sojourn.compiler.emit.steps import step
from sojourn.compiler.plan import FromAudience, FromRemoved, FromStay, Plan
from sojourn.model.points import SendEmail, UpdateProfile, Webhook

__all__ = ["COMPILER", "Statement", "emit"]


def emit(plan: Plan) -> Statement:
    """Spell a plan as one SQL statement.

    Parameters of run time: `shard`, `now`, `hour` (the hour of `now`), and by source `batch` (stays, segments), `moved`
    (removed points), `first_event`, `last_event`, `first_received` (events), `last_inbox` (requests, named events),
    `after_profile`, `zones`, `entry`, `received_at`, `request_uuid` (segments), `people`, `after_profile`, `enrolls`
    (audiences); and `watched` where it changes attributes. Its rows are (what, point_no, n, last_profile).
    """
    draft = Draft(_title(plan))
    source(plan, draft)
    for each in plan.steps:
        step(plan, each, draft)
    sinks(plan, draft)
    sends = any(isinstance(each.point, SendEmail | Webhook) for each in plan.steps)
    return draft.finish(result(plan), sends=sends, writes=_written(plan))


def _written(plan: Plan) -> frozenset[str]:
    """Return the attributes that the walk may change."""
    updates = [each.point for each in plan.steps if isinstance(each.point, UpdateProfile)]
    return frozenset(operation.tag for point in updates for operation in point.operations)


def _title(plan: Plan) -> str:
    header = plan.header
    match plan.source:
        case FromStay():
            origin = f"from point {plan.source.point_no:d} ({plan.source.kind})"
        case FromAudience():
            origin = f"in at point {plan.source.point_no:d}, {plan.source.looked}"
        case FromRemoved():
            origin = f"from removed points to point {plan.steps[0].point_no:d}"
        case _:
            origin = f"in at point {plan.source.point_no:d}"
    return f"-- journey {header.journey_id:d}, version {header.version_no:d}, {origin}; compiler {COMPILER:d}"
