/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file in a data directory for what was in its journal and could not be
 * read: for each a line that says what follows, the bytes as they were found,
 * and a newline.
 */
#pragma once
#include "base/error.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* Appends to the file at path, which is made when it is missing.  Returns
 * whether it is safely there. */
bool store_quarantine_add(const char *path, uint32_t journal, uint64_t seq,
                          struct span value);

/* The same with an entry of a damaged part; its key may be anything.  Returns
 * 0, or -1 with an error. */
int store_quarantine_entry(const char *path, struct span key, struct span value,
                           struct error *err);
