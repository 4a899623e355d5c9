"""Serves SMTP with aiosmtpd, and keeps nothing: python3 aiosmtpd_discard.py PORT"""

import asyncio
import sys

from aiosmtpd.smtp import SMTP


class Handler:
    async def handle_DATA(self, server, session, envelope):
        return "250 2.0.0 Queued" if envelope.original_content else "554 5.6.0 Nothing in it"


def session():
    return SMTP(Handler(), hostname="mx.example.com", data_size_limit=2_000_000_000, decode_data=False)


async def main():
    server = await asyncio.get_running_loop().create_server(
        session, "127.0.0.1", int(sys.argv[1]), backlog=4096
    )
    await server.serve_forever()


asyncio.run(main())
