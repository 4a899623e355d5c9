"""Serves SMTP with aiosmtpd for the differential runs: python3 discarding.py PORT

b and c at example.com are taken, and postmaster; nobody else is. What is accepted is thrown away.
"""

import asyncio
import sys

import aiosmtpd.smtp

# It would end a session at the fifth command that it does not know.
aiosmtpd.smtp.BOGUS_LIMIT = 1_000_000

mailboxes = {"b@example.com", "c@example.com", "postmaster@example.com", "postmaster"}


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.lower() not in mailboxes:
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        return "250 2.0.0 Thrown away"

    async def handle_exception(self, error):
        return f"500 {type(error).__name__}"


def session():
    return aiosmtpd.smtp.SMTP(
        Handler(), hostname="mx.example.com", enable_SMTPUTF8=True, data_size_limit=30_000_000
    )


async def main():
    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(main())
