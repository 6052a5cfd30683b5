/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every Check program shares: one runner that speaks TAP.
 */
#pragma once
#include <check.h>

/* Runs suite (takes it over) and prints TAP on standard output.  Returns the
 * exit code for main: 0 when every case passed. */
int testutil_run(Suite *suite);

/* Makes an empty scratch directory below $TMPDIR or /tmp and returns its
 * path; the caller frees it.  Aborts the test on failure. */
char *testutil_tmpdir(void);

/* Removes path and all below it. */
void testutil_rmtree(const char *path);
