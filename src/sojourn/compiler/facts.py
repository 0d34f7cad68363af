"""Facts: conditions on what is known of people beside their attributes, as SQL."""

from collections.abc import Mapping

from sojourn.compiler.comparisons import NEGATIONS, Subject, at_path, compare, compare_time
from sojourn.compiler.lookup import Rows
from sojourn.compiler.parameters import Parameters
from sojourn.model.segments import Comparison, Fact, Geo

COLUMNS: Mapping[str, str] = {"language": "language", "time_zone": "time_zone", "user_id": "user_id"}
"""Facts that are a text in a column of `profile`."""

TIMES: Mapping[str, str] = {"created_at": "created_at", "updated_at": "updated_at"}

REACHES: Mapping[str, tuple[str, str]] = {
    "channel": ("d.channel::text", "d.is_subscribed and (d.channel <> 'push' or d.push_token is not null)"),
    "email": ("d.hwid", "d.channel = 'email'"),
    "phone": ("d.hwid", "d.channel in ('sms', 'whatsapp')"),
    "platform": ("d.platform", "true"),
}
"""Facts that a person has once per device or address: the value, and which devices count."""

DEVICE_COLUMNS: Mapping[str, str] = {"channel": "d.channel::text", "language": "d.language", "platform": "d.platform"}
DERIVED = frozenset({"browser", "os", "type"})
"""What the platform tells of a device that did not say it itself."""

DEVICE, LOCATION, ROLE = "device", "location", "role"

FACTS = (
    "channel", "created_at", "device.<name>", "email", "language", "location.<name>", "phone", "platform", "role",
    "time_zone", "updated_at", "user_id",
)  # fmt: skip


def is_fact(path: tuple[str, ...]) -> bool:
    """Tell whether there is such a fact."""
    match path:
        case (str(name),):
            return name in COLUMNS or name in TIMES or name in REACHES or name == ROLE
        case (str(name), _):
            return name in (DEVICE, LOCATION)
        case _:
            return False


def is_time(path: tuple[str, ...]) -> bool:
    """Tell whether the fact is a time."""
    return len(path) == 1 and path[0] in TIMES


def fact(wanted: Fact, rows: Rows, parameters: Parameters) -> str:
    """Return a SQL boolean, never null: whether the person meets the condition."""
    name = wanted.path[0]
    if is_time(wanted.path):
        return compare_time(f"{rows.profile}.{TIMES[name]}", wanted, parameters)
    if name == DEVICE:
        return _of_any_device(_of_device(wanted.path[1], parameters), "true", wanted, rows, parameters)
    if name in REACHES:
        value, counts = REACHES[name]
        return _of_any_device(_text(value), counts, wanted, rows, parameters)
    return compare(stored(wanted.path, rows, parameters), wanted, parameters)


def stored(path: tuple[str, ...], rows: Rows, parameters: Parameters) -> Subject:
    """Return the value of a fact of which a person has one."""
    name = path[0]
    if name == LOCATION:
        return at_path(f"{rows.profile}.location", path[1:], parameters)
    if name == ROLE:
        return at_path(rows.attributes, path, parameters)
    return _text(f"{rows.profile}.{COLUMNS[name]}")


def values_of_devices(path: tuple[str, ...], parameters: Parameters) -> tuple[str, str]:
    """Return what a fact is on one device, as jsonb, and which devices count."""
    if path[0] == DEVICE:
        return _of_device(path[1], parameters).json, "true"
    value, counts = REACHES[path[0]]
    return f"to_jsonb({value})", counts


def _text(column: str) -> Subject:
    return Subject(f"to_jsonb({column})", column)


def _of_device(name: str, parameters: Parameters) -> Subject:
    if name in DEVICE_COLUMNS:
        return _text(DEVICE_COLUMNS[name])
    said = at_path("d.details", (name,), parameters)
    if name not in DERIVED:
        return said
    return Subject(
        f"coalesce(nullif({said.json}, 'null'::jsonb), to_jsonb(platform_{name}_v1(d.platform)))",
        f"coalesce({said.text}, platform_{name}_v1(d.platform))",
    )


def _of_any_device(value: Subject, counts: str, wanted: Comparison, rows: Rows, parameters: Parameters) -> str:
    """Hold the condition against every device: one has to meet it, of a negation none its opposite."""
    opposite = NEGATIONS.get(wanted.operator)
    plain = Comparison(operator=opposite or wanted.operator, values=wanted.values, fold_case=wanted.fold_case)
    met = rows.have("device", "d", [counts, compare(value, plain, parameters)])
    return f"(not {met})" if opposite is not None else met


# Places -------------------------------------------------------------------------------------------------------


def within_radius(wanted: Geo, rows: Rows, parameters: Parameters) -> str:
    """Return a SQL boolean, never null: whether the person was last seen within the radius."""
    radius = parameters.add(wanted.radius_km, "double precision")
    return f"coalesce({distance(wanted, rows, parameters)} <= {radius}, false)"


def distance(wanted: Geo, rows: Rows, parameters: Parameters) -> str:
    """Return how far from the place the person was last seen, in km; null where that is not known."""
    place = ", ".join(parameters.add(each, "double precision") for each in (wanted.latitude, wanted.longitude))
    return f"distance_km_v1({rows.profile}.location, {place})"
