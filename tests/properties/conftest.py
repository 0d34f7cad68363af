"""A connection for properties of single expressions."""

from collections.abc import Iterator

import psycopg
import pytest


@pytest.fixture(scope="module")
def conn(shared_database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(shared_database_url) as conn:
        # Neither the session's zone nor its way of writing dates may matter.
        conn.execute("set timezone to 'America/New_York'")
        conn.execute("set datestyle to 'ISO, DMY'")
        conn.commit()
        yield conn
        conn.rollback()
