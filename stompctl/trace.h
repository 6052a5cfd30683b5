/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows frames to a person: every line behind ">>> " or "<<< ", control bytes
 * escaped, long bodies cut, the passcode masked.
 */
#pragma once
#include "base/span.h"
#include "protocol/frame.h"

#include <stdio.h>

/* bytes is one frame as it goes on the wire. */
void trace_sent(FILE *out, struct span bytes);
void trace_received(FILE *out, const struct frame *frame);
