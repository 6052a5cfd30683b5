# SPDX-License-Identifier: Apache-2.0
"""syslog-ng's stomp() destination against stompd: every line of a log becomes a
message, and none is lost while the broker is there.

It reads one answer with each read() and hangs when that fills its buffer
exactly, sends its fields as headers without escapes or content-length, and asks
for receipt 0 each time.
Rules: I1 I3 I4 I15 I16 I18 I19 I21

Needs: syslog-ng --module-registry | grep -q 'stomp' -- apt install syslog-ng-mod-stomp
"""

import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from harness.broker import temporary_directory              # noqa: E402
from harness.tap import DEADLINE, Mismatch, Tap             # noqa: E402
from harness.wire import Client, TcpLink                    # noqa: E402

PORT = int(os.environ["STOMP_PORT"])
FIELDS = 120
CONFIGURATION = """@version: 3.38
options {{ stats-freq(0); keep-hostname(yes); }};
source lines {{ file("{log}" follow-freq(0.1) flags(no-parse)); }};
destination broker {{ stomp(host("127.0.0.1") port({port})
    destination("/queue/syslog") username("user") password("secret")
    persistent(yes) ack(yes) body("${{MESSAGE}}")
    value-pairs(scope(rfc5424) {pairs})); }};
log {{ source(lines); destination(broker); }};
"""


class Syslog:
    """A syslog-ng that follows a file of its own."""

    def __init__(self):
        directory = temporary_directory()
        self.log = os.path.join(directory, "log")
        configuration = os.path.join(directory, "syslog-ng.conf")
        pairs = " ".join(f'pair(".SDATA.a@1.f{i}" "x:{i}")'
                         for i in range(FIELDS))
        with open(configuration, "w", encoding="utf-8") as file:
            file.write(CONFIGURATION.format(log=self.log, port=PORT,
                                            pairs=pairs))
        with open(self.log, "w", encoding="utf-8"):
            pass
        self.process = subprocess.Popen(
            ["syslog-ng", "--foreground", "--no-caps", "-f", configuration,
             "-R", os.path.join(directory, "persist"),
             "-c", os.path.join(directory, "control"),
             "-p", os.path.join(directory, "pid")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)

    def write(self, lines):
        with open(self.log, "a", encoding="utf-8") as file:
            file.write("".join(line + "\n" for line in lines))

    def stop(self):
        self.process.terminate()
        self.process.wait(DEADLINE * 4)


def consumer():
    client = Client(TcpLink(PORT))
    client.connect("1.0", ["heart-beat:0,0"])
    client.send("SUBSCRIBE", ["destination:/queue/syslog", "ack:client",
                              "receipt:s"])
    client.expect("RECEIPT")
    return client


def take(client, count):
    """So many messages, acknowledged."""
    messages = []
    for _ in range(count):
        message = client.frame(DEADLINE * 4)
        if message.command != b"MESSAGE":
            raise Mismatch(f"not a MESSAGE:\n{message}")
        client.send("ACK", [("message-id", message.get("message-id"))])
        messages.append(message)
    return messages


def every_line_is_a_message(client, syslog):
    syslog.write(f"line {i}: a:b" for i in range(200))
    for i, message in enumerate(take(client, 200)):
        if message.body != f"line {i}: a:b".encode():
            raise Mismatch(f"not line {i}:\n{message}")


def fields_are_headers(client, syslog):
    syslog.write(["one more"])
    message = take(client, 1)[0]
    for i in range(FIELDS):
        # A name that begins with a dot loses it on the way out of syslog-ng.
        value = message.get(f"SDATA.a@1.f{i}") or message.get(
            f".SDATA.a@1.f{i}")
        if value != f"x:{i}":
            raise Mismatch(f"field {i} is {value}:\n{message}")
    if message.get("persistent") != "true":
        raise Mismatch(f"not persistent:\n{message}")


def main():
    tap = Tap()
    client = consumer()
    syslog = Syslog()
    tap.case("every line is a message, in order", every_line_is_a_message,
             client, syslog)
    tap.case("every field is a header", fields_are_headers, client, syslog)
    syslog.stop()
    client.close()
    tap.done()


if __name__ == "__main__":
    main()
