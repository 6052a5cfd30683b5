/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a policy file (JSON, design.md section 7) into a policy map, checks all
 * of it, and says where each fault is.  Blocks on the file: not for the loop
 * thread.
 */
#pragma once
#include "base/span.h"
#include "policy/faults.h"
#include "policy/policy_map.h"

/* 0 and a new map, or -1 and at least one fault (faults is cleared first).
 * path is also the source named in the faults. */
int policy_load_file(const char *path, struct policy_map **map_out,
                     struct faults *faults);

/* The same from memory; source is what the faults call it. */
int policy_load_text(struct span text, const char *source,
                     struct policy_map **map_out, struct faults *faults);
