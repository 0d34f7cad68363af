"""Spellings: a segment that is given as a JSON object, written in the segmentation language."""

from collections.abc import Mapping
from typing import Any

from sojourn import astjson, ruletree
from sojourn.api.audience.calls import malformed
from sojourn.api.common.paths import joined
from sojourn.astjson import JsonSegmentRefused
from sojourn.model.problems import Problem
from sojourn.ruletree import RuleTreeRefused
from sojourn.seglang import render


def in_language(document: Mapping[str, Any]) -> str:
    """Write a segment in the segmentation language. An object with a `kind` is a syntax tree, any other a rule tree.

    Raises:
        MalformedRequest: With all that keeps it from being one; the places lie below `source`.
    """
    try:
        return render(astjson.parse(document) if "kind" in document else ruletree.parse(document))
    except (JsonSegmentRefused, RuleTreeRefused) as refusal:
        raise malformed([_below_source(problem) for problem in refusal.problems]) from refusal


def _below_source(problem: Problem) -> Problem:
    steps = problem.where.replace(".", "/").split("/") if problem.where else []
    return Problem(problem.code, joined("source", steps), problem.text)
