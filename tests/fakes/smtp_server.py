"""An SMTP server on 127.0.0.1 for one test, until its standard input ends.

Its argument is a JSON object {folder, port, security, user, password, size}. It prints one JSON object a line: first {"port"}, then
{"from", "to", "data", "tls", "user", "helo"} for each accepted mail, and {"quit"} for each QUIT. The local part of a recipient selects
the answer: a key of REFUSALS or CONTENT_REFUSALS, drop (accepts the mail, then closes the connection without an answer), hang (accepts
the mail, never answers), cut (closes the connection before DATA). The option greeting selects a refusal before MAIL FROM: "helo", or
"busy" (421 as the greeting).
"""

import asyncio
import base64
import json
import os
import ssl
import sys
import threading

import trustme
from aiosmtpd.smtp import SMTP, AuthResult

options = json.loads(sys.argv[1])


def say(message):
    print(json.dumps(message), flush=True)


def make_context(folder):
    """Writes the certificate of the authority to ca.pem. A restarted server keeps its certificate."""
    chain = os.path.join(folder, "server.pem")
    if not os.path.exists(chain):
        authority = trustme.CA()
        authority.cert_pem.write_to_path(os.path.join(folder, "ca.pem"))
        authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


# The texts of Postfix 3.7 and Exim 4.96. Postfix refuses EHLO names and senders only at RCPT TO.
REFUSALS = {
    "unknown": "550 5.1.1 <{0}>: Recipient address rejected: User unknown in virtual mailbox table",
    "later": "450 4.2.1 Try again later",
    "full": "452 4.2.2 Mailbox full",
    "over": "552 5.2.2 Mailbox full",
    "quota": "552 Mailbox full",
    "elsewhere": "554 5.7.1 <{0}>: Relay access denied",
    "exim-relay": "550 relay not permitted",
    "helo": "504 5.5.2 <jump>: Helo command rejected: need fully-qualified hostname",
    "unlisted": "550 5.1.0 <jump@example.org>: Sender address rejected: User unknown in virtual mailbox table",
    "not-owned": "553 5.7.1 <jump@example.org>: Sender address rejected: not owned by user bot",
    "goodbye": "421 4.3.2 Shutting down",
}

CONTENT_REFUSALS = {
    "greylisted": "451 4.7.1 Greylisted, come back later",
    "poison": "554 5.6.0 Message content rejected",
    "spf": "550 5.7.26 This mail is unauthenticated",
    "late-quota": "552 Mailbox full",
}


class Handler:
    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        if options.get("greeting") == "helo":
            return ["550 Administrative prohibition"]
        session.host_name = hostname
        return responses

    async def handle_HELO(self, server, session, envelope, hostname):
        if options.get("greeting") == "helo":
            return "550 Administrative prohibition"
        session.host_name = hostname
        return "250 localhost"

    async def handle_QUIT(self, server, session, envelope):
        say({"quit": session.host_name})
        return "221 2.0.0 Bye"

    async def handle_MAIL(self, server, session, envelope, address, mail_options):
        if address.startswith("stranger@"):
            return "553 5.7.1 Sender address rejected"
        envelope.mail_from = address
        envelope.mail_options.extend(mail_options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        local = address.split("@")[0]
        if local in REFUSALS:
            return REFUSALS[local].format(address)
        if local == "cut":
            server.transport.abort()
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server, session, envelope):
        local = envelope.rcpt_tos[0].split("@")[0]
        if local in CONTENT_REFUSALS:
            return CONTENT_REFUSALS[local]
        say({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "data": base64.b64encode(envelope.original_content).decode(),
            "tls": server.transport.get_extra_info("ssl_object") is not None,
            "user": session.auth_data.decode() if session.authenticated else None,
            "helo": session.host_name,
        })
        if local == "drop":
            server.transport.abort()
        if local == "hang":
            await asyncio.sleep(3600)
        return "250 2.0.0 Taken"


def authenticate(server, session, envelope, mechanism, data):
    good = (data.login.decode(), data.password.decode()) == (options.get("user"), options.get("password"))
    if not good:
        return AuthResult(success=False, handled=False)
    return AuthResult(success=True, auth_data=data.login)


context = None if options["security"] == "none" else make_context(options["folder"])
starttls = options["security"] == "starttls"
must_log_in = options.get("user") is not None
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)


class BusySMTP(SMTP):
    """Postfix at its limit of connections for one client (smtpd_client_connection_count_limit)."""

    async def _handle_client(self):
        await self.push("421 4.7.0 mx.example.org Error: too many connections from 127.0.0.1")
        self.transport.close()


def accept():
    return (BusySMTP if options.get("greeting") == "busy" else SMTP)(
        Handler(),
        hostname="localhost",
        loop=loop,
        data_size_limit=options.get("size", 33554432),
        tls_context=context if starttls else None,
        require_starttls=starttls,
        authenticator=authenticate if must_log_in else None,
        auth_required=must_log_in,
        # aiosmtpd does not know implicit TLS.
        auth_require_tls=starttls,
    )


listening = loop.create_server(
    accept, "127.0.0.1", options.get("port", 0), ssl=context if options["security"] == "tls" else None
)
server = loop.run_until_complete(listening)
say({"port": server.sockets[0].getsockname()[1]})
threading.Thread(target=lambda: (sys.stdin.buffer.read(), os._exit(0)), daemon=True).start()
loop.run_forever()
