"""Tuning: the PostgreSQL settings that the embedded server ships with."""

import re
from collections.abc import Mapping
from pathlib import Path

import psutil

MIB = 1024 * 1024
ENVIRONMENT_PREFIX = "SOJOURN_POSTGRES_"
SETTING_NAME = re.compile(r"[a-z_][a-z0-9_.]*")
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def memory_available() -> int:
    """Return the bytes of memory that this process may use: the machine's, or the container's if that is less."""
    total = psutil.virtual_memory().total
    for limit in CGROUP_LIMITS:
        if limit.is_file() and (text := limit.read_text().strip()).isdigit():
            return min(total, int(text))
    return total


def tuned(memory: int, *, has_lz4: bool) -> dict[str, str]:
    """Return the settings for a machine with `memory` bytes, most of which the server may use as cache.

    >>> tuned(1024 * MIB, has_lz4=False)["shared_buffers"]
    '256MB'
    >>> tuned(64 * 1024 * MIB, has_lz4=False)["shared_buffers"]
    '2048MB'
    """
    shared_buffers = min(max(memory // 4, 64 * MIB), 2048 * MIB)
    settings = {
        # Stays, messages and inbox rows come and go by the million: vacuum early, without long naps. But once a table
        # was vacuumed or measured, workers plan each statement anew that uses it, which for a thousand journeys takes
        # a second. They look up by index, whatever the statistics say: docs/adr/0013-few-reasons-to-plan-anew.md.
        "autovacuum_analyze_scale_factor": "0.5",
        "autovacuum_naptime": "60s",
        "autovacuum_vacuum_cost_limit": "2000",
        "autovacuum_vacuum_insert_scale_factor": "0.5",
        "autovacuum_vacuum_scale_factor": "0.05",
        "checkpoint_timeout": "15min",
        "effective_cache_size": f"{max(memory // 2, shared_buffers) // MIB}MB",
        # Statements are prepared and short; compiling them to machine code costs more than it saves.
        "jit": "off",
        "maintenance_work_mem": f"{min(max(memory // 16, 64 * MIB), 512 * MIB) // MIB}MB",
        "max_connections": "100",
        "max_wal_size": "8GB",
        "min_wal_size": "1GB",
        "random_page_cost": "1.1",
        "shared_buffers": f"{shared_buffers // MIB}MB",
        "synchronous_commit": "on",
        "timezone": "UTC",
        "work_mem": "64MB",
    }
    # Without lz4 there is only pglz, which costs more processor than the saved writes are worth.
    return settings | ({"wal_compression": "lz4"} if has_lz4 else {})


def settings_from(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the settings named in an environment.

    >>> settings_from({"SOJOURN_POSTGRES_WORK_MEM": "16MB", "HOME": "/root"})
    {'work_mem': '16MB'}
    """
    return {
        name.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for name, value in sorted(environment.items())
        if name.startswith(ENVIRONMENT_PREFIX)
    }


def conf_text(settings: Mapping[str, str]) -> str:
    r"""Spell settings as a PostgreSQL configuration file.

    >>> conf_text({"search_path": "it's"})
    "search_path = 'it''s'\n"
    """
    return "".join(f"{_name(name)} = '{_quoted(value)}'\n" for name, value in sorted(settings.items()))


def _name(name: str) -> str:
    if not SETTING_NAME.fullmatch(name):
        raise ValueError(f"`{name}` is no name of a PostgreSQL setting: lower case letters, digits, `_` and `.` only")
    return name


def _quoted(value: str) -> str:
    if "\n" in value:
        raise ValueError("the value of a PostgreSQL setting holds no line break")
    return value.replace("\\", "\\\\").replace("'", "''")
