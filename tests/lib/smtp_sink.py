# smtp_sink.py - a mail server (python3-aiosmtpd of Debian) for tests.  What it does with a mail the address says:
# refused@ 550, later@ 451 once and then 250, busy@ 451 always, silent@ never answers, cut@ closes the connection, all others
# are taken.  Prints a line of JSON for each mail, parsed by Python's own library.
#
#   smtp_sink.py PORT [--tls CERT KEY (from the start)] [--starttls CERT KEY] [--login USER PASSWORD (or @FILE, whose first line it is)] [--greet 554]
# SPDX-License-Identifier: Apache-2.0
import argparse, asyncio, email, email.policy, json, ssl, sys
from aiosmtpd.smtp import SMTP, AuthResult

parser = argparse.ArgumentParser()
parser.add_argument('port', type=int)
parser.add_argument('--tls', nargs=2)
parser.add_argument('--starttls', nargs=2)
parser.add_argument('--login', nargs=2)
parser.add_argument('--greet')
args = parser.parse_args()


def password_of(word):
    if not word.startswith('@'): return word
    with open(word[1:], encoding='utf-8') as file: return file.readline().rstrip('\n')

def say(**what):
    print(json.dumps(what), flush=True)


def context(files):
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(*files)
    return made


class Sink:
    def __init__(self):
        self.seen = {}
        self.sessions = 0

    async def handle_EHLO(self, server, session, envelope, hostname, responses):
        self.sessions += 1
        session.host_name, session.number = hostname, self.sessions
        return responses

    async def handle_RCPT(self, server, session, envelope, address, options):
        local = address.split('@')[0]
        self.seen[address] = self.seen.get(address, 0) + 1
        say(asked=address, time=self.seen[address])
        if local == 'refused': return '550 5.1.1 <%s> unknown here' % address
        if local == 'busy' or (local == 'later' and self.seen[address] == 1): return '451 4.3.0 <%s> not now' % address
        if local == 'silent': await asyncio.sleep(3600)
        if local == 'cut':
            server.transport.abort()
            return '421 gone'
        envelope.rcpt_tos.append(address)
        return '250 OK'

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.SMTPUTF8)
        say(mail=dict(
            from_=envelope.mail_from, to=envelope.rcpt_tos, tls=server.transport.get_extra_info('sslcontext') is not None, user=str(session.auth_data or ''),
            session=session.number, ehlo=session.host_name, raw=envelope.content.decode('latin-1'),
            headers=[[name, str(value)] for name, value in mail.items()], defects=[str(d) for d in mail.defects],
            text=mail.get_body(('plain',)).get_content(), html=mail.get_body(('html',)).get_content()))
        return '250 OK'


def authenticate(server, session, envelope, mechanism, data):
    good = args.login and [data.login.decode(), data.password.decode()] == [args.login[0], password_of(args.login[1])]
    return AuthResult(success=bool(good), handled=True, auth_data=data.login.decode()) if good else AuthResult(success=False, handled=False)


class Refusing(SMTP):
    async def _handle_client(self):
        if args.greet:
            await self.push('%s no service here' % args.greet)
            self.transport.close()
            return
        await super()._handle_client()


async def main():
    sink = Sink()
    options = dict(enable_SMTPUTF8=True, loop=asyncio.get_running_loop())
    if args.starttls: options.update(tls_context=context(args.starttls), require_starttls=True)
    if args.login: options.update(authenticator=authenticate, auth_required=True, auth_require_tls=bool(args.starttls))
    server = await asyncio.get_running_loop().create_server(
        lambda: Refusing(sink, **options), '127.0.0.1', args.port, ssl=context(args.tls) if args.tls else None)
    say(listening=args.port)
    await server.serve_forever()

asyncio.run(main())
