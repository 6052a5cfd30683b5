/* SPDX-License-Identifier: Apache-2.0 */
#include "test/testutil.h"

#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Check gives a test four seconds, too few for a sanitizer, or for a machine
 * with other work; a hang is still ended.  Before main: tcase_create looks. */
static void __attribute__((constructor)) testutil_allow_time(void)
{
    const char *sanitizer = getenv("SANITIZER");
    bool slow = sanitizer != NULL && strcmp(sanitizer, "no") != 0 &&
                sanitizer[0] != '\0';

    (void)setenv("CK_TIMEOUT_MULTIPLIER", slow ? "15" : "5", 0);
}

int
testutil_run(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    int failed;

    srunner_set_tap(runner, "-");
    srunner_run_all(runner, CK_SILENT);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

char *
testutil_tmpdir(void)
{
    const char *base = getenv("TMPDIR");
    char *path = NULL;

    ck_assert_int_gt(
        asprintf(&path, "%s/stompd-test-XXXXXX", base != NULL ? base : "/tmp"),
        0);
    ck_assert_ptr_nonnull(mkdtemp(path));
    return path;
}

static int
rmtree_on_entry(const char *path, const struct stat *st, int type,
                struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void
testutil_rmtree(const char *path)
{
    (void)nftw(path, rmtree_on_entry, 16, FTW_DEPTH | FTW_PHYS);
}
