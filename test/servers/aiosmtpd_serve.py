"""Serves SMTP or LMTP with aiosmtpd: python3 aiosmtpd_serve.py FOLDER PORT PROTOCOL [CERTIFICATE KEY]

A message is kept once for each recipient, as FOLDER/RECIPIENT/NUMBER. nobody@example.com is refused.
"""

import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP

folder, port, protocol, *pair = sys.argv[1:]


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if address == "nobody@example.com":
            return "550 5.1.1 No such user here"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        for address in envelope.rcpt_tos:
            place = pathlib.Path(folder, address)
            place.mkdir(exist_ok=True)
            (place / str(len(list(place.iterdir())))).write_bytes(envelope.original_content)
        # One verdict for each recipient is the handler's work in LMTP.
        return "\r\n".join(["250 2.0.0 Kept"] * (len(envelope.rcpt_tos) if protocol == "LMTP" else 1))


context = None
if pair:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*pair)


def session():
    return {"SMTP": SMTP, "LMTP": LMTP}[protocol](
        Handler(), hostname="mx.example.com", tls_context=context, enable_SMTPUTF8=True, data_size_limit=30_000_000
    )


async def main():
    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", int(port))
    await server.serve_forever()


asyncio.run(main())
