# SPDX-License-Identifier: Apache-2.0
"""What a disk holds of a directory, and what a power cut leaves of it.

The shim (powercut_shim.c) writes down what stompd does to its files; read()
plays that into a model with two states: what programs see, and what is on the
disk for sure.  A file's bytes are on the disk once that file was fsynced, a
name once its directory was: fsync(2) promises no more, and no less.

cut() is the power cut.  Of what was not synced, a file keeps all, nothing, a
beginning torn at any byte, or some of its pages with zeros between them; a
directory keeps a beginning of what was done to it, since file systems journal
that in order.
"""

import os
import shutil
import stat
import struct

from harness.tap import Mismatch

EVENT = struct.Struct("=QQIiII")   # struct event of powercut_shim.c
OPEN, CLOSE, WRITE, SYNC, RENAME, UNLINK, MKDIR, CUT = range(8)
PAGE = 4096
MANNERS = ("all", "none", "mixed", "mixed", "mixed")
UNSEEN = ("LOG", "LOG.old")        # LevelDB's own log; see the shim


class Inode:
    """A file's content: what is synced, and the writes after that."""

    def __init__(self, data=b""):
        self.synced = bytearray(data)
        self.pending = []          # (event, offset, bytes), bytes None: a cut

    def content(self):
        data = bytearray(self.synced)
        for _, offset, piece in self.pending:
            put(data, offset, piece)
        return data

    def sync(self, upto):
        while self.pending and self.pending[0][0] <= upto:
            _, offset, piece = self.pending.pop(0)
            put(self.synced, offset, piece)

    def cut(self, chance, manner):
        """What is left of the pending writes when the power fails."""
        if manner == "mixed":
            manner = chance.choice(("all", "none", "torn", "torn", "holes"))
        pieces = []
        if manner == "all":
            pieces = self.pending
        elif manner == "torn" and self.pending:
            count = chance.randrange(len(self.pending))
            number, offset, piece = self.pending[count]
            if piece is not None:
                piece = piece[:chance.randint(0, len(piece))]
            pieces = self.pending[:count] + [(number, offset, piece)]
        elif manner == "holes":
            pieces = [page for page in self.pages() if chance.random() < 0.7]
        for _, offset, piece in pieces:
            put(self.synced, offset, piece)
        self.pending = []

    def pages(self):
        """The pending writes as the page cache writes them back."""
        for number, offset, piece in self.pending:
            if piece is None:
                yield number, offset, piece
                continue
            at = 0
            while at < len(piece):
                size = PAGE - (offset + at) % PAGE
                yield number, offset + at, piece[at:at + size]
                at += size


def put(data, offset, piece):
    if piece is None:
        del data[offset:]
        return
    if offset > len(data):
        data.extend(bytes(offset - len(data)))
    data[offset:offset + len(piece)] = piece


class Disk:
    """The names below one directory; "" is that directory itself."""

    def __init__(self, root, manners=MANNERS):
        self.root = root
        self.manners = manners     # of what a cut leaves; see Inode.cut
        self.synced = {}           # path: Inode, or None for a directory
        self.seen = {}             # the same, as programs see it
        self.pending = []          # (event, directory, names to be changed)

    # -- what was done

    def read(self, path):
        """Plays one life of stompd, however it ended."""
        with open(path, "rb") as file:
            data = file.read()
        files, at = {}, 0
        while at + EVENT.size <= len(data):
            number, value, kind, fd, first, second = EVENT.unpack_from(data, at)
            at += EVENT.size
            if at + first + second > len(data):
                break              # the kill came while it was written
            self.play(files, number, value, kind, fd, data[at:at + first],
                      data[at + first:at + first + second])
            at += first + second
        for inode in self.seen.values():   # the next life counts from 1 again
            if inode is not None:
                inode.pending = [(0, *rest) for _, *rest in inode.pending]
        self.pending = [(0, *rest) for _, *rest in self.pending]

    def play(self, files, number, value, kind, fd, first, second):
        if kind == OPEN:
            files[fd] = self.play_open(number, value, self.name(first))
        elif kind == CLOSE:
            files.pop(fd, None)
        elif kind == WRITE:
            files[fd].pending.append((number, value, first))
        elif kind == CUT:
            files[fd].pending.append((number, value, None))
        elif kind == SYNC:
            self.play_sync(files[fd], value)
        elif kind == RENAME:
            old, new = self.name(first), self.name(second)
            self.change(number, {old: False, new: self.seen[old]})
        elif kind == UNLINK and self.name(first) in self.seen:
            self.change(number, {self.name(first): False})
        elif kind == MKDIR:
            self.change(number, {self.name(first): None})

    def play_open(self, number, flags, name):
        if name == "" or self.seen.get(name, False) is None:
            return name            # a directory, opened to be synced
        if name not in self.seen:
            self.change(number, {name: Inode()})
        elif flags & os.O_TRUNC:
            self.seen[name].pending.append((number, 0, None))
        return self.seen[name]

    def play_sync(self, what, upto):
        if isinstance(what, Inode):
            what.sync(upto)
            return
        left = []
        for event in self.pending:
            if event[1] == what and event[0] <= upto:
                apply(self.synced, event[2])
            else:
                left.append(event)
        self.pending = left

    def name(self, path):
        return os.path.relpath(path.decode(), self.root).removeprefix(".")

    def change(self, number, names):
        apply(self.seen, names)
        self.pending.append((number, os.path.dirname(next(iter(names))),
                             names))

    # -- the end

    def cut(self, chance):
        """The power fails; what is seen from now on is what was kept."""
        left = {}
        for _, directory, _ in self.pending:
            left[directory] = left.get(directory, 0) + 1
        kept = {directory: chance.randint(0, count)
                for directory, count in sorted(left.items())}
        for _, directory, names in self.pending:
            if kept[directory] > 0:
                kept[directory] -= 1
                apply(self.synced, names)
        self.pending = []
        for name in sorted(self.synced):
            directory = os.path.dirname(name)
            if directory and directory not in self.synced:
                del self.synced[name]
        manner = chance.choice(self.manners)
        for name, inode in sorted(self.synced.items()):
            if inode is not None:
                inode.cut(chance, manner)
        self.seen = dict(self.synced)

    def write_out(self):
        """Makes the directory what the model says."""
        shutil.rmtree(self.root, ignore_errors=True)
        os.makedirs(self.root, mode=0o700)
        for name, inode in sorted(self.seen.items()):
            path = os.path.join(self.root, name)
            if inode is None:
                os.mkdir(path, 0o700)
                continue
            with open(path, "wb") as file:
                file.write(inode.content())

    def compare(self):
        """After a stop in good order: did the shim see everything?"""
        there = {}
        for directory, _, files in os.walk(self.root):
            for file in files:
                path = os.path.join(directory, file)
                if (file not in UNSEEN
                        and stat.S_ISREG(os.lstat(path).st_mode)):
                    there[os.path.relpath(path, self.root)] = path
        names = {name for name, inode in self.seen.items()
                 if inode is not None}
        if names != set(there):
            raise Mismatch("the shim has missed a call: files "
                           f"{sorted(names ^ set(there))} are in one of the "
                           "directory and its record only")
        for name, path in there.items():
            with open(path, "rb") as file:
                if file.read() != self.seen[name].content():
                    raise Mismatch("the shim has missed a call: what it has "
                                   f"of {name} is not what is there")


def apply(names, changes):
    """False takes a name away."""
    for name, inode in changes.items():
        if inode is False:
            names.pop(name, None)
        else:
            names[name] = inode
