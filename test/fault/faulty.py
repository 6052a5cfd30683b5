# SPDX-License-Identifier: Apache-2.0
"""A stompd whose disk fails when it is told to."""

import os
import re
import subprocess
import time

from harness.broker import Broker, stompd_path, temporary_directory
from harness.tap import DEADLINE, Mismatch
from harness.wire import Client, TcpLink

STOMP = ("stomp://127.0.0.1:0",)
POLICY = """{ "policies": [
  { "queue": "refuse.>", "sendFailIfNoSpace": true },
  { "queue": "impatient.>", "sendFailIfNoSpaceAfterTimeout": "50ms" }
] }"""


def check(condition, text):
    if not condition:
        raise Mismatch(text)


def sanitizer_runtime():
    """It wants to be loaded before the shim."""
    listed = subprocess.run(["ldd", stompd_path()], check=True,
                            capture_output=True, text=True).stdout
    return re.findall(r"=> (\S*/lib[at]san\S*)", listed)


class Faulty(Broker):
    """faults() says what fails from now on, heal() that nothing does."""

    def __init__(self, data_dir=None, config=None):
        super().__init__(policy=POLICY, listeners=STOMP, data_dir=data_dir,
                         config=config)
        self.control = os.path.join(temporary_directory(), "control")
        self.marks = {}
        shim = os.path.abspath(os.path.join(
            os.environ.get("top_builddir", "."), "test", "fault",
            "fault_shim.so"))
        check(os.path.exists(shim), f"{shim} is not built")
        self.environment = {
            "LD_PRELOAD": " ".join([*sanitizer_runtime(), shim]),
            "FAULT_ROOT": self.data_dir, "FAULT_CONTROL": self.control}
        with open(self.control + ".calls", "wb"):
            pass
        self.heal()

    def faults(self, *lines):
        with open(self.control + ".new", "w", encoding="ascii") as file:
            file.write("".join(line + "\n" for line in lines))
        os.rename(self.control + ".new", self.control)

    def heal(self):
        self.faults()

    def calls(self):
        """(call, error or "ok", path), in order."""
        with open(self.control + ".calls", encoding="utf-8") as file:
            return [tuple(line.split(" ", 2))
                    for line in file.read().splitlines()]

    def whole_log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def await_log(self, pattern):
        """Waits for a line behind the last that was waited for."""
        mark = self.marks.get("log", 0)
        until = time.monotonic() + DEADLINE * 2
        while True:
            found = re.search(pattern, self.whole_log()[mark:])
            if found:
                self.marks["log"] = mark + found.end()
                return
            check(time.monotonic() < until,
                  f"the log has no line like {pattern}:\n{self.log()}")
            time.sleep(0.01)

    def await_call(self, call, error):
        """Waits until a fault has been met since the last heal."""
        until = time.monotonic() + DEADLINE * 2
        while not any(entry[:2] == (call, error) for entry in self.calls()):
            check(time.monotonic() < until, f"no {call} has met {error}")
            time.sleep(0.01)

    def client(self, *headers):
        client = Client(TcpLink(self.port("stomp")))
        client.connect(headers=headers)
        return client


def send(client, queue, body, receipt=None, headers=()):
    more = [("receipt", receipt)] if receipt is not None else []
    client.send("SEND", [("destination", queue), ("persistent", "true"),
                         *more, *headers], body)


def promised(client, queue, body):
    """Sends, and waits for the RECEIPT."""
    send(client, queue, body, body)
    check(client.expect("RECEIPT").get("receipt-id") == body, "which RECEIPT?")


def refused(client, *words):
    """The next frame is an ERROR that says these words, and then the end."""
    frame = client.expect("ERROR")
    text = str(frame)
    for word in words:
        check(word in text, f"the ERROR does not say {word!r}:\n{text}")
    client.closed()
    return frame


def drain(broker, queue, until):
    """Consumes and acknowledges up to the body `until`; the bodies."""
    client = broker.client()
    client.send("SUBSCRIBE", [("destination", queue), ("id", "s")])
    bodies = []
    while not bodies or bodies[-1] != until:
        bodies.append(client.expect("MESSAGE").body.decode().split(" ")[0])
    client.send("DISCONNECT", [("receipt", "bye")])
    client.expect("RECEIPT")
    return bodies


def everything(broker, queue):
    """All that a queue has: a last message says where it ends."""
    client = broker.client()
    promised(client, queue, "the-end")
    client.close()
    return drain(broker, queue, "the-end")[:-1]
