/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The faults of one file that a person wrote: all of them at once, so that one
 * look at the file mends it.
 */
#pragma once
#include "base/error.h"

#include <stddef.h>
#include <stdio.h>

enum { FAULTS_MAX = 20 };

/* Every fault of one file, in the order of the file. */
struct faults {
    struct error errors[FAULTS_MAX]; /* text is "path: sentence" */
    size_t count;                    /* kept, at most FAULTS_MAX */
    size_t total;                    /* found */
};

/* Makes *faults empty. */
void faults_clear(struct faults *faults);

/* The place for one more fault, empty; NULL when FAULTS_MAX are kept (it is
 * counted all the same). */
struct error *faults_next(struct faults *faults);

/* Prints them, one `file:line:column: path: sentence` a line, then how many
 * more there were. */
void faults_print(const struct faults *faults, FILE *out);
