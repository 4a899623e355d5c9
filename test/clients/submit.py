"""Sends the message on standard input with smtplib, as the JSON in the first argument says; prints JSON."""

import json
import smtplib
import ssl
import sys

job = json.loads(sys.argv[1])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
if job["certificate"]:
    context.load_verify_locations(job["certificate"])

given = {"local_hostname": job["name"], "timeout": 60}
if job["protocol"] == "lmtp":
    # A Unix socket is given as the host.
    client = smtplib.LMTP(job["socket"] or "127.0.0.1", job["port"], **given)
elif job["tls"] == "implicit":
    client = smtplib.SMTP_SSL("127.0.0.1", job["port"], context=context, **given)
else:
    client = smtplib.SMTP("127.0.0.1", job["port"], **given)
client.set_debuglevel(0 if job["large"] else 1)

try:
    if job["tls"] == "starttls":
        client.starttls(context=context)
    client.ehlo_or_helo_if_needed()
    refused = client.sendmail(job["from"], job["to"], sys.stdin.buffer.read(), job["parameters"])
    client.quit()
except smtplib.SMTPException as error:
    sys.exit(repr(error))
print(json.dumps({to: [code, text.decode()] for to, (code, text) in refused.items()}))
