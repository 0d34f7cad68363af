"""Terms: what stands between the parentheses of a call, read one after the other."""

from dataclasses import dataclass
from typing import Literal as OneOf

import msgspec

from sojourn.model.points import Scalar
from sojourn.model.segments import Comparison, Condition, Expression, Operator
from sojourn.seglang.errors import SeglangError
from sojourn.seglang.limits import limit_told

OPERATORS: dict[str, Operator] = {
    "any": "SET", "between": "BETWEEN", "contains": "CONTAINS", "endswith": "ENDS_WITH", "eq": "EQ", "gt": "GT",
    "gte": "GTE", "in": "IN", "isnotset": "NOTSET", "isset": "SET", "lt": "LT", "lte": "LTE", "noteq": "NOTEQ",
    "notin": "NOTIN", "notset": "NOTSET", "regex": "REGEX", "set": "SET", "startswith": "STARTS_WITH",
}  # fmt: skip
DAYS_AGO = "daysago"
EXACT = "exact"

# More days ago is earlier.
_EARLIER: dict[Operator, Operator] = {
    "EQ": "EQ", "NOTEQ": "NOTEQ", "IN": "IN", "NOTIN": "NOTIN", "GT": "LT", "GTE": "LTE", "LT": "GT", "LTE": "GTE",
    "BETWEEN": "BETWEEN",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where something starts in the text."""

    line: int
    column: int

    def refusal(self, text: str, *expected: str) -> SeglangError:
        """Return the error that stands here."""
        return SeglangError(text, line=self.line, column=self.column, expected=expected)


@dataclass(frozen=True, slots=True)
class Word:
    """A bare word, such as an operator."""

    place: Place
    name: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A text, a number or a boolean."""

    place: Place
    value: Scalar


@dataclass(frozen=True, slots=True)
class Items:
    """A list in brackets."""

    place: Place
    items: "tuple[Word | Literal | Items, ...]"


@dataclass(frozen=True, slots=True)
class AttributeName:
    """`attr("name")`, which stands for an attribute of an event."""

    place: Place
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """What the next operator of a chain of methods is about.

    Attributes:
        subject: An attribute of the person, or what of the events: their number, the sum of an attribute, the first or
            the last time, the time of each, an attribute of each.
        place: Where it is named.
        is_relative: Whether its values count days.
    """

    subject: OneOf["attribute", "count", "first", "last", "sum", "when", "where"]
    place: Place
    path: tuple[str, ...] = ()
    is_relative: bool = False


@dataclass(frozen=True, slots=True)
class Chain:
    """An operand with the methods read so far.

    Attributes:
        parts: What must hold together.
        depth: Levels of the deepest part.
        app: Whose attributes and events the next methods are about.
        is_union: The one part was made by `.or`, so that another `.or` extends it.
        pending: What waits for its operator.
        leaves: Where each condition starts that is somewhere in the parts, in reading order.
    """

    place: Place
    parts: tuple[Expression, ...]
    depth: int = 1
    leaves: tuple[Place, ...] = ()
    app: str | None = None
    is_union: bool = False
    pending: Pending | None = None


Term = Word | Literal | Items | AttributeName | Chain


class Terms:
    """The arguments of one call. Every method takes what comes next, or refuses it in place."""

    def __init__(self, place: Place, name: str, items: tuple[Term, ...]) -> None:
        self.place = place
        self.name = name
        self._items = items
        self._next = 0

    @property
    def next(self) -> Term | None:
        """What comes next, untouched."""
        return self._items[self._next] if self._next < len(self._items) else None

    def take(self) -> Term | None:
        """Take whatever comes next."""
        taken = self.next
        self._next += 1
        return taken

    def refusal(self, expected: str) -> SeglangError:
        """Return the error for what comes next, which is not what is expected."""
        place = self.next.place if self.next else self.place
        return place.refusal(f"`{self.name}` takes {expected} here", expected)

    def end(self) -> None:
        """Refuse anything more."""
        if self.next is not None:
            raise self.next.place.refusal(f"`{self.name}` takes nothing more", "`)`")

    def text(self, what: str) -> str:
        """Take a text."""
        match self.next:
            case Literal(value=str(value)):
                self.take()
                return value
            case _:
                raise self.refusal(what)

    def number(self, what: str) -> int | float:
        """Take a number."""
        match self.next:
            case Literal(value=int() | float() as value) if not isinstance(value, bool):
                self.take()
                return value
            case _:
                raise self.refusal(what)

    def whole(self, what: str) -> int:
        """Take a whole number."""
        term = self.next
        value = self.number(what)
        if not isinstance(value, int):
            raise (term or self).place.refusal(f"`{self.name}` takes {what} here", what)
        return value

    def path(self) -> tuple[str, ...]:
        """Take the name of an attribute, or the list of names that lead to a nested one."""
        match self.next:
            case Items(items=items):
                names = [item.value for item in items if isinstance(item, Literal) and isinstance(item.value, str)]
                if len(names) != len(items) or not names:
                    raise self.refusal("names in quotes")
                self.take()
                return tuple(names)
            case _:
                return (self.text("a name in quotes"),)

    def is_word(self, name: str) -> bool:
        """Tell whether a certain word comes next, and take it if so."""
        found = isinstance(self.next, Word) and plain(self.next.name) == name
        self._next += found
        return found

    def is_name_after_name(self) -> bool:
        """Tell whether two texts come next, or a text and a list: an app, then a tag."""
        after = self._items[self._next + 1 : self._next + 2]
        return isinstance(self.next, Literal) and bool(after) and isinstance(after[0], Literal | Items)

    def values(self) -> tuple[Scalar, ...]:
        """Take values up to the next thing that is none. Lists add what they hold."""
        values: list[Scalar] = []
        while True:
            match self.next:
                case Literal(value=value):
                    values.append(value)
                case Items(items=items):
                    values.extend(_flat(items))
                case _:
                    return tuple(values)
            self.take()

    def comparison(self) -> Comparison:
        """Take an operator and its values."""
        is_relative = self.is_word(DAYS_AGO)
        word = self.next
        operator = OPERATORS.get(plain(word.name)) if isinstance(word, Word) else None
        if operator is None:
            raise self.refusal(f"an operator ({', '.join(sorted(set(OPERATORS.values())))})")
        self.take()
        return self.compared(operator, is_relative=is_relative)

    def compared(self, operator: Operator, *, is_relative: bool) -> Comparison:
        """Take the values of an operator."""
        place = self.next.place if self.next else self.place
        values = self.values()
        if is_relative:
            operator, values = _relative(operator, values, place)
        return Comparison(operator=operator, values=values, fold_case=not self.is_word(EXACT))


def plain(name: str) -> str:
    """Return the form in which words are compared: `STARTS_WITH` and `startsWith` are one."""
    return name.lower().replace("_", "")


def checked(condition: Condition, place: Place) -> Condition:
    """Return the condition if it keeps the limits that its type states."""
    try:
        return msgspec.convert(msgspec.to_builtins(condition), type(condition))
    except msgspec.ValidationError as error:
        raise place.refusal(limit_told(error)) from error


def _flat(items: tuple[Word | Literal | Items, ...]) -> tuple[Scalar, ...]:
    for item in items:
        if not isinstance(item, Literal):
            raise item.place.refusal("a list of values holds texts, numbers and booleans", "a value")
    return tuple(item.value for item in items if isinstance(item, Literal))


def _relative(operator: Operator, values: tuple[Scalar, ...], place: Place) -> tuple[Operator, tuple[Scalar, ...]]:
    """Turn numbers of days into dates: more than 3 days ago is before `3 days ago`."""
    earlier = _EARLIER.get(operator)
    if earlier is None:
        raise place.refusal(f"`daysago` goes with {', '.join(_EARLIER)}", *_EARLIER)
    days = [value for value in values if isinstance(value, int) and not isinstance(value, bool) and value >= 0]
    if len(days) != len(values):
        raise place.refusal("`daysago` counts whole days", "a whole number")
    dates = tuple(f"{count} days ago" for count in days)
    return earlier, dates[::-1] if operator == "BETWEEN" else dates
