"""Rules about the fields of points and settings, beyond what their types say."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, time
from typing import assert_never

from sojourn.compiler.check import dialect
from sojourn.compiler.check.conditions import conditions
from sojourn.compiler.check.scope import CheckScope
from sojourn.compiler.goals import JOURNEY_GOAL
from sojourn.compiler.segments import check_segment
from sojourn.model.graph import Graph, SilentHours
from sojourn.model.points import (
    AnyPoint,
    BooleanSplitter,
    Condition,
    Content,
    ElementClick,
    Exit,
    GoalCheck,
    MessageBus,
    ProfileOperation,
    RandomSplitter,
    SendEmail,
    StartByApi,
    StartBySegment,
    UpdateProfile,
    UrlMatch,
    Wait,
    WaitForTrigger,
    Webhook,
    Winner,
)
from sojourn.model.problems import Problem, part
from sojourn.model.schedule import DEVICE, WEEKDAYS, Every, SegmentRepeat
from sojourn.seglang import SeglangError, parse
from sojourn.templates import check_template

EMAIL = re.compile(r"^[^@\s]+@[^@\s]+$")
HEADER = re.compile(r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")
LEAST_SIGNIFICANCE = 0.5
"""Below it a choice would be worse than tossing a coin."""

MONTH_DAYS = {str(day) for day in (-1, *range(1, 32))}


def settings(graph: Graph, scope: CheckScope) -> Iterator[Problem]:
    """Yield the problems of the journey's settings."""
    chosen = graph.settings
    yield from _application(chosen.application_code, "settings/application_code", scope)
    for channel, hours in chosen.silent_hours.items():
        if hours.enabled:
            yield from _silent_hours(hours, f"settings/silent_hours/{part(channel)}", scope)
    yield from dialect.settings(chosen, scope)
    names = [goal.name for goal in chosen.conversion_goals] + [JOURNEY_GOAL] * (chosen.goal is not None)
    for name, count in Counter(names).items():
        if count > 1:
            yield Problem("goal.duplicate", "settings/conversion_goals", f"`{name}` names {count} goals")
    for index, goal in enumerate(chosen.conversion_goals):
        yield from conditions(goal.event_conditions, f"settings/conversion_goals/{index}/event_conditions")


def points(graph: Graph, scope: CheckScope) -> Iterator[Problem]:
    """Yield the problems of every point's fields."""
    goals = frozenset(goal.name for goal in graph.settings.conversion_goals)
    for point in graph.points:
        yield from _fields(point, f"points/{point.id}", scope)
        if isinstance(point, GoalCheck):
            yield from dialect.goal_check(point, graph, f"points/{point.id}")
        if isinstance(point, RandomSplitter) and point.winner is not None:
            yield from _winner(point.winner, f"points/{point.id}/winner", goals)


def _fields(point: AnyPoint, where: str, scope: CheckScope) -> Iterator[Problem]:  # noqa: C901, PLR0912 - one case per kind
    match point:
        case StartBySegment():
            yield from _application(point.application_code, f"{where}/application_code", scope)
            yield from _filter(point, where, scope)
            yield from _repeat(point.repeat, f"{where}/repeat", scope)
            if point.repeat is not None and point.trigger != "MATCHING":
                yield Problem("repeat.trigger", f"{where}/repeat", "only an entry with the trigger MATCHING repeats")
        case MessageBus():
            yield from _message_bus(point, where, scope)
        case StartByApi():
            yield from _application(point.application_code, f"{where}/application_code", scope)
            for name, count in Counter(attribute.name for attribute in point.attributes).items():
                if count > 1:
                    yield Problem("attribute.duplicate", f"{where}/attributes", f"`{name}` is listed {count} times")
        case Wait():
            yield from _wait(point, where, scope)
        case WaitForTrigger():
            for number, branch in enumerate(point.branches):
                for index, event in enumerate(branch.events):
                    place = f"{where}/branches/{number}/events/{index}/event_conditions"
                    yield from conditions(event.event_conditions, place)
        case BooleanSplitter():
            yield from _filter(point, where, scope)
        case RandomSplitter():
            yield from _random_splitter(point, where)
        case UpdateProfile():
            for index, operation in enumerate(point.operations):
                yield from _operation(operation, f"{where}/operations/{index}")
        case Webhook():
            yield from _webhook(point, where)
        case SendEmail():
            yield from _send_email(point, where, scope)
        case UrlMatch():
            yield from dialect.page(point, where)
        case ElementClick():
            if not point.selector:
                yield Problem("click.selector", f"{where}/selector", "the selector of what is clicked is needed")
        case Content():
            if point.content_id is None:
                yield Problem("content.missing", f"{where}/content_id", "the content to be shown is needed")
        case Condition():
            yield from dialect.condition(point, where, scope)
        case Exit() | GoalCheck():
            pass
        case _:
            assert_never(point)


def _silent_hours(hours: SilentHours, where: str, scope: CheckScope) -> Iterator[Problem]:
    """Yield what leaves no time to send in, or none to tell it by."""
    if time.fromisoformat(hours.from_) == time.fromisoformat(hours.to):
        yield Problem("silence.window", f"{where}/to", "`from` and `to` must differ: a whole day is a blocked day")
    if set(hours.blocked_days) == set(WEEKDAYS):
        yield Problem("silence.days", f"{where}/blocked_days", "at least one day of the week must not be blocked")
    yield from _zones(hours, where, scope)


def _application(code: str | None, where: str, scope: CheckScope) -> Iterator[Problem]:
    if code is not None and code not in scope.segments.app_ids:
        yield Problem("app.unknown", where, f"there is no application `{code}`")


def _filter(point: StartBySegment | BooleanSplitter, where: str, scope: CheckScope) -> Iterator[Problem]:
    if (point.filter is None) == (point.filter_code is None):
        yield Problem("filter.one_of", where, "exactly one of filter_code and filter is needed")
    if point.filter_code is not None and point.filter_code not in scope.segments.segments:
        yield Problem(
            "filter.unknown", f"{where}/filter_code", f"there is no filter with the code `{point.filter_code}`"
        )
    elif point.filter_code is not None:
        yield from _placed(
            check_segment(scope.segments.segments[point.filter_code], scope.segments), f"{where}/filter_code"
        )
    if point.filter is not None:
        try:
            expression = parse(point.filter)
        except SeglangError as exc:
            yield Problem("filter.unparsable", f"{where}/filter", exc.text)
        else:
            yield from _placed(check_segment(expression, scope.segments), f"{where}/filter")


def _placed(found: list[Problem], where: str) -> Iterator[Problem]:
    """Move problems of a segment to the place where the segment stands."""
    for problem in found:
        yield Problem(problem.code, where, problem.text)


def _zone(name: str, where: str, scope: CheckScope) -> Iterator[Problem]:
    if name != DEVICE and name not in scope.zones:
        yield Problem("zone.unknown", where, f"`{name}` is neither `device` nor an IANA time zone")


def _repeat(repeat: SegmentRepeat | None, where: str, scope: CheckScope) -> Iterator[Problem]:
    if repeat is None:
        return
    if bool(repeat.dates) == (repeat.every is not None):
        yield Problem("repeat.one_of", where, "exactly one of dates and every is needed")
    for index, date in enumerate(repeat.dates):
        try:
            parsed = datetime.fromisoformat(date)
        except ValueError:
            yield Problem("date.unparsable", f"{where}/dates/{index}", f"`{date}` is not of the form 2026-05-01T09:00")
        else:
            if parsed.tzinfo is not None:
                yield Problem(
                    "date.offset", f"{where}/dates/{index}", "dates are local times of `timezone`, without an offset"
                )
    if repeat.every is not None:
        yield from _every(repeat.every, f"{where}/every/days")
    yield from _zones(repeat, where, scope)


def _zones(chosen: SegmentRepeat | SilentHours, where: str, scope: CheckScope) -> Iterator[Problem]:
    yield from _zone(chosen.timezone, f"{where}/timezone", scope)
    yield from _zone(chosen.fallback_timezone, f"{where}/fallback_timezone", scope)
    if chosen.fallback_timezone == DEVICE:
        yield Problem("zone.unknown", f"{where}/fallback_timezone", "the fallback must be an IANA time zone")


def _every(every: Every, where: str) -> Iterator[Problem]:
    allowed = {"DAY": set[str](), "WEEK": set(WEEKDAYS), "MONTH": MONTH_DAYS}[every.unit]
    for day in every.days:
        if day not in allowed:
            yield Problem("repeat.day", where, f"`{day}` is not a day of a {every.unit}")


def _message_bus(point: MessageBus, where: str, scope: CheckScope) -> Iterator[Problem]:
    yield from _application(point.application_code, f"{where}/application_code", scope)
    yield from conditions(point.event_conditions, f"{where}/event_conditions")
    period = point.active_period
    if period is not None and period.from_ is not None and period.to is not None and period.from_ >= period.to:
        yield Problem("period.empty", f"{where}/active_period", "`from` must be before `to`")
    if point.multi_entry is not None and point.multi_entry.enabled and not point.multi_entry.key_attribute:
        yield Problem(
            "multi_entry.key", f"{where}/multi_entry/key_attribute", "the attribute that tells entries apart is needed"
        )
    if point.attribute_entry is not None and point.attribute_entry.enabled and not point.attribute_entry.attribute_name:
        yield Problem(
            "attribute_entry.name",
            f"{where}/attribute_entry/attribute_name",
            "the attribute that lists whom to enroll is needed",
        )


def _wait(point: Wait, where: str, scope: CheckScope) -> Iterator[Problem]:
    modes = (point.duration_seconds, point.time_of_day, point.until, point.weekday, point.date_attribute)
    if sum(mode is not None for mode in modes) != 1:
        yield Problem(
            "wait.one_of",
            where,
            "exactly one of duration_seconds, time_of_day, until, weekday and date_attribute is needed",
        )
    if point.time_of_day is not None:
        yield from _zone(point.time_of_day.timezone, f"{where}/time_of_day/timezone", scope)
    if point.weekday is not None:
        yield from _zone(point.weekday.timezone, f"{where}/weekday/timezone", scope)
    if point.until is not None and point.until.at.tzinfo is None:
        yield Problem("date.offset", f"{where}/until/at", "an instant needs an offset, such as Z")


def _random_splitter(point: RandomSplitter, where: str) -> Iterator[Problem]:
    hundredths = [round(branch.percent * 100) for branch in point.branches]
    if sum(hundredths) != 10_000:
        total = sum(branch.percent for branch in point.branches)
        yield Problem("random.sum", f"{where}/branches", f"the percentages must sum to 100, not {total:g}")
    for index, branch in enumerate(point.branches):
        if abs(branch.percent * 100 - hundredths[index]) > 1e-6:
            yield Problem("random.precision", f"{where}/branches/{index}/percent", "at most two decimals")


def _winner(winner: Winner, where: str, goals: frozenset[str]) -> Iterator[Problem]:
    """Yield what keeps a winner from being found. An operator who names it needs no rule for it."""
    if winner.mode != "AUTOMATIC":
        return
    if winner.goal not in goals:
        choices = ", ".join(f"`{goal}`" for goal in sorted(goals)) or "none"
        yield Problem(
            "winner.goal", f"{where}/goal", f"`{winner.goal}` is no conversion goal of the journey; it has: {choices}"
        )
    if winner.min_sample < 1:
        yield Problem(
            "winner.min_sample", f"{where}/min_sample", "a choice by numbers takes at least 1 person a branch"
        )
    if not LEAST_SIGNIFICANCE <= winner.significance < 1:
        yield Problem(
            "winner.significance", f"{where}/significance", f"must be at least {LEAST_SIGNIFICANCE:g} and below 1"
        )


def _operation(operation: ProfileOperation, where: str) -> Iterator[Problem]:
    given = (operation.value is not None) + (operation.from_ is not None)
    if operation.operation == "UNSET" and given:
        yield Problem("operation.value", where, "UNSET takes no value")
    if operation.operation != "UNSET" and given != 1:
        yield Problem("operation.value", where, "exactly one of value and from is needed")
    is_number = isinstance(operation.value, int | float) and not isinstance(operation.value, bool)
    if operation.operation == "INCREMENT" and operation.value is not None and not is_number:
        yield Problem("operation.number", f"{where}/value", "INCREMENT takes a number")


def _template(text: str, where: str) -> Iterator[Problem]:
    problem = check_template(text)
    if problem is not None:
        yield Problem("template.unparsable", where, problem)


def _webhook(point: Webhook, where: str) -> Iterator[Problem]:
    yield from _template(point.url, f"{where}/url")
    if not re.match(r"^(https?://|\{\{|\{%)", point.url):
        yield Problem("webhook.url", f"{where}/url", "an address begins with http:// or https://")
    yield from _template(point.body, f"{where}/body")
    for name, value in point.headers.items():
        if not HEADER.match(name):
            yield Problem("webhook.header", f"{where}/headers", f"`{name}` is not the name of a header")
        yield from _template(value, f"{where}/headers/{part(name)}")


def _send_email(point: SendEmail, where: str, scope: CheckScope) -> Iterator[Problem]:
    if (point.content is None) == (point.preset_code is None):
        yield Problem("content.one_of", where, "exactly one of preset_code and content is needed")
    if point.preset_code is not None and scope.presets is not None and point.preset_code not in scope.presets:
        yield Problem(
            "preset.unknown", f"{where}/preset_code", f"there is no preset with the code `{point.preset_code}`"
        )
    if point.content is not None:
        if not (point.content.html or point.content.text):
            yield Problem("content.empty", f"{where}/content", "at least one of html and text is needed")
        yield from _template(point.content.subject, f"{where}/content/subject")
        yield from _template(point.content.html, f"{where}/content/html")
        yield from _template(point.content.text, f"{where}/content/text")
    for field, value in (("from_email", point.from_email), ("reply_to", point.reply_to), ("bcc", point.bcc)):
        if value and not EMAIL.match(value):
            yield Problem("address.malformed", f"{where}/{field}", f"`{value}` is not an email address")
    if (
        point.capping is not None
        and point.capping.mode == "CUSTOM"
        and not (point.capping.max_messages and point.capping.period_seconds)
    ):
        yield Problem(
            "capping.custom", f"{where}/capping", "CUSTOM takes max_messages and period_seconds, both above 0"
        )
    if point.split_by_reaction is not None and point.content is not None and not point.content.html:
        yield Problem("reaction.html", f"{where}/split_by_reaction", "only a message with html shows reactions")
