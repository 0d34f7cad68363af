"""A sender as a process: `sender_worker.py URL INSTANT MAIL_SERVER`. Its clock stands still."""

import asyncio
import sys
from datetime import datetime, timedelta

from sojourn.delivery.address_guard import AddressGuard
from sojourn.delivery.carriers import make_carriers
from sojourn.delivery.http_client import HttpClient
from sojourn.delivery.sender import Sender, SenderOptions
from sojourn.delivery.smtp_pool import SmtpPool
from sojourn.store.connection import make_pool

NAME = "sender"
CAPACITY = 40
LEASE = timedelta(minutes=2)


async def send(url: str, instant: str, mail_server: str) -> None:
    now = datetime.fromisoformat(instant)
    async with (
        make_pool(url, application_name=NAME, max_size=6) as pool,
        HttpClient(AddressGuard(), lambda: now) as http,
        SmtpPool(mail_server) as smtp,
    ):
        carriers = make_carriers(smtp=smtp, http=http, signing_key="a key")
        options = SenderOptions(capacity={"email": CAPACITY}, lease=LEASE)
        await Sender(pool, carriers, lambda: now, options=options).run()


if __name__ == "__main__":
    asyncio.run(send(*sys.argv[1:]))
