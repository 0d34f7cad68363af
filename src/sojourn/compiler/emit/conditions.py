"""Conditions on an event's attributes, spelt as SQL with the same meaning as conditions on a profile's attributes."""

from sojourn.compiler.emit.statement import Draft
from sojourn.compiler.segments import SegmentScope, predicate
from sojourn.model.points import Conditions
from sojourn.model.segments import Attribute


def conditions(wanted: Conditions, data: str, scope: SegmentScope, draft: Draft) -> list[str]:
    """Return one clause per condition on the JSON object `data`."""
    return [
        predicate(
            Attribute(path=(each.attribute,), operator=each.operator, values=each.values),
            draft.parameters,
            scope,
            attributes=f"({data})",
        )
        for each in wanted
    ]
