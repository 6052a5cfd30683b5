/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every fuzz target defines.  With --enable-fuzz libFuzzer calls it;
 * else replay_main.c does, once per file of the target's corpus.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Runs one input; aborts on a fault.  Always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
