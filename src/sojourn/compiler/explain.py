"""Explain: a plan in words. Who sets out, who of them is let in, and which points they come to in what order."""

from collections.abc import Iterator
from typing import assert_never

from sojourn.compiler.plan import (
    Admission,
    FromAudience,
    FromEvents,
    FromRemoved,
    FromRequests,
    FromSegment,
    FromStay,
    Inflow,
    Looked,
    Plan,
    Step,
)
from sojourn.model.points import Exit, SendEmail, Webhook, output_name


def render_plan(plan: Plan) -> str:
    """Return a plan as text: a line for each set of people, below the set where they come from.

    The text is for reading and for comparing; the same plan gives the same text.
    """
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    yield f"journey {plan.header.journey_id:d}, version {plan.header.version_no:d}: {_origin(plan)}"
    yield from (f"    {remark}" for remark in _remarks(plan))
    yield plan.start_name
    yield from (_step(step) for step in plan.steps)


def _origin(plan: Plan) -> str:
    source = plan.source
    match source:
        case FromStay():
            return f"people whose stay at point {source.point_no:d} ({source.kind}) is over"
        case FromRemoved():
            return f"people on removed points go on at point {plan.steps[0].point_no:d}"
        case FromEvents():
            return f"people come in by an event at point {source.point_no:d}"
        case FromRequests():
            return f"people come in by a request at point {source.point_no:d}"
        case FromAudience():
            return (
                f"people come in at point {source.point_no:d} as they {_turns(source)} to match, {_WHO[source.looked]}"
            )
        case FromSegment():
            return f"people of a segment come in at point {source.point_no:d}"
        case _:
            assert_never(source)


_WHO: dict[Looked, str] = {
    "changed": "of those who changed",
    "due": "of those for whom time may have changed that",
    "pass": "of all, batch by batch",
}


def _turns(source: FromAudience) -> str:
    return "cease" if source.audience.trigger == "LEAVING" else "begin"


def _remarks(plan: Plan) -> Iterator[str]:
    """Say what is not seen from the steps."""
    source = plan.source
    match source:
        case FromStay():
            yield from _leaving(source)
        case FromRemoved():
            pass
        case FromAudience() | FromEvents() | FromRequests():
            yield from _admission(source.admission)
        case FromSegment():
            yield from _admission(source.admission)
            yield from _selection(source)
        case _:
            assert_never(source)
    if plan.carries_attributes:
        yield "attributes are brought along, since a point changes them; of one person, one enrollment at a time"
    if plan.reads_context:
        yield "what people came with is brought along, since a point reads it"


def _leaving(source: FromStay) -> Iterator[str]:
    if source.fallback or source.by_event:
        yield f"without a decision they leave by {output_name(source.fallback)}"
    for output, instead in sorted((source.merged or {}).items()):
        yield f"{output_name(output)} leads nowhere; {output_name(instead)} is taken instead"
    if source.by_event:
        yield "what was decided says from when the next event wait counts"


def _admission(admission: Admission) -> Iterator[str]:
    yield "not while inside with the same entry key" if admission.keyed else "not while inside"
    if not admission.reenters:
        yield "never again with the same entry key" if admission.keyed else "never again"
    if admission.cooldown_seconds:
        yield f"again after {admission.cooldown_seconds:d} seconds"
    if admission.deadline_seconds:
        yield f"abandoned after {admission.deadline_seconds:d} seconds"
    if not admission.admits_anonymous:
        yield "nobody without a user id"
    if admission.audience is not None:
        whom = "of those whom pages name " if admission.binds_pages_only else ""
        yield f"{whom}only people of the audience"
    if admission.once_an_instant:
        yield "not twice at one instant"
    if admission.capping is not None:
        period = admission.capping.period_seconds
        within = "ever" if period is None else f"in {period:d} seconds"
        yield f"at most {admission.capping.max_entries:d} times {within}"
    if admission.control_percent:
        yield f"{admission.control_percent:d}% of the people are the control group and leave at once"


def _selection(source: FromSegment) -> Iterator[str]:
    if source.app_id is not None:
        yield f"users of app {source.app_id:d}"
    if source.by_zone:
        yield f"zone by zone; people without one count as in {source.fallback_zone}"
    if source.requested:
        yield "chosen by the filter of a request"


def _step(step: Step) -> str:
    came_from = ", ".join(_inflow(inflow) for inflow in step.inflows)
    return f"{step.name} <- {came_from}{''.join(f'; {deed}' for deed in _deeds(step))}"


def _inflow(inflow: Inflow) -> str:
    return inflow.set_name if inflow.output is None else f"{inflow.set_name}.{output_name(inflow.output)}"


def _deeds(step: Step) -> Iterator[str]:
    if isinstance(step.point, SendEmail | Webhook):
        yield "a message is queued"
    if step.silence is not None:
        yield "silent hours put it off" if step.waits_out_silence else "in silent hours it is skipped"
    if step.winner is not None:
        yield f"who has not drawn yet takes {output_name(step.winner)}, the winner"
    if step.holds:
        yield "people stay"
    if isinstance(step.point, Exit):
        yield "people depart"
