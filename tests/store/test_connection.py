"""Connections: what every one of them does the same."""

from datetime import UTC, datetime, timedelta

import msgspec
import psycopg
import pytest
from psycopg.types.json import Jsonb

from sojourn.store.connection import connect, make_pool


class Card(msgspec.Struct):
    at: datetime


async def test_json_goes_through_msgspec(shared_database_url: str) -> None:
    async with await connect(shared_database_url, application_name="test") as conn:
        card = Jsonb(Card(at=datetime(2026, 3, 1, 12, tzinfo=UTC)))
        cursor = await conn.execute("select %s, %s::jsonb ->> 'at'", [card, card])
        assert await cursor.fetchone() == ({"at": "2026-03-01T12:00:00Z"}, "2026-03-01T12:00:00Z")


async def test_a_statement_that_takes_too_long_is_cut_off(shared_database_url: str) -> None:
    limit = timedelta(milliseconds=50)
    async with await connect(shared_database_url, application_name="test", statement_timeout=limit) as conn:
        with pytest.raises(psycopg.errors.QueryCanceled):
            await conn.execute("select pg_sleep(60)")


async def test_connections_of_a_pool_are_named_and_live_in_utc(shared_database_url: str) -> None:
    async with (
        make_pool(shared_database_url, application_name="counter", max_size=2) as pool,
        pool.connection() as conn,
    ):
        cursor = await conn.execute("select current_setting('application_name'), current_setting('timezone')")
        assert await cursor.fetchone() == ("counter", "UTC")
        assert not conn.autocommit


async def test_a_pool_replaces_connections_that_the_server_cut(shared_database_url: str) -> None:
    async with make_pool(shared_database_url, application_name="test", max_size=1, autocommit=True) as pool:
        async with pool.connection() as conn:
            pid = conn.info.backend_pid
        async with await connect(shared_database_url, application_name="killer", autocommit=True) as killer:
            await killer.execute("select pg_terminate_backend(%s, 5000)", [pid])
        async with pool.connection() as conn:
            assert conn.info.backend_pid != pid
