# SPDX-License-Identifier: Apache-2.0
"""What stompd has promised, and what may be so or otherwise.

A message is in its queue when its beginning has happened and its end has not.
Both are changes: one frame's effect, or that of a whole transaction.  A change
that was asked for and not answered may have happened or not, but for all the
messages that it is about alike: once one of them tells, the others are bound.

Lives: every start of stompd begins a new one.  What one life shows of an
unanswered change does not bind the next; a promise binds them all.
"""

from harness.tap import Mismatch

FILLING = bytes(33 + i * 7919 % 94 for i in range(1 << 20))

# A change: held back in a transaction, sent, answered, aborted or never sent.
HELD, ASKED, SURE, NEVER = "held", "asked", "sure", "never"


class Change:
    """One effect: of a frame, or of a transaction."""

    __slots__ = ("state", "life", "happened")

    def __init__(self, state=ASKED):
        self.state = state
        self.life = 0              # in which `happened` was seen
        self.happened = None

    def known(self, life):
        """True or False where that is certain, else None."""
        if self.state == SURE:
            return True
        if self.state in (HELD, NEVER):
            return False
        return self.happened if self.life == life else None

    def observe(self, happened, life):
        """Returns whether that can be."""
        known = self.known(life)
        self.life, self.happened = life, happened
        return known is None or known == happened


class Message:
    """One message in one queue."""

    __slots__ = ("size", "begun", "ended", "life", "volatile", "why")

    def __init__(self, size, begun, volatile=0):
        self.size = size
        self.begun = begun
        self.ended = None          # Change, while it may be gone
        self.why = ""              # what would have ended it
        self.life = 0              # in which it was delivered last
        self.volatile = volatile   # not persistent: the life it was sent in


def body_of(key, size):
    producer, number = key
    at = (producer * 7919 + number * 104729) % 65536
    return b"%d %d " % key + FILLING[at:at + size]


def key_of(body):
    words = body[:40].split(b" ", 2)
    if len(words) < 3 or not (words[0].isdigit() and words[1].isdigit()):
        raise Mismatch(f"a body that nobody sent: {body[:60]!r}")
    return int(words[0]), int(words[1])


class Order:
    """Of first deliveries to one subscription: each producer's own."""

    def __init__(self):
        self.last = {}

    def check(self, queue, key):
        producer, number = key
        last = self.last.get(producer, -1)
        if number <= last:
            raise Mismatch(f"{queue}: message {key} came after "
                           f"{(producer, last)}")
        self.last[producer] = number


class Model:
    """All queues and what is known of their messages."""

    def __init__(self):
        self.life = 0
        self.queues = {}           # name: {key: Message}
        self.durables = {}         # topic: what its durable subscriptions are
                                   # called; to each it is a queue of its own
        self.limbo = {}            # name: keys that an auto ack may have taken
        self.next_producer = 1
        self.sent = self.promised = self.delivered = self.repeated = 0

    def producer(self):
        self.next_producer += 1
        return self.next_producer

    def queue(self, name):
        return self.queues.setdefault(name, {})

    # -- what clients do

    def send(self, queue, key, size, begun, persistent=True):
        for name in self.durables.get(queue, (queue,)):
            self.queue(name)[key] = Message(size, begun,
                                            0 if persistent else self.life)
        self.sent += 1

    def end(self, queue, key, ended, why):
        """An ACK, or a NACK that refuses for good, is on its way."""
        message = self.queue(queue)[key]
        message.ended, message.why = ended, why

    def dead(self, queue, key, moved, letters):
        """NACK with requeue:false: from one queue to the other, whole; and a
        dead letter is persistent whatever it was before."""
        message = self.queue(queue)[key]
        self.end(queue, key, moved, "its NACK")
        self.queue(letters)[key] = Message(message.size, moved)

    def answered(self, change, count=1):
        """The RECEIPT has come."""
        if change.state == ASKED and change.known(self.life) is False:
            raise Mismatch("a receipt for what has been seen not to have "
                           "happened")
        change.state = SURE
        self.promised += count

    # -- what clients see

    def arrived(self, queue, body, redelivered):
        """A MESSAGE; returns its key."""
        key = key_of(body)
        message = self.queue(queue).get(key)
        if message is None:
            raise Mismatch(f"{queue}: message {key} came, but was never sent, "
                           "or has been drained before")
        if body != body_of(key, message.size):
            raise Mismatch(f"{queue}: message {key} has another body than was "
                           f"sent ({len(body)} bytes)")
        if message.volatile not in (0, self.life):
            raise Mismatch(f"{queue}: message {key} is not persistent, and "
                           "came after a restart")
        if message.life == self.life and not redelivered:
            raise Mismatch(f"{queue}: message {key} came twice and does not "
                           "say redelivered")
        self.delivered += 1
        if message.life:
            self.repeated += 1
        message.life = self.life
        self.must(message.begun.observe(True, self.life), queue, key,
                  f"came, and its sending is {message.begun.state}: "
                  "its transaction is torn")
        if message.ended is not None:
            self.must(message.ended.observe(False, self.life), queue, key,
                      f"came again, and {message.why} is "
                      f"{message.ended.state}")
            message.ended = None
        return key

    @staticmethod
    def must(holds, queue, key, what):
        if not holds:
            raise Mismatch(f"{queue}: message {key} {what}")

    # -- auto acknowledgement

    def auto_begins(self, queue, key):
        """The first that comes to an auto subscription tells how far the one
        before got: what was written to a socket is consumed, in order."""
        for other in self.limbo.pop(queue, ()):
            message = self.queue(queue).get(other)
            if message is not None and other > key:
                message.ended = None

    def auto_ends(self, queue):
        """What has not come may be in a socket that nobody reads any more."""
        limbo = self.limbo.setdefault(queue, [])
        for key, message in self.queue(queue).items():
            if message.ended is None:
                self.end(queue, key, Change(), "its delivery")
                limbo.append(key)

    # -- the drain

    def drained(self, queue, there):
        """All of a queue was taken out, in a life that did nothing before.
        Returns what was not there and needs to be explained."""
        if queue in self.limbo and there:
            self.auto_begins(queue, min(there))
        return [(queue, key, message)
                for key, message in self.queue(queue).items()
                if key not in there and not message.volatile]

    def settled(self, missing):
        """After all queues.  Where only one explanation is left it binds all
        the others, hence twice."""
        for queue, key, message in missing * 2:
            begun, ended = message.begun, message.ended
            if ended is None or ended.known(self.life) is False:
                self.must(begun.observe(False, self.life), queue, key,
                          self.lost(message))
            elif begun.known(self.life):
                self.must(ended.observe(True, self.life), queue, key,
                          self.lost(message))
        self.queues = {}
        self.limbo = {}

    @staticmethod
    def lost(message):
        if message.begun.state == SURE and message.ended is None:
            return "is lost: it was receipted, and nobody acknowledged it"
        end = (f"{message.why} is {message.ended.state}" if message.ended
               else "nobody acknowledged it")
        return (f"is lost: its sending is {message.begun.state}, {end}, and "
                "what else came says that one happened and the other not")
