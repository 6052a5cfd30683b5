/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A session without STOMP: what server/net drives in its tests.  Frames end
 * with NUL, EOLs between them are skipped.  Commands, the first line decides:
 *
 *   ECHO...       the frame back, copied
 *   BIG <n>       n bytes 'b' and NUL, by reference, after "BIG\n\n"
 *   MANY <n>      n small frames "MANY\n<k>\n"
 *   BEAT          one beat
 *   BYE           "RECEIPT\n\n" and close, normal
 *   FAIL          "ERROR\n\n" and close, protocol
 *   HUGE          "ERROR\n\n" and close, too big
 *   PAUSE <ms>    stops reading for so long
 *   LATER <ms>    "RECEIPT\n\n" after so long
 *   LATIN         a frame with bytes that are not UTF-8
 *   LITTLE <n>    wants no more than n bytes at once from now on
 *
 * What happened is counted in fake_session_counts, which any thread may read.
 */
#pragma once
#include <stdatomic.h>

struct fake_session_counts {
    atomic_int made;
    atomic_int closed;
    atomic_int freed;
    atomic_int refused;
    atomic_int frames;
    atomic_int eols;
    atomic_int timers;
    atomic_int holds;        /* on BIG's bytes, now */
    atomic_int flushed_all;  /* session_on_flushed with nothing waiting */
    atomic_int after_closed; /* calls that must not come */
    atomic_int too_much;     /* times that more came at once than wanted */
};
extern struct fake_session_counts fake_session_counts;

/* The reason of the last session_on_closed; read it after the loop ended. */
extern char fake_session_reason[128];
