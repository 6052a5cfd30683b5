# SPDX-License-Identifier: Apache-2.0
"""The wire of STOMP from the client's side: TCP, and a minimal RFC 6455.

Reads are driven by events and bounded by a deadline; nothing here sleeps.
Every frame is also held to the rules that no single test states:
LF line ends only (I1), exactly one LF after the NUL on TCP and none on
WebSocket (I2), content-length first (I6), whole frames per WebSocket message
(I28), the kind of the answer mirrors the kind that was sent (I10).
"""

import base64
import hashlib
import os
import select
import socket
import struct
import time

from .tap import DEADLINE, Mismatch

WS_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
WS_CONTINUATION, WS_TEXT, WS_BINARY = 0, 1, 2
WS_CLOSE, WS_PING, WS_PONG = 8, 9, 10


def valid_utf8(data):
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class Frame:
    """A frame as it stood on the wire; header lines are not unescaped."""

    def __init__(self, command, lines, body):
        self.command = command
        self.lines = lines
        self.body = body

    def get(self, name):
        """Value of the first header of that name, None when absent."""
        for line in self.lines:
            found, _, value = line.partition(b":")
            if found == name.encode():
                return value.decode("utf-8", "replace")
        return None

    def __str__(self):
        text = [self.command.decode("utf-8", "replace")]
        text += [show(line) for line in self.lines]
        text += ["", show(self.body)]
        return "\n".join(text)


def show(data, limit=400):
    """Bytes for a person: UTF-8 text, the rest as \\xHH."""
    text = data[:limit].decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}"
                   for c in text)
    return text + (f" … ({len(data)} bytes)" if len(data) > limit else "")


def encode(command, headers=(), body=b""):
    """One client frame with its NUL; headers are (name, value) or lines."""
    out = [command.encode() if isinstance(command, str) else command]
    for header in headers:
        line = header if isinstance(header, (str, bytes)) else ":".join(
            str(part) for part in header)
        out.append(line.encode() if isinstance(line, str) else line)
    if isinstance(body, str):
        body = body.encode()
    return b"\n".join(out) + b"\n\n" + body + b"\0"


class Link:
    """A connected socket with a buffer of STOMP bytes that have come in."""

    def __init__(self, port, receive_buffer=None):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF,
                                   receive_buffer)
        self.socket.settimeout(DEADLINE)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.inbox = bytearray()
        self.ended = None  # how the connection ended, once it has

    def fill(self, until):
        """Waits for more bytes; False when the deadline has passed."""
        left = until - time.monotonic()
        if not select.select([self.socket], [], [], max(left, 0))[0]:
            return False
        try:
            data = self.socket.recv(262144)
        except ConnectionResetError:
            self.ended = "reset"
            return True
        if data:
            self.take(data)
        elif self.ended is None:
            self.ended = "eof"
        return True

    def take(self, data):
        self.inbox += data

    def close(self):
        self.socket.close()

    def reset(self):
        """Closes so that the peer reads ECONNRESET."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                               struct.pack("ii", 1, 0))
        self.socket.close()


class TcpLink(Link):
    """STOMP over plain TCP."""

    after_nul = b"\n"

    def send(self, data):
        self.socket.sendall(data)

    def send_bytewise(self, data):
        for i in range(len(data)):
            self.socket.sendall(data[i:i + 1])


class WsLink(Link):
    """STOMP over WebSocket; kind is WS_TEXT or WS_BINARY."""

    after_nul = b""

    def __init__(self, port, kind=WS_TEXT, path="/stomp",
                 subprotocols=("v12.stomp", "v11.stomp", "v10.stomp"),
                 origin=None, receive_buffer=None):
        super().__init__(port, receive_buffer)
        self.kind = kind
        self.raw = bytearray()
        self.status = None      # HTTP status line
        self.subprotocol = None
        self.close_code = None
        self.close_reason = b""
        self.message = None     # kind and parts of a fragmented message
        self.pongs = []
        self.mirror = True      # whether the answers' kind is checked
        self._upgrade(path, subprotocols, origin)

    def _upgrade(self, path, subprotocols, origin):
        key = base64.b64encode(os.urandom(16))
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1",
                 "Upgrade: websocket", "Connection: Upgrade",
                 "Sec-WebSocket-Key: " + key.decode(),
                 "Sec-WebSocket-Version: 13"]
        if subprotocols:
            lines.append("Sec-WebSocket-Protocol: " + ", ".join(subprotocols))
        if origin:
            lines.append("Origin: " + origin)
        self.socket.sendall("\r\n".join(lines + ["", ""]).encode())
        head = self._read_head()
        self.status = head.split("\r\n")[0]
        if " 101 " not in self.status + " ":
            self.ended = "refused"
            return
        fields = {}
        for line in head.split("\r\n")[1:]:
            name, _, value = line.partition(":")
            fields[name.strip().lower()] = value.strip()
        accept = base64.b64encode(hashlib.sha1(key + WS_GUID).digest())
        if fields.get("sec-websocket-accept") != accept.decode():
            raise Mismatch("wrong Sec-WebSocket-Accept:\n" + head)
        self.subprotocol = fields.get("sec-websocket-protocol")
        rest, self.raw = bytes(self.raw), bytearray()
        self.take(rest)

    def _read_head(self):
        until = time.monotonic() + DEADLINE
        while b"\r\n\r\n" not in self.raw:
            left = until - time.monotonic()
            ready = select.select([self.socket], [], [], max(left, 0))[0]
            data = self.socket.recv(65536) if ready else b""
            if not data:
                raise Mismatch("no HTTP answer to the upgrade: "
                               + show(bytes(self.raw)))
            self.raw += data
        head, _, rest = bytes(self.raw).partition(b"\r\n\r\n")
        self.raw = bytearray(rest)
        return head.decode("latin-1")

    def send(self, data):
        kind = self.kind
        if kind == WS_TEXT and not valid_utf8(data):
            kind = WS_BINARY
            self.mirror = False
        self.send_message(data, kind)

    def send_message(self, data, opcode, fin=True):
        """One WebSocket frame, masked as a client's must be."""
        head = bytearray([(0x80 if fin else 0) | opcode])
        if len(data) < 126:
            head.append(0x80 | len(data))
        elif len(data) < 65536:
            head += bytes([0x80 | 126]) + struct.pack(">H", len(data))
        else:
            head += bytes([0x80 | 127]) + struct.pack(">Q", len(data))
        mask = os.urandom(4)
        pad = (mask * (len(data) // 4 + 1))[:len(data)]
        masked = (int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")
                  ).to_bytes(len(data), "big")
        self.socket.sendall(bytes(head) + mask + masked)

    def send_bytewise(self, data):
        for i in range(len(data)):
            piece = data[i:i + 1]
            self.mirror = self.mirror and valid_utf8(piece)
            self.send_message(piece, self.kind if valid_utf8(piece)
                              else WS_BINARY)

    def take(self, data):
        self.raw += data
        while self._take_one():
            pass

    def _take_one(self):
        raw = self.raw
        if len(raw) < 2:
            return False
        opcode, fin = raw[0] & 15, bool(raw[0] & 0x80)
        if raw[0] & 0x70 or raw[1] & 0x80:
            raise Mismatch("server frame is masked or has reserved bits set")
        length, at = raw[1] & 127, 2
        if length >= 126:
            size = 2 if length == 126 else 8
            if len(raw) < at + size:
                return False
            length = int.from_bytes(raw[at:at + size], "big")
            at += size
        if len(raw) < at + length:
            return False
        payload = bytes(raw[at:at + length])
        del raw[:at + length]
        self._on_frame(opcode, fin, payload)
        return True

    def _on_frame(self, opcode, fin, payload):
        if opcode == WS_CLOSE:
            if len(payload) >= 2:
                self.close_code = struct.unpack(">H", payload[:2])[0]
                self.close_reason = payload[2:]
            self.ended = "close"
            try:
                self.send_message(payload[:2], WS_CLOSE)
            except OSError:
                pass  # the server need not wait for our answer
        elif opcode == WS_PING:
            self.send_message(payload, WS_PONG)
        elif opcode == WS_PONG:
            self.pongs.append(payload)
        else:
            if opcode != WS_CONTINUATION:
                self.message = (opcode, [])
            self.message[1].append(payload)
            if fin:
                self._on_message(self.message[0], b"".join(self.message[1]))

    def _on_message(self, kind, payload):
        if kind == WS_TEXT and not valid_utf8(payload):
            raise Mismatch("text message that is not UTF-8: " + show(payload))
        # A beat may be text for a binary client: stompjs itself sends it so.
        if self.mirror and kind != self.kind and payload != b"\n" and (
                kind == WS_TEXT or valid_utf8(payload)):
            raise Mismatch("the WebSocket message's kind does not mirror the "
                           "client's: " + show(payload))
        if payload != b"\n" and not payload.endswith(b"\0"):
            raise Mismatch("a WebSocket message does not end with a whole "
                           "frame: " + show(payload))
        self.inbox += payload


class Client:
    """Frames over a link."""

    def __init__(self, link):
        self.link = link
        self.beats = 0
        self.batch = None
        self.bytewise = False
        self.asked_for_beats = False

    # -- sending

    def send_raw(self, data):
        if self.batch is not None:
            self.batch += data
        elif self.bytewise:
            self.link.send_bytewise(data)
        else:
            self.link.send(data)

    def send(self, command, headers=(), body=b""):
        self.send_raw(encode(command, headers, body))

    def flush(self):
        data, self.batch = bytes(self.batch), None
        self.send_raw(data)

    # -- receiving

    def try_frame(self):
        """Takes one whole frame out of the inbox, or returns None."""
        inbox = self.link.inbox
        while inbox[:1] == b"\n":
            self.beats += 1
            del inbox[:1]
        end = inbox.find(b"\n\n")
        if end < 0:
            return None
        lines = bytes(inbox[:end]).split(b"\n")
        if any(b"\r" in line or b"\0" in line for line in lines[:1]):
            raise Mismatch("CR or NUL in a server's command line: "
                           + show(bytes(inbox)))
        length = content_length(lines)
        start = end + 2
        if length is None:
            stop = inbox.find(b"\0", start)
            if stop < 0:
                return None
        else:
            stop = start + length
            if len(inbox) <= stop:
                return None
            if inbox[stop] != 0:
                raise Mismatch("no NUL after content-length octets: "
                               + show(bytes(inbox)))
        after = self.link.after_nul
        if len(inbox) < stop + 1 + len(after):
            return None
        if bytes(inbox[stop + 1:stop + 1 + len(after)]) != after:
            raise Mismatch("not one LF after the frame's NUL: "
                           + show(bytes(inbox)))
        body = bytes(inbox[start:stop])
        del inbox[:stop + 1 + len(after)]
        return Frame(lines[0], lines[1:], body)

    def frame(self, timeout=None):
        """The next frame; Mismatch when none comes."""
        until = time.monotonic() + (DEADLINE if timeout is None else timeout)
        while True:
            frame = self.try_frame()
            if frame is not None:
                return frame
            if self.link.ended:
                raise Mismatch(f"the connection has ended ({self.link.ended})"
                               f"{self.leftover()}")
            if not self.link.fill(until):
                raise Mismatch(f"nothing more came within the deadline"
                               f"{self.leftover()}")

    def leftover(self):
        if not self.link.inbox:
            return ""
        return "; incomplete: " + show(bytes(self.link.inbox))

    def beat(self, timeout=None):
        """Waits for one more heart-beat."""
        until = time.monotonic() + (DEADLINE if timeout is None else timeout)
        seen = self.beats
        while self.beats == seen:
            frame = self.try_frame()
            if frame is not None:
                raise Mismatch(f"a frame came, not a beat:\n{frame}")
            if self.beats > seen:
                break
            if self.link.ended or not self.link.fill(until):
                raise Mismatch("no heart-beat came")

    def closed(self):
        """The peer must end the connection without a further frame."""
        until = time.monotonic() + DEADLINE
        while self.link.ended is None:
            if not self.link.fill(until):
                raise Mismatch("the connection stays open")
        frame = self.try_frame()
        if frame is not None:
            raise Mismatch(f"a frame came before the end:\n{frame}")
        if self.link.inbox:
            raise Mismatch("the connection ended inside a frame"
                           + self.leftover())

    # -- shorthands for programs; scripts state these frames themselves

    def connect(self, version="1.2", headers=()):
        self.send("CONNECT", [("accept-version", version), ("host", "/"),
                              *headers])
        return self.expect("CONNECTED")

    def expect(self, command):
        frame = self.frame()
        if frame.command != command.encode():
            raise Mismatch(f"expected {command}, got:\n{frame}")
        return frame

    def close(self):
        self.link.close()


def content_length(lines):
    """Of a server's frame, where it must be the first header."""
    for i, line in enumerate(lines[1:]):
        name, _, value = line.partition(b":")
        if name == b"content-length":
            if i != 0:
                raise Mismatch("content-length is not the first header: "
                               + show(b"\n".join(lines)))
            if not value.isdigit():
                raise Mismatch("content-length is not a number: "
                               + show(value))
            return int(value)
    return None
