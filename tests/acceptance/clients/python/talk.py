"""Says one call of each kind with the published Python client: `talk.py HOST WRITE_KEY [gzip]`."""

import sys

from segment.analytics import Client

failures: list[object] = []
client = Client(
    sys.argv[2],
    host=sys.argv[1],
    gzip="gzip" in sys.argv,
    on_error=lambda error, _items: failures.append(error),
    upload_interval=1,
)
client.track(anonymous_id="py-visitor", event="Visited", properties={"page": 1})
client.identify("py-ada", {"email": "py-ada@example.com", "plan": "pro", "address": {"city": "London"}})
client.track("py-ada", "Bought", {"sum": 9.5, "lines": [{"sku": "a"}]}, context={"locale": "fr-FR"})
client.page("py-ada", "Docs", "Home", {"url": "/"})
client.screen("py-ada", "App", "Cart", {"items": 2})
client.group("py-ada", "acme", {"employees": 20})
client.alias("py-visitor", "py-bob")
for number in range(250):  # more than one batch
    client.track("py-ada", "Counted", {"number": number})
client.flush()
client.join()
sys.exit(f"{failures}" if failures else 0)
