"""Rules about what the journeys dialect brought along: goals, audiences, pages, rule trees."""

from collections.abc import Iterator

import msgspec

from sojourn.compiler.check.conditions import conditions
from sojourn.compiler.check.scope import CheckScope
from sojourn.compiler.goals import asked_goals, rule_of
from sojourn.compiler.segments import check_segment
from sojourn.model.graph import Graph, Settings
from sojourn.model.patterns import PatternRefused, safe_pattern
from sojourn.model.points import AttributeMatch, Condition, GoalCheck, JourneyGoal, PageVisit, UrlMatch
from sojourn.model.problems import Problem
from sojourn.ruletree import RuleTreeRefused, parse


def settings(chosen: Settings, scope: CheckScope) -> Iterator[Problem]:
    """Yield the problems of a journey's audience, re-entry and goal."""
    reentry = chosen.reentry
    if reentry is not None and reentry.mode == "COOLDOWN" and reentry.cooldown_hours is None:
        yield Problem(
            "reentry.cooldown",
            "settings/conduct/reentry/cooldown_hours",
            "COOLDOWN takes the hours until people may come again",
        )
    code, where = chosen.audience_code, "settings/audience_code"
    if code is not None and code not in scope.segments.segments:
        yield Problem("audience.unknown", where, f"there is no audience with the code `{code}`")
    elif code is not None:
        found = check_segment(scope.segments.segments[code], scope.segments)
        yield from (Problem(problem.code, where, problem.text) for problem in found)
    if chosen.goal is not None:
        yield from goal(chosen.goal, "settings/goal")


def goal(wanted: JourneyGoal, where: str) -> Iterator[Problem]:
    """Yield the problems of a goal."""
    ways = (wanted.event, wanted.page_visit, wanted.attribute_match, wanted.flow_completed)
    if sum(way is not None for way in ways) != 1:
        text = "exactly one of event, page_visit, attribute_match and flow_completed is needed"
        yield Problem("goal.one_of", where, text)
    if wanted.event is not None:
        yield from conditions(wanted.event.event_conditions, f"{where}/event/event_conditions")
    if wanted.page_visit is not None:
        yield from page(wanted.page_visit, f"{where}/page_visit")
    if wanted.attribute_match is not None:
        yield from _rule(wanted.attribute_match, f"{where}/attribute_match")


def _rule(wanted: AttributeMatch, where: str) -> Iterator[Problem]:
    try:
        rule_of(wanted)
    except RuleTreeRefused as refusal:
        yield from (Problem(each.code, _below(where, each.where), each.text) for each in refusal.problems)


def goal_check(point: GoalCheck, graph: Graph, where: str) -> Iterator[Problem]:
    """Yield the problems of a check of a goal, its own or the journey's."""
    if point.goal is not None:
        yield from goal(point.goal, f"{where}/goal")
    elif not asked_goals(point, graph):
        yield Problem("goal.missing", f"{where}/goal", "a check needs a goal, of its own or of the journey")


def page(rule: PageVisit | UrlMatch, where: str) -> Iterator[Problem]:
    """Yield what is wrong with the pattern of a page."""
    if not rule.pattern:
        yield Problem("page.pattern", f"{where}/pattern", "the pattern of the page's address is needed")
    if rule.match_type == "REGEX":
        try:
            safe_pattern(rule.pattern)
        except PatternRefused as refusal:
            yield Problem("page.pattern", f"{where}/pattern", refusal.text)


def condition(point: Condition, where: str, scope: CheckScope) -> Iterator[Problem]:
    """Yield the problems of the branches of a condition."""
    if not point.branches:
        yield Problem("condition.branches", f"{where}/branches", "at least one branch with a rule tree is needed")
    labels = [branch.label for branch in point.branches]
    for index, branch in enumerate(point.branches):
        at = f"{where}/branches/{index}"
        if branch.label in labels[:index]:
            yield Problem("condition.label", f"{at}/label", f"another branch is labelled `{branch.label}`, too")
        yield from _rule_tree(branch.rule_tree, f"{at}/rule_tree", scope)


def _rule_tree(text: str, where: str, scope: CheckScope) -> Iterator[Problem]:
    try:
        expression = parse(msgspec.json.decode(text))
    except msgspec.DecodeError:
        yield Problem("condition.unparsable", where, "a rule tree is a JSON object")
    except RuleTreeRefused as refusal:
        yield from (Problem(each.code, _below(where, each.where), each.text) for each in refusal.problems)
    else:
        yield from (Problem(each.code, where, each.text) for each in check_segment(expression, scope.segments))


def _below(where: str, dotted: str) -> str:
    """Return the place of a problem in a document inside another one."""
    return f"{where}/{dotted.replace('.', '/')}" if dotted else where
