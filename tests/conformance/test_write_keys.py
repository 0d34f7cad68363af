"""Write keys over HTTP."""

import httpx

from tests.conformance.conftest import APP, DEVICE_TOKEN, THEIR_APP, THEIR_TOKEN, Site

PATH = f"/api/v3/apps/{APP}/write-keys"


async def track(http: httpx.AsyncClient, key: str) -> int:
    call = {"userId": "ada", "event": "Bought"}
    return (await http.post("/v1/track", json=call, auth=(key, ""))).status_code


async def test_a_write_key_is_shown_once_tracks_and_is_revoked(http: httpx.AsyncClient, site: Site) -> None:
    made = (await http.post(PATH, json={"title": "shop"})).json()
    assert await track(http, made["write_key"]) == 200
    listed = await http.get(PATH)
    assert listed.json() == {"items": [{name: value for name, value in made.items() if name != "write_key"}]}
    assert (await http.get(PATH, headers={"authorization": f"Api {made['write_key']}"})).status_code == 403
    assert (await http.delete(f"{PATH}/{made['id']}")).json() == {}
    assert await track(http, made["write_key"]) == 401
    assert (await http.get(PATH)).json() == {"items": []}
    for number in (made["id"], 10**9, "one", 10**12):
        gone = await http.delete(f"{PATH}/{number}")
        assert (gone.status_code, gone.json()["code"]) == (404, 5)
    kinds = await site.rows("select kind from token where revoked_at is null order by 1")
    assert [kind for (kind,) in kinds] == ["api", "api", "device"]  # nothing else can be revoked so


async def test_only_servers_of_the_app_s_workspace_make_write_keys(http: httpx.AsyncClient, site: Site) -> None:
    for path, header, status in (
        (PATH, "", 401),
        (PATH, f"Api {DEVICE_TOKEN}", 403),
        (PATH, f"Api {THEIR_TOKEN}", 400),
        (PATH.replace(APP, THEIR_APP), http.headers["authorization"], 400),
    ):
        made = await http.post(path, json={}, headers={"authorization": header})
        assert made.status_code == status, header
    for body in ({"title": "x" * 256}, {"name": "x"}):
        assert (await http.post(PATH, json=body)).status_code == 400
    assert await site.rows("select from token where kind = 'write'") == []
