# SPDX-License-Identifier: Apache-2.0
"""The clients that work on stompd while it is killed.

All of them run in one thread, driven by what their sockets can do, so what
they do follows from the seed and from what stompd answers.  Each tells the
model what it is about to send before it sends it.
"""

import select
import time

from harness.tap import DEADLINE, Mismatch
from harness.wire import Client, TcpLink, encode

from model import ASKED, HELD, NEVER, Change, Order, body_of

OUTBOX_FULL = 65536
LETTERS = "/queue/ActiveMQ.DLQ"  # in the order of the NACKs, whoever sent them


class PumpedLink(TcpLink):
    """Sends what the socket takes; the rest waits in the outbox."""

    def __init__(self, port, receive_buffer=None):
        super().__init__(port, receive_buffer)
        self.socket.setblocking(False)
        self.outbox = bytearray()

    def send(self, data):
        self.outbox += data

    def pump(self):
        try:
            del self.outbox[:self.socket.send(self.outbox)]
        except BlockingIOError:
            pass
        except OSError:            # what was answered before can still be read
            self.outbox.clear()


def connect_headers(durable):
    headers = [("accept-version", "1.2"), ("host", "/")]
    return headers + [("client-id", durable[0])] if durable else headers


def subscribe_headers(destination, durable, mode, prefetch):
    headers = [("destination", destination), ("id", "c"), ("ack", mode),
               ("activemq.prefetchSize", prefetch)]
    if durable:
        headers.append(("activemq.subscriptionName", durable[1]))
    return headers


class Worker:
    """A client; step() sends, on_frame() takes what comes."""

    receive_buffer = None
    impatient = 0                  # how likely it is to leave and come again
    durable = None                 # (client-id, name) of a subscription

    def __init__(self, model, chance, queue):
        self.model = model
        self.chance = chance
        self.queue = queue
        self.client = None
        self.ready = False
        self.stopping = False      # stompd was told to: ERROR may come
        self.waiting = {}          # receipt: (Change, messages)
        self.receipts = 0

    def connect(self, port):
        """False when nobody listens any more."""
        try:
            self.client = Client(PumpedLink(port, self.receive_buffer))
        except OSError:
            return False
        self.send("CONNECT", connect_headers(self.durable))
        return True

    def close(self):
        """Ends the connection as a client does that is killed."""
        if self.client is not None:
            self.client.close()
            self.client = None
            self.ready = False
            self.waiting.clear()
            self.on_end()

    def send(self, command, headers, body=b""):
        self.client.link.send(encode(command, headers, body))

    def ask(self, change, count=1):
        """The header that makes an answer of change come."""
        self.receipts += 1
        self.waiting[str(self.receipts)] = change, count
        return [("receipt", self.receipts)]

    def may_step(self):
        return self.ready and len(self.client.link.outbox) < OUTBOX_FULL

    def wants(self):
        """Whether there is something that step() could send."""
        return False

    def read(self):
        """Takes all that has come; False when the connection has ended."""
        client = self.client
        client.link.fill(0)
        while True:
            frame = client.try_frame()
            if frame is None:
                return client.link.ended is None
            if frame.command == b"RECEIPT":
                self.model.answered(*self.waiting.pop(frame.get("receipt-id")))
            elif frame.command == b"CONNECTED":
                self.ready = True
                self.on_ready()
            elif frame.command == b"MESSAGE":
                self.on_message(frame)
            elif frame.command == b"ERROR" and self.stopping:
                pass
            else:
                raise Mismatch(f"{type(self).__name__} on {self.queue} got:\n"
                               f"{frame}")

    def on_ready(self):
        pass

    def on_message(self, frame):
        raise Mismatch(f"a message for one who has not subscribed:\n{frame}")

    def on_end(self):
        pass

    def step(self):
        pass


class Producer(Worker):
    """Sends; `sync` is the share that has a receipt."""

    def __init__(self, model, chance, queue, count, sync):
        super().__init__(model, chance, queue)
        self.left = count
        self.sync = sync
        self.window = chance.choice((1, 8, 64, 256))
        self.volatile = chance.choice((0, 0, 0.1))
        self.sizes = chance.choice(((0, 10, 100), (10, 1000, 1000, 5000),
                                    (100, 100, 100, 100, 100, 100, 70000)))
        self.id = model.producer()
        self.number = 0

    def key(self):
        self.number += 1
        return self.id, self.number

    def size(self):
        return self.chance.choice(self.sizes)

    def wants(self):
        return self.left > 0 and len(self.waiting) < self.window

    def step(self):
        key, size, change = self.key(), self.size(), Change()
        persistent = self.chance.random() >= self.volatile
        self.left -= 1
        self.model.send(self.queue, key, size, change, persistent)
        headers = [("destination", self.queue)]
        if persistent:
            headers.append(("persistent", "true"))
        if self.chance.random() < self.sync:
            headers += self.ask(change)
        self.send("SEND", headers, body_of(key, size))


class BulkProducer(Producer):
    """More bytes than LevelDB keeps before it begins another log."""

    BYTES = 72 << 20

    def __init__(self, model, chance, queue):
        super().__init__(model, chance, queue, self.BYTES // 600000, 0.5)
        self.sizes = (600000,)
        self.volatile = 0


class Transactor(Producer):
    """Sends in transactions, to several queues; up to four are open.  Order
    is kept within each: it is a producer of its own."""

    def __init__(self, model, chance, queues, count):
        super().__init__(model, chance, queues[0], count, 0.8)
        self.queues = queues
        self.open = []             # [producer, Change, sent, how many]

    def wants(self):
        return ((self.left > 0 or self.open)
                and len(self.waiting) < self.window)

    def begin(self):
        name = self.model.producer()
        self.open.append([name, Change(HELD), 0, self.chance.randint(1, 20)])
        self.send("BEGIN", [("transaction", name)])

    def step(self):
        if not self.open or (self.left > 0 and len(self.open) < 4
                             and self.chance.random() < 0.2):
            self.begin()
            return
        transaction = self.chance.choice(self.open)
        name, change, count, length = transaction
        if count == length or self.left <= 0:
            self.finish(transaction)
            return
        key, size = (name, count + 1), self.size()
        queue = self.chance.choice(self.queues)
        self.left -= 1
        transaction[2] += 1
        self.model.send(queue, key, size, change)
        self.send("SEND", [("destination", queue), ("persistent", "true"),
                           ("transaction", name)], body_of(key, size))

    def finish(self, transaction):
        name, change, count, _ = transaction
        self.open.remove(transaction)
        headers = [("transaction", name)]
        if self.chance.random() < 0.15:
            change.state = NEVER
            self.send("ABORT", headers)
            return
        change.state = ASKED
        if self.chance.random() < self.sync:
            headers += self.ask(change, count)
        self.send("COMMIT", headers)


class Consumer(Worker):
    """Takes messages; `share` is how much of them it acknowledges."""

    receive_buffer = 65536

    def __init__(self, model, chance, queue, mode, nacks=False):
        super().__init__(model, chance, queue)
        self.destination = queue
        self.mode = mode
        self.nacks = nacks
        self.share = chance.choice((0.3, 0.9, 1))
        self.sync = chance.choice((0, 0.5, 1))
        self.every = chance.choice((1, 3, 20))
        self.prefetch = chance.choice((1, 10, 1000))
        if mode != "auto":
            self.impatient = chance.choice((0, 0, 0.002))
        self.order = Order()
        self.unacked = []          # client mode: keys since the last ACK

    def on_ready(self):
        self.order = Order()
        self.unacked = []
        self.started = False
        self.send("SUBSCRIBE", subscribe_headers(
            self.destination, self.durable, self.mode, self.prefetch))

    def on_end(self):
        if self.mode == "auto":
            self.model.auto_ends(self.queue)

    def on_message(self, frame):
        redelivered = frame.get("redelivered") == "true"
        key = self.model.arrived(self.queue, frame.body, redelivered)
        if not redelivered and self.queue != LETTERS:
            self.order.check(self.queue, key)
        if self.mode == "auto":
            if not self.started:
                self.model.auto_begins(self.queue, key)
            self.model.end(self.queue, key, Change(), "its delivery")
        elif self.mode == "client":
            self.on_cumulative(frame, key)
        else:
            self.on_individual(frame, key)
        self.started = True

    def receipt(self, change, count=1):
        return self.ask(change, count) if self.chance.random() < self.sync \
            else []

    def on_cumulative(self, frame, key):
        self.unacked.append(key)
        if len(self.unacked) < min(self.every, self.prefetch):
            return
        change = Change()
        for acked in self.unacked:
            self.model.end(self.queue, acked, change, "its ACK")
        self.send("ACK", [("id", frame.get("ack"))]
                  + self.receipt(change, len(self.unacked)))
        self.unacked = []

    def on_individual(self, frame, key):
        luck = self.chance.random()
        if luck >= self.share:
            return                 # it stays with us until the end
        change, headers = Change(), [("id", frame.get("ack"))]
        if not self.nacks or luck >= 0.1:
            self.model.end(self.queue, key, change, "its ACK")
            self.send("ACK", headers + self.receipt(change))
        elif luck < 0.05:
            self.model.dead(self.queue, key, change, LETTERS)
            self.send("NACK", headers + [("requeue", "false")]
                      + self.receipt(change))
        elif int(frame.get("delivery-count") or 1) < 4:
            self.send("NACK", headers)   # and it comes again


class DurableConsumer(Consumer):
    """The consumer of a durable subscription; there is but one."""

    def __init__(self, model, chance, durable, topic):
        super().__init__(model, chance, name_of(durable),
                         chance.choice(("client", "client-individual")))
        self.destination = topic
        self.durable = durable
        self.impatient = 0


def name_of(durable):
    """What the model calls its messages."""
    return "%s:%s" % durable


class Mover(Worker):
    """Acknowledges and sends on, both in one transaction."""

    def __init__(self, model, chance, queue, to):
        super().__init__(model, chance, queue)
        self.to = to
        self.sync = chance.choice((0, 0.7, 1))
        self.batch = chance.choice((1, 5))
        self.id = model.producer()
        self.number = 0
        self.names = 0
        self.frames = []

    def on_ready(self):
        self.frames = []
        self.send("SUBSCRIBE", [("destination", self.queue), ("id", "m"),
                                ("ack", "client-individual")])

    def on_message(self, frame):
        key = self.model.arrived(self.queue, frame.body,
                                 frame.get("redelivered") == "true")
        self.frames.append((key, frame))
        if len(self.frames) == self.batch:
            self.move()

    def move(self):
        frames, self.frames = self.frames, []
        self.names += 1
        inside = [("transaction", f"m{self.names}")]
        change = Change(HELD)
        self.send("BEGIN", inside)
        for key, frame in frames:
            self.number += 1
            moved = self.id, self.number
            size = self.model.queue(self.queue)[key].size
            self.model.end(self.queue, key, change, "its ACK's transaction")
            self.model.send(self.to, moved, size, change)
            self.send("ACK", [("id", frame.get("ack"))] + inside)
            self.send("SEND", [("destination", self.to),
                               ("persistent", "true")] + inside,
                      body_of(moved, size))
        if self.chance.random() < 0.05:
            change.state = NEVER
            self.send("ABORT", inside)
            return
        change.state = ASKED
        if self.chance.random() < self.sync:
            inside = inside + self.ask(change, 2 * len(frames))
        self.send("COMMIT", inside)


def run(workers, port, chance, ended):
    """Lets workers work until stompd is gone; ended() says when it is."""
    poll = select.poll()
    by_fd = {}

    def begin(worker):
        if worker.connect(port):
            fd = worker.client.link.socket.fileno()
            by_fd[fd] = worker
            poll.register(fd, select.POLLIN | select.POLLOUT)

    def finish(fd):
        poll.unregister(fd)
        by_fd.pop(fd).close()

    for worker in workers:
        begin(worker)
    until = None
    while by_fd:
        for fd, _ in poll.poll(20):
            worker = by_fd[fd]
            if not worker.read():
                finish(fd)
                continue
            if worker.ready and chance.random() < worker.impatient:
                finish(fd)         # and comes again, unless stompd is gone
                begin(worker)
                continue
            for _ in range(50):
                if worker.may_step() and worker.wants():
                    worker.step()
            link = worker.client.link
            if link.outbox:
                link.pump()
            busy = link.outbox or (worker.ready and worker.wants())
            poll.modify(fd, select.POLLIN | (select.POLLOUT if busy else 0))
        if until is None and ended():
            until = time.monotonic() + DEADLINE
        elif until is not None and time.monotonic() > until:
            raise Mismatch("stompd is gone, and a connection stays open")

