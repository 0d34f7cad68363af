"""Rules about conditions on the attributes of events."""

from collections.abc import Iterator

from sojourn.model.points import Conditions
from sojourn.model.problems import Problem


def conditions(wanted: Conditions, where: str) -> Iterator[Problem]:
    """Yield a problem for each condition with too many or too few values."""
    for index, condition in enumerate(wanted):
        count = len(condition.values)
        bounds = {
            "SET": (0, 0),
            "NOTSET": (0, 0),
            "BETWEEN": (2, 2),
            "GT": (1, 1),
            "GTE": (1, 1),
            "LT": (1, 1),
            "LTE": (1, 1),
        }
        least, most = bounds.get(condition.operator, (1, 100))
        if not least <= count <= most:
            number = str(least) if least == most else f"{least} to {most}"
            yield Problem(
                "condition.values",
                f"{where}/{index}/values",
                f"{condition.operator} takes {number} values, not {count}",
            )
