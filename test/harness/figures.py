# SPDX-License-Identifier: Apache-2.0
"""What a running stompd takes: from /proc and from its admin socket."""

import json
import os
import socket
import time

from .tap import DEADLINE, Mismatch


def admin_get(broker, target):
    """The JSON that the admin socket of the broker answers with."""
    answer = b""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(DEADLINE)
        link.connect(os.path.join(broker.data_dir, "admin.sock"))
        link.sendall(b"GET %s HTTP/1.1\r\n\r\n" % target.encode())
        while True:
            piece = link.recv(65536)
            if not piece:
                break
            answer += piece
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 200 " not in head.split(b"\r\n")[0]:
        raise Mismatch(f"GET {target}: {head.decode()}")
    return json.loads(body)


class Figures:
    """One look at a broker.  The admin connection that asks is not counted."""

    def __init__(self, broker):
        pid = broker.process.pid
        status = admin_get(broker, "/v1/status")
        self.connections = status["connections"]["now"]
        self.timers = status["timers"]
        self.subscriptions = status["subscriptions"]
        self.destinations = status["queues"] + status["topics"]
        self.message_bytes = status["messages"]["memoryBytes"]
        self.descriptors = len(os.listdir(f"/proc/{pid}/fd"))
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:
            self.rss = int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")

    #: What must be where it was; memory has a bound of its own.
    COUNTS = ("connections", "descriptors", "timers", "subscriptions",
              "destinations", "message_bytes")

    def counts(self):
        return {name: getattr(self, name) for name in self.COUNTS}

    def __str__(self):
        return (", ".join(f"{value} {name.replace('_', ' ')}"
                          for name, value in self.counts().items())
                + f", {self.rss / 2**20:.1f} MiB")


def figures_settle(broker, counts, seconds):
    """The broker's figures once their counts are those, or as they are after
    so many seconds: what is closed has an end that takes its time."""
    until = time.monotonic() + seconds
    while True:
        now = Figures(broker)
        if now.counts() == counts or time.monotonic() > until:
            return now
        time.sleep(0.02)
