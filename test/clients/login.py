"""Logs in with smtplib and sends the message on standard input, as the JSON in the first argument says."""

import json
import smtplib
import ssl
import sys

job = json.loads(sys.argv[1])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(job["authority"])

client = smtplib.SMTP("127.0.0.1", job["port"], local_hostname=job["name"], timeout=20)
client.set_debuglevel(1)
try:
    client.starttls(context=context)
    client.ehlo()
    client.user, client.password = job["user"], job["secret"]
    ways = {"PLAIN": client.auth_plain, "LOGIN": client.auth_login, "CRAM-MD5": client.auth_cram_md5}
    mechanism = job["mechanism"]
    client.auth(mechanism, ways[mechanism], initial_response_ok=job["initialResponse"])
    client.sendmail(job["from"], job["to"], sys.stdin.buffer.read())
    client.quit()
except smtplib.SMTPException as error:
    sys.exit(repr(error))
