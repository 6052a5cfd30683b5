/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What sizes and parts come to: of the memory, as control groups limit it, and
 * of the disk.
 */
#include "server/ceilings.h"

#include "base/alloc.h"
#include "test/testutil.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

static char root[] = "/tmp/test_ceilings_XXXXXX";

static void
setup(void)
{
    ck_assert_ptr_nonnull(mkdtemp(root));
}

static void
teardown(void)
{
    char *command = xasprintf("rm -r %s", root);

    ck_assert_int_eq(system(command), 0); /* NOLINT: a path of ours */
    free(command);
}

/* A file below the root, and the directory that it is in. */
static char *
put(const char *directory, const char *name, const char *text)
{
    char *path = xasprintf("%s%s/%s", root, directory, name);
    char *parent = xasprintf("%s%s", root, directory);
    FILE *file;

    (void)mkdir(parent, 0700);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    (void)fputs(text, file);
    (void)fclose(file);
    free(parent);
    return path;
}

static uint64_t
total(const char *group)
{
    char *file = put("", "group", group);
    uint64_t bytes = ceilings_memory_total(root, file);

    free(file);
    return bytes;
}

static uint64_t
machine(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

START_TEST(smallest_limit_above_a_control_group_is_what_there_is)
{
    free(put("/a", "memory.max", "8000000\n"));
    free(put("/a/b", "memory.max", "9000000\n"));
    free(put("/a/c", "memory.max", "7000000\n"));
    free(put("/d", "memory.max", "max\n"));
    ck_assert_uint_eq(total("0::/a\n"), 8000000);
    ck_assert_uint_eq(total("0::/a/b\n"), 8000000);
    ck_assert_uint_eq(total("0::/a/c\n"), 7000000);
    ck_assert_uint_eq(total("0::/d\n"), machine());
    ck_assert_uint_eq(total("0::/none\n"), machine());
    free(put("", "memory.max", "6000000\n"));
    ck_assert_uint_eq(total("0::/a/c\n"), 6000000);
    ck_assert_uint_eq(total("0::/\n"), 6000000);
}
END_TEST

START_TEST(without_control_groups_it_is_the_machine)
{
    ck_assert_uint_eq(total("5:memory:/a\n"), machine());
    ck_assert_uint_eq(total(""), machine());
    ck_assert_uint_eq(ceilings_memory_total(root, "/nowhere/cgroup"),
                      machine());
}
END_TEST

START_TEST(ceilings_are_sizes_or_parts_and_at_most_all_of_it)
{
    struct config *config = config_new();
    struct ceilings found;
    struct statvfs st;
    uint64_t disk;
    char *missing = xasprintf("%s/not/there", root);

    ck_assert_int_eq(statvfs(root, &st), 0);
    disk = (uint64_t)st.f_blocks * st.f_frsize;
    config->storage.limit = (struct units_share){ .percent = 70 };
    config->storage.temp_limit = (struct units_share){ .bytes = UINT64_MAX };
    config->storage.free_space_min = (struct units_share){ .bytes = 12345 };
    config->limits.memory = (struct units_share){ .bytes = 2 << 20 };
    found = ceilings_find(config, root);
    ck_assert_uint_eq(found.store, disk * 70 / 100);
    ck_assert_uint_eq(found.temp, disk);
    ck_assert_uint_eq(found.disk, disk);
    ck_assert_uint_eq(found.free_min, 12345);
    ck_assert_uint_eq(found.memory, 2 << 20);
    found = ceilings_find(config, missing);
    ck_assert_uint_eq(found.store, disk * 70 / 100);
    config->storage.limit = (struct units_share){ .bytes = 0 };
    ck_assert_uint_eq(ceilings_find(config, root).store, 0);
    free(missing);
    config_free(&config);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("server/ceilings");
    TCase *tcase = tcase_create("ceilings");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase,
                   smallest_limit_above_a_control_group_is_what_there_is);
    tcase_add_test(tcase, without_control_groups_it_is_the_machine);
    tcase_add_test(tcase, ceilings_are_sizes_or_parts_and_at_most_all_of_it);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
