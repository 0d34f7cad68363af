"""Chance for the crash tests: drawn anew each time, and told, so that a failure can be tried again."""

import os
import random
import secrets

import pytest


@pytest.fixture
def chance() -> random.Random:
    """When and what to kill. SOJOURN_CHAOS_SEED repeats the draws of an earlier run."""
    seed = int(os.environ.get("SOJOURN_CHAOS_SEED") or secrets.randbits(32))
    print(f"SOJOURN_CHAOS_SEED={seed}")
    return random.Random(seed)
