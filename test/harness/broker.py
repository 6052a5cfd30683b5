# SPDX-License-Identifier: Apache-2.0
"""Starts, kills and stops the real stompd in a directory of its own."""

import atexit
import os
import re
import resource
import select
import shutil
import signal
import subprocess
import tempfile
import time

from .tap import DEADLINE, Mismatch

LISTENERS = ("stomp://127.0.0.1:0", "ws://127.0.0.1:0/stomp")


def stompd_path():
    """$STOMPD, else the binary of the build directory."""
    path = os.environ.get("STOMPD")
    if not path:
        path = os.path.join(os.environ.get("top_builddir", "."), "stompd")
    return os.path.abspath(path)


def temporary_directory(prefix="stompd-test-"):
    """A directory that goes away with this process."""
    path = tempfile.mkdtemp(prefix=prefix)
    owner = os.getpid()

    def remove():
        if os.getpid() == owner:
            shutil.rmtree(path, ignore_errors=True)

    atexit.register(remove)
    return path


class Broker:
    """One stompd.  Ports are free ones; they are known once it is ready."""

    def __init__(self, args=(), policy=None, listeners=LISTENERS,
                 data_dir=None, config=None):
        self.directory = temporary_directory()
        self.data_dir = data_dir or os.path.join(self.directory, "data")
        self.log_path = os.path.join(self.directory, "log")
        self.args = list(args)
        self.listeners = listeners
        self.policy_path = self._write("policy.json", policy)
        self.config_path = self._write("stompd.json", config)
        self.wrapper = []       # a command that runs stompd, such as strace
        self.environment = {}   # added to this process's own
        self.file_limit = None  # bytes; files cannot grow beyond it
        self.process = None
        self.launched = None
        self.uris = []
        self.ready_s = None
        atexit.register(self.kill)

    def _write(self, name, text):
        if text is None:
            return None
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def command(self):
        line = [stompd_path(), "-d", self.data_dir]
        for uri in self.listeners:
            line += ["-l", uri]
        if self.config_path:
            line += ["-c", self.config_path]
        if self.policy_path:
            line += ["-p", self.policy_path]
        return self.wrapper + line + self.args

    def _limit(self):
        """In the child: a disk that is full, as far as it can tell."""
        if self.file_limit is not None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE,
                               (self.file_limit, self.file_limit))

    def start(self):
        """Returns once the ready line has come."""
        self.launch()
        return self.ready()

    def launch(self):
        """Returns while stompd is still starting."""
        self.launched = time.monotonic()
        environment = {key: value for key, value in os.environ.items()
                       if key not in ("NOTIFY_SOCKET", "STATE_DIRECTORY")}
        environment.update(self.environment)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, env=environment,
                stdout=subprocess.PIPE, stderr=log, close_fds=True,
                preexec_fn=self._limit if self.file_limit else None)

    def ready(self):
        """Waits for the ready line."""
        line = self._read_ready_line(self.launched + DEADLINE * 2)
        self.ready_s = time.monotonic() - self.launched
        self.uris = line.split()[1:]
        return self

    def _read_ready_line(self, until):
        out = self.process.stdout
        text = b""
        while b"\n" not in text:
            left = until - time.monotonic()
            ready = select.select([out], [], [], max(left, 0))[0]
            piece = os.read(out.fileno(), 4096) if ready else b""
            if not piece:
                why = "stays silent" if not ready else "ended"
                code = self.process.poll()
                self.kill()
                raise Mismatch(f"stompd {why} before its ready line "
                               f"(exit {code}); its log:\n{self.log()}")
            text += piece
        line = text.split(b"\n")[0].decode()
        if not line.startswith("ready "):
            raise Mismatch(f"not a ready line: {line!r}")
        return line

    def port(self, scheme):
        """Port of the first listener with that scheme."""
        for uri in self.uris:
            found = re.match(rf"{re.escape(scheme)}://[^/]*:(\d+)", uri)
            if found:
                return int(found.group(1))
        raise Mismatch(f"no {scheme} listener in the ready line: {self.uris}")

    def log(self):
        with open(self.log_path, "rb") as file:
            text = file.read().decode("utf-8", "replace")
        return "\n".join(text.splitlines()[-40:])

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def _reap(self):
        self.process.stdout.close()
        code = self.process.wait()
        self.process = None
        return code

    def kill(self):
        """kill -9; nothing is flushed, nothing is said."""
        if self.process is not None:
            if self.process.poll() is None:
                self.process.kill()
            self._reap()

    def stop(self):
        """SIGTERM; the exit code must be 0 and the log free of sanitizer
        reports."""
        self.process.send_signal(signal.SIGTERM)
        self.stopped()

    def stopped(self):
        """Waits for the end that SIGTERM brings."""
        try:
            self.process.wait(timeout=DEADLINE * 2)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Mismatch("stompd does not stop on SIGTERM; its log:\n"
                           + self.log()) from None
        code = self._reap()
        if code != 0 or "Sanitizer" in self.log():
            raise Mismatch(f"stompd exits with {code} on SIGTERM; its log:\n"
                           + self.log())
