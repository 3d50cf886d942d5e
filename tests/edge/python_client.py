#!/usr/bin/python3
# python_client.py - python3-socketio as a second, independent client.  Says "ok NAME" or "not ok NAME: why" a line.
# SPDX-License-Identifier: Apache-2.0
"""usage: python_client.py URL [polling|websocket|upgrade]"""

import os
import sys
import threading
import time

import requests
import socketio

TRANSPORTS = {"polling": ["polling"], "websocket": ["websocket"], "upgrade": ["polling", "websocket"]}


class Heard:
    """Events as they come, by name."""

    def __init__(self, client, namespace, *names):
        self.events = {name: [] for name in names}
        self.arrived = threading.Condition()
        for name in names:
            client.on(name, self.keeper(name), namespace=namespace)

    def keeper(self, name):
        def keep(*args):
            with self.arrived:
                self.events[name].append(args)
                self.arrived.notify_all()
        return keep

    def next(self, name, seconds=5):
        with self.arrived:
            if not self.arrived.wait_for(lambda: self.events[name], seconds):
                raise AssertionError(f"no {name} in {seconds} s")
            return self.events[name].pop(0)


def same(got, wanted):
    if got != wanted:
        raise AssertionError(f"{got!r} is not {wanted!r}")


def make_client(**options):
    return socketio.Client(**options, reconnection_delay=0.1, reconnection_delay_max=0.2, randomization_factor=0)


class Suite:
    def __init__(self, url, mode):
        self.url, self.mode = url, mode

    def connect(self, namespace="/", auth=None):
        client = make_client()
        heard = Heard(client, namespace, "auth", "message-back", "connect", "disconnect")
        client.connect(self.url, transports=TRANSPORTS[self.mode], namespaces=[namespace], auth=auth, wait_timeout=20)
        return client, heard

    def connects_with_auth(self):
        client, heard = self.connect(auth={"token": "123"})
        same(heard.next("auth"), ({"token": "123"},))
        wanted = "polling" if self.mode == "polling" else "websocket"
        same(client.transport(), wanted)
        client.disconnect()

    def emits_with_ack(self):
        client, _ = self.connect()
        same(client.call("message-with-ack", (1, "2", {"3": [True, "마당"]}), timeout=20), (1, "2", {"3": [True, "마당"]}))
        same(client.call("message-with-ack", b"\x00\x01\xff", timeout=20), b"\x00\x01\xff")
        client.disconnect()

    def receives_events(self):
        client, heard = self.connect("/custom")
        for i in range(100):  # at most 10 at a time: this client refuses more than 16 packets in a polling body
            client.emit("message", i, namespace="/custom")
            if i % 10 == 9:
                for k in range(i - 9, i + 1):
                    same(heard.next("message-back"), (k,))
        client.emit("message", {"a": [b"\x01\x02"]}, namespace="/custom")
        same(heard.next("message-back"), ({"a": [b"\x01\x02"]},))
        client.disconnect()

    def lives_through_heartbeats(self):
        client, heard = self.connect()
        sid = client.get_sid("/")
        time.sleep(float(os.environ.get("MADANG_CONNECT_TIMEOUT", "1000")) / 1000 + 0.2)
        same((client.connected, client.get_sid("/")), (True, sid))
        same(heard.events["disconnect"], [])
        client.disconnect()

    def is_refused_an_unknown_namespace(self):
        client = make_client(reconnection=False)
        errors = Heard(client, "/random", "connect_error")
        try:
            client.connect(self.url, transports=TRANSPORTS[self.mode], namespaces=["/random"], wait_timeout=20)
        except socketio.exceptions.ConnectionError:
            same(errors.next("connect_error"), ({"message": "Invalid namespace"},))
            return
        raise AssertionError("connected to /random")

    def reconnects(self):
        client, heard = self.connect()
        heard.next("connect")
        heard.next("auth")
        self.cut(client)
        heard.next("disconnect", 5)
        heard.next("connect", 5)
        same(client.call("message-with-ack", "again", timeout=20), "again")
        client.disconnect()

    def cut(self, client):
        """End the session behind the client's back."""
        if client.transport() == "websocket":
            client.eio.ws.sock.shutdown(2)
        else:
            url = f"{self.url}/socket.io/?EIO=4&transport=polling&sid={client.eio.sid}"
            requests.post(url, data="1", timeout=20)


def main():
    suite = Suite(sys.argv[1], sys.argv[2])
    failed = 0
    for name in [n for n, v in vars(Suite).items() if callable(v) and n not in ("__init__", "connect", "cut")]:
        try:
            getattr(suite, name)()
            print(f"ok {name}", flush=True)
        except Exception as e:  # a test reports whatever went wrong
            failed += 1
            print(f"not ok {name}: {type(e).__name__} {e}", flush=True)
    sys.stdout.flush()
    os._exit(failed != 0)  # the client's threads may linger


if __name__ == "__main__":
    main()
