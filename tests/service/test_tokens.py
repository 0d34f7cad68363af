"""Tokens and workspaces: who may call, and what exists after the first start."""

import asyncio
from uuid import UUID

import pytest

from sojourn.service.codes import is_code
from sojourn.service.errors import AlreadyExists, InvalidDocument, NotAllowed, NotAuthenticated, NotFound
from sojourn.service.tokens import create_token, ensure_token, revoke_token
from sojourn.service.workspaces import ensure_app, ensure_default
from tests.service.conftest import NOON, OUR_APP, Bench


async def make(bench: Bench, kind: str = "api") -> str:
    async with bench.pool.connection() as conn:
        return await create_token(conn, bench.us.workspace_id, kind, "ci", NOON)


async def test_a_token_stands_for_its_workspace(bench: Bench) -> None:
    token = await make(bench)
    caller = await bench.service.authenticate(token)
    assert (caller.workspace_id, caller.rights, caller.name) == (bench.us.workspace_id, "api", "ci")
    assert await bench.service.authenticate(token, "device") == caller
    assert (
        len(await bench.rows("select from token where position(%(t)s in encode(token_hash, 'escape')) > 0", t=token))
        == 0
    )


async def test_a_device_token_is_for_devices(bench: Bench) -> None:
    token = await make(bench, "device")
    assert (await bench.service.authenticate(token, "device")).rights == "device"
    for _ in range(2):
        with pytest.raises(NotAllowed):
            await bench.service.authenticate(token, "api")


@pytest.mark.parametrize("token", ["", "nonsense", "\ud800", "x" * 100_000])
async def test_strangers_stay_outside(bench: Bench, token: str) -> None:
    with pytest.raises(NotAuthenticated):
        await bench.service.authenticate(token)


async def test_a_revoked_token_is_soon_worth_nothing(bench: Bench) -> None:
    token = await make(bench)
    await bench.service.authenticate(token)
    async with bench.pool.connection() as conn:
        await revoke_token(conn, bench.us.workspace_id, token, NOON)
    bench.clock.advance(seconds=5)
    with pytest.raises(NotAuthenticated):
        await bench.service.authenticate(token)
    async with bench.pool.connection() as conn:
        assert not await ensure_token(conn, bench.us.workspace_id, token, "api", "ci", NOON)
        with pytest.raises(NotFound):
            await revoke_token(conn, bench.us.workspace_id, token, NOON)
    with pytest.raises(NotAuthenticated):
        await bench.service.authenticate(token)


async def test_a_token_is_revoked_in_its_workspace_only(bench: Bench) -> None:
    token = await make(bench)
    async with bench.pool.connection() as conn:
        with pytest.raises(NotFound):
            await revoke_token(conn, bench.them.workspace_id, token, NOON)


async def test_the_default_workspace_is_made_once(bench: Bench) -> None:
    async def ensure() -> UUID:
        async with bench.pool.connection() as conn:
            return (await ensure_default(conn, NOON)).site_id

    assert len(set(await asyncio.gather(*(ensure() for _ in range(5))))) == 1


async def test_concurrent_first_starts_make_one_app(bench: Bench) -> None:
    async def ensure() -> str:
        async with bench.pool.connection() as conn:
            return (await ensure_app(conn, "third", NOON)).application_code

    [code] = set(await asyncio.gather(*(ensure() for _ in range(5))))
    assert is_code(code)


async def test_an_app_code_belongs_to_one_workspace(bench: Bench) -> None:
    async with bench.pool.connection() as conn:
        given = await ensure_default(conn, NOON, application_code="CCCCC-CCCCC")
        assert (given.workspace_id, given.application_code) == (bench.us.workspace_id, "CCCCC-CCCCC")
        assert (await ensure_default(conn, NOON)).application_code == OUR_APP
        with pytest.raises(AlreadyExists):
            await ensure_app(conn, "other", NOON, application_code=OUR_APP)
        with pytest.raises(InvalidDocument):
            await ensure_default(conn, NOON, application_code="abc")
