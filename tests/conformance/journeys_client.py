"""What tests of the journeys dialect share: who signs in, and a site with a key."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx

from sojourn.service import commands as c
from sojourn.service.accounts import add_account
from tests.conformance.conftest import QUICK, Site

PASSWORD = "correct horse battery"


async def make_account(site: Site, email: str, role: c.Role = "owner", *, workspace: str = "default") -> c.Account:
    """Make an account whose password is PASSWORD."""
    async with site.pool.connection() as conn:
        row = await (await conn.execute("select workspace_id from workspace where name = %s", [workspace])).fetchone()
        assert row is not None
        command = c.CreateAccount(email=email, password=PASSWORD, role=role)
        return await add_account(conn, QUICK, row[0], command, site.now)


def browser(site: Site, **headers: str) -> httpx.AsyncClient:
    """Return a client of nobody."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(site.app), base_url="http://site", headers=headers)


@asynccontextmanager
async def signed_in(
    site: Site, role: c.Role = "owner", *, workspace: str = "default"
) -> AsyncIterator[httpx.AsyncClient]:
    """Make an account with a role, and give a client that has signed in."""
    email = f"{role}-{uuid4().hex[:8]}@example.com"
    await make_account(site, email, role, workspace=workspace)
    begun = await site.service.sign_in(email, PASSWORD, address=email, agent="tests")
    async with browser(site, Authorization=f"Bearer {begun.token}") as client:
        yield client


def ok(response: httpx.Response, status: int = 200) -> Any:
    """Return the data of an answer."""
    assert response.status_code == status, response.text
    return response.json()["data"]


def refusal(response: httpx.Response, status: int, code: str) -> Mapping[str, str]:
    """Return the details of a refusal, by path."""
    error = response.json()["error"]
    assert (response.status_code, error["statusCode"], error["code"]) == (status, status, code), response.text
    assert error.keys() == {"message", "statusCode", "code", "category", "details"}
    return {each["path"]: each["message"] for each in error["details"]}
