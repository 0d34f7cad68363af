"""Liquid over what is known about a person. Pure: no I/O, no clock, no randomness."""

from sojourn.templates.liquid import Scope, Target, TemplateFailed, check_template, render
from sojourn.templates.zones import local_time

__all__ = ["Scope", "Target", "TemplateFailed", "check_template", "local_time", "render"]
