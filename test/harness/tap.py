# SPDX-License-Identifier: Apache-2.0
"""Test Anything Protocol, as automake's tap-driver.sh reads it."""

import os
import sys

#: Multiplies every deadline; for valgrind and slow machines.
MULTIPLIER = float(os.environ.get("STOMPD_TEST_TIMEOUT_MULTIPLIER", "1"))
if os.environ.get("SANITIZER", "no") not in ("", "no"):
    MULTIPLIER *= 4

#: Seconds that any single expectation may take.
DEADLINE = 5.0 * MULTIPLIER


class Mismatch(Exception):
    """An expectation that did not hold; its text says what came instead."""


class Tap:
    """Counts cases and prints them as they end."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def ok(self, name):
        self.count += 1
        print(f"ok {self.count} - {name}", flush=True)

    def not_ok(self, name, why):
        self.count += 1
        if "# TODO" not in name:  # known, and expected to fail
            self.failed += 1
        print(f"not ok {self.count} - {name}", flush=True)
        self.diag(why)

    def skip(self, name, why):
        self.count += 1
        print(f"ok {self.count} - {name} # SKIP {why}", flush=True)

    def diag(self, text):
        for line in str(text).splitlines():
            print(f"#   {line}", flush=True)

    def case(self, name, function, *args):
        """Runs one case; an exception is its failure."""
        try:
            function(*args)
        except Mismatch as fault:
            self.not_ok(name, fault)
        except (OSError, AssertionError, EOFError) as fault:
            self.not_ok(name, f"{type(fault).__name__}: {fault}")
        else:
            self.ok(name)

    def done(self):
        """Prints the plan and ends the process."""
        print(f"1..{self.count}", flush=True)
        sys.exit(1 if self.failed else 0)


def skip_all(why):
    """Nothing can be tested here: automake counts exit 77 as SKIP, and a TAP
    reader the plan."""
    print(f"1..0 # SKIP {why}", flush=True)
    sys.exit(0)
