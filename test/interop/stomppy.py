# SPDX-License-Identifier: Apache-2.0
"""stomp.py against stompd, in all three versions.

Rules: I1 I5 I14 I17
Needs: python3 -c 'import stomp' -- apt install python3-stomp
"""

import os
import queue

import stomp

PORT = int(os.environ["STOMP_PORT"])
DEADLINE = float(os.environ["STOMPD_TEST_DEADLINE"])
VERSIONS = (("1.0", stomp.Connection10), ("1.1", stomp.Connection11),
            ("1.2", stomp.Connection12))


class Inbox(stomp.ConnectionListener):
    """What came, by kind."""

    def __init__(self):
        self.messages = queue.Queue()
        self.receipts = queue.Queue()
        self.errors = queue.Queue()
        self.ended = queue.Queue()

    def on_message(self, frame):
        self.messages.put(frame)

    def on_receipt(self, frame):
        self.receipts.put(frame.headers["receipt-id"])

    def on_error(self, frame):
        self.errors.put(frame)

    def on_disconnected(self):
        self.ended.put(True)


class Session:
    """One connection with its inbox."""

    def __init__(self, maker, connect_headers=None, **options):
        self.inbox = Inbox()
        self.connection = maker([("127.0.0.1", PORT)], **options)
        self.connection.set_listener("", self.inbox)
        self.connection.connect("user", "secret", wait=True,
                                headers=connect_headers)

    def message(self):
        return self.inbox.messages.get(timeout=DEADLINE)

    def receipt(self, name):
        got = self.inbox.receipts.get(timeout=DEADLINE)
        assert got == name, f"receipt {got}, not {name}"

    def nothing(self, name):
        """The receipt of a SEND to a topic is the next thing that comes."""
        self.connection.send("/topic/nobody", "x", receipt=name)
        self.receipt(name)
        assert self.inbox.messages.empty(), "a message came"

    def end(self):
        self.connection.disconnect(receipt="bye")
        self.inbox.ended.get(timeout=DEADLINE)
        assert self.inbox.errors.empty(), self.inbox.errors.get().headers


def ack(session, frame, version, verb="ack", **headers):
    call = getattr(session.connection, verb)
    if version == "1.0":
        call(frame.headers["message-id"], **headers)
    elif version == "1.1":
        call(frame.headers["message-id"], frame.headers["subscription"],
             **headers)
    else:
        call(frame.headers["ack"], **headers)


def send_and_receive(version, maker):
    session = Session(maker)
    name = f"/queue/stomppy.{version}"
    session.connection.subscribe(name, id="1", ack="client",
                                 headers={"receipt": "s"})
    session.receipt("s")
    for i in range(10):
        session.connection.send(name, f"żółw {i}", receipt=str(i),
                                persistent="true", colour="blue")
    for i in range(10):
        session.receipt(str(i))
        frame = session.message()
        assert frame.body == f"żółw {i}", frame.body
        assert frame.headers["destination"] == name, frame.headers
        assert frame.headers["colour"] == "blue", frame.headers
    ack(session, frame, version, receipt="acked")
    session.receipt("acked")
    session.end()
    again = Session(maker)
    again.connection.subscribe(name, id="1", ack="client")
    again.nothing("n")
    again.end()


def redelivery(version, maker):
    first = Session(maker)
    name = f"/queue/stomppy.redelivery.{version}"
    first.connection.subscribe(name, id="1", ack="client")
    first.connection.send(name, "x")
    assert "redelivered" not in first.message().headers
    first.end()
    second = Session(maker)
    second.connection.subscribe(name, id="1", ack="client")
    frame = second.message()
    assert frame.headers["redelivered"] == "true", frame.headers
    ack(second, frame, version)
    second.end()


def nack(version, maker):
    session = Session(maker)
    name = f"/queue/stomppy.nack.{version}"
    session.connection.subscribe(name, id="1", ack="client-individual")
    session.connection.send(name, "x")
    ack(session, session.message(), version, "nack")
    frame = session.message()
    assert frame.headers["redelivered"] == "true", frame.headers
    ack(session, frame, version)
    session.nothing("n")
    session.end()


def transactions(version, maker):
    session = Session(maker)
    name = f"/queue/stomppy.tx.{version}"
    session.connection.subscribe(name, id="1", ack="auto")
    for end in ("abort", "commit"):
        transaction = session.connection.begin()
        session.connection.send(name, end, transaction=transaction)
        session.nothing(end)
        getattr(session.connection, end)(transaction)
    assert session.message().body == "commit"
    session.nothing("n")
    session.end()


def topic(version, maker):
    sessions = [Session(maker) for _ in range(3)]
    name = f"/topic/stomppy.{version}"
    for session in sessions:
        session.connection.subscribe(name, id="t", ack="auto",
                                     headers={"receipt": "s"})
        session.receipt("s")
    sessions[0].connection.send(name, b"bytes \x01\x02".decode())
    for session in sessions:
        assert session.message().body == "bytes \x01\x02"
        session.nothing("n")
        session.end()


def durable(version, maker):
    """As ActiveMQ's documentation has it: client-id and subscriptionName."""
    name = f"/topic/stomppy.durable.{version}"
    mine = {"client-id": f"stomppy-{version}"}
    headers = {"activemq.subscriptionName": "mine"}
    session = Session(maker, mine)
    session.connection.subscribe(name, id="d", ack="auto",
                                 headers={**headers, "receipt": "s"})
    session.receipt("s")
    session.end()
    sender = Session(maker)
    for i in range(3):
        sender.connection.send(name, str(i), persistent="true", receipt=i)
        sender.receipt(str(i))
    sender.end()
    session = Session(maker, mine)
    session.connection.subscribe(name, id="d", ack="auto", headers=headers)
    assert [session.message().body for _ in range(3)] == ["0", "1", "2"]
    session.connection.unsubscribe(id="d", headers={**headers, "receipt": "u"})
    session.receipt("u")
    session.end()


def error(version, maker):
    session = Session(maker)
    session.connection.send("/topic/*", "x", receipt="bad")
    frame = session.inbox.errors.get(timeout=DEADLINE)
    assert frame.headers["receipt-id"] == "bad", frame.headers
    assert frame.headers["message"], frame.headers
    session.inbox.ended.get(timeout=DEADLINE)


def heart_beats(version, maker):
    session = Session(maker, heartbeats=(200, 200))
    session.nothing("n")
    session.end()


CASES = (
    ("sends with receipts, receives and acks", send_and_receive, "1.0"),
    ("un-acked messages come again", redelivery, "1.0"),
    ("NACK brings a message again", nack, "1.1"),
    ("transactions", transactions, "1.0"),
    ("a topic reaches three subscribers", topic, "1.0"),
    ("what a durable subscriber missed comes later", durable, "1.0"),
    ("an ERROR is read before the end", error, "1.0"),
    ("heart-beats are agreed", heart_beats, "1.1"),
)


def main():
    count = 0
    failed = 0
    for version, maker in VERSIONS:
        for name, function, least in CASES:
            if version < least:
                continue
            count += 1
            try:
                function(version, maker)
            except (AssertionError, queue.Empty, KeyError,
                    stomp.exception.StompException) as fault:
                failed = 1
                print(f"not ok {count} - {name} ({version})")
                print(f"#   {type(fault).__name__}: {fault}")
            else:
                print(f"ok {count} - {name} ({version})")
    print(f"1..{count}", flush=True)
    os._exit(failed)  # receiver threads may still wait


main()
