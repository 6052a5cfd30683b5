/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a policy file (JSON, design.md section 7) into a policy map, checks all
 * of it, and says where each fault is.  Blocks on the file: not for the loop
 * thread.
 */
#pragma once
#include "base/error.h"
#include "base/span.h"
#include "policy/policy_map.h"

#include <stdio.h>

enum { FAULTS_MAX = 20 };

/* Every fault of one file, in the order of the file. */
struct faults {
    struct error errors[FAULTS_MAX]; /* text is "path: sentence" */
    size_t count;                    /* kept, at most FAULTS_MAX */
    size_t total;                    /* found */
};

/* Prints them, one `file:line:column: path: sentence` a line, then how many
 * more there were. */
void faults_print(const struct faults *faults, FILE *out);

/* 0 and a new map, or -1 and at least one fault.  path is also the source
 * named in the faults. */
int policy_load_file(const char *path, struct policy_map **map_out,
                     struct faults *faults);

/* The same from memory; source is what the faults call it. */
int policy_load_text(struct span text, const char *source,
                     struct policy_map **map_out, struct faults *faults);
