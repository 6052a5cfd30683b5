# SPDX-License-Identifier: Apache-2.0
"""What the tests against the real binary share: a broker, a wire, TAP."""
