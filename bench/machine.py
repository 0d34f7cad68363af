"""Machine: what the numbers were measured on. Names no host."""

import os
import platform
from pathlib import Path

import psutil
import psycopg


def describe(url: str) -> dict[str, str]:
    """Return the processor, cores, memory, and the versions and settings that count."""
    with psycopg.connect(url) as conn:
        names = ("shared_buffers", "work_mem", "max_wal_size", "synchronous_commit", "fsync", "full_page_writes")
        settings = [f"{name} = {_shown(conn, name)}" for name in names]
        version = _shown(conn, "server_version").split()[0]
    return {
        "processor": f"{_processor()}, {len(_cores())} cores",
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "Python": platform.python_version(),
        "PostgreSQL": f"{version} (embedded; {', '.join(settings)})",
    }


def _cores() -> list[int]:
    """Return the cores that we may use, which a container can make fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _shown(conn: psycopg.Connection, name: str) -> str:
    row = conn.execute("select current_setting(%s)", [name]).fetchone()
    assert row is not None, "current_setting returns one row"
    return str(row[0])
