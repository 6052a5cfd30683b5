/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "storage/store_leveldb.h"
#include "test/testutil.h"
#include "test/unit/storage/store_fixture.h"

#include <check.h>
#include <stdio.h>
#include <string.h>

static struct fixture fixture;
static struct buf seen; /* "name=value;" of each that was visited */

static void
on_definition(void *ctx, struct span name, struct span value)
{
    ck_assert_ptr_eq(ctx, &fixture);
    buf_append_span(&seen, name);
    buf_append_char(&seen, '=');
    buf_append_span(&seen, value);
    buf_append_char(&seen, ';');
}

static void
assert_defined(const char *prefix, const char *expected)
{
    buf_clear(&seen);
    store_definitions(fixture.store, span_of_text(prefix), on_definition,
                      &fixture);
    ck_assert_msg(span_equal(buf_span(&seen), span_of_text(expected)),
                  "got %.*s", (int)seen.len, seen.data);
    buf_fini(&seen);
}

START_TEST(definitions_outlive_the_process_and_the_last_value_counts)
{
    fixture_init(&fixture, &store_leveldb);
    store_define(fixture.store, SPAN("durable/b"), SPAN("old"));
    store_define(fixture.store, SPAN("durable/a"), SPAN("1"));
    (void)fixture_sync(&fixture);
    store_define(fixture.store, SPAN("durable/b"), SPAN("older"));
    store_define(fixture.store, SPAN("durable/b"), SPAN("2\0with a NUL"));
    store_define(fixture.store, SPAN("durable/empty"), SPAN(""));
    store_define(fixture.store, SPAN("other"), SPAN("3"));
    fixture_reopen(&fixture);
    buf_clear(&seen);
    store_definitions(fixture.store, SPAN("durable/"), on_definition, &fixture);
    ck_assert(span_equal(
        buf_span(&seen),
        SPAN("durable/a=1;durable/b=2\0with a NUL;durable/empty=;")));
    buf_fini(&seen);
    assert_defined("o", "other=3;");
    fixture_fini(&fixture);
}
END_TEST

START_TEST(ended_definition_stays_away)
{
    fixture_init(&fixture, &store_leveldb);
    store_define(fixture.store, SPAN("a"), SPAN("1"));
    store_define(fixture.store, SPAN("b"), SPAN("2"));
    (void)fixture_sync(&fixture);
    store_define(fixture.store, SPAN("a"), SPAN_NONE);
    store_define(fixture.store, SPAN("c"), SPAN("3"));
    store_define(fixture.store, SPAN("c"), SPAN_NONE);
    store_define(fixture.store, SPAN("never"), SPAN_NONE);
    fixture_reopen(&fixture);
    assert_defined("", "b=2;");
    fixture_fini(&fixture);
}
END_TEST

START_TEST(prefix_visits_nothing_else)
{
    fixture_init(&fixture, &store_leveldb);
    store_define(fixture.store, SPAN("dura"), SPAN("0"));
    store_define(fixture.store, SPAN("durable/x"), SPAN("1"));
    store_define(fixture.store, SPAN("durable0"), SPAN("2"));
    (void)fixture_put(&fixture, fixture_queue(&fixture, "durable/x"), 1);
    fixture_reopen(&fixture);
    ck_assert_uint_eq(fixture.found_count, 1);
    assert_defined("durable/", "durable/x=1;");
    assert_defined("e", "");
    fixture_fini(&fixture);
}
END_TEST

START_TEST(definition_is_in_the_batch_of_what_was_done_beside_it)
{
    store_ticket ticket;

    fixture_init(&fixture, &store_leveldb);
    store_define(fixture.store, SPAN("a"), SPAN("1"));
    ticket = store_ticket_take(fixture.store, true);
    ck_assert_uint_gt(ticket, 0);
    (void)fixture_put(&fixture, fixture_queue(&fixture, "Q"), 1);
    ck_assert_uint_eq(store_ticket_take(fixture.store, true), ticket);
    ck_assert_int_eq(fixture_wait(&fixture, ticket), STORE_ON_DISK);
    fixture_fini(&fixture);
}
END_TEST

static void
end_definition(void *ctx, struct span name, struct span value)
{
    (void)value;
    ++*(unsigned *)ctx;
    store_define(fixture.store, name, SPAN_NONE);
}

START_TEST(definition_may_be_ended_while_it_is_visited)
{
    unsigned visited = 0;

    fixture_init(&fixture, &store_leveldb);
    store_define(fixture.store, SPAN("a/1"), SPAN("1"));
    store_define(fixture.store, SPAN("a/2"), SPAN("2"));
    store_define(fixture.store, SPAN("b"), SPAN("3"));
    fixture_reopen(&fixture);
    store_definitions(fixture.store, SPAN("a/"), end_definition, &visited);
    ck_assert_uint_eq(visited, 2);
    fixture_reopen(&fixture);
    assert_defined("", "b=3;");
    fixture_fini(&fixture);
}
END_TEST

/* Changes the stored value of the definition "a" and opens again. */
static int
reopen_with(void (*change)(struct buf *value), struct error *err)
{
    struct store_options options = fixture.options;
    leveldb_options_t *leveldb = leveldb_options_create();
    leveldb_writeoptions_t *write = leveldb_writeoptions_create();
    char path[512];
    char *errptr = NULL;
    struct buf key = BUF_INIT;
    struct buf value = BUF_INIT;
    leveldb_t *db;
    int status;

    store_close(&fixture.store);
    (void)snprintf(path, sizeof(path), "%s/journal", fixture.directory);
    db = leveldb_open(leveldb, path, &errptr);
    ck_assert_ptr_null(errptr);
    store_definition_key(SPAN("a"), &key);
    store_definition_encode(SPAN("1"), buf_span(&key), &value);
    change(&value);
    leveldb_put(db, write, key.data, key.len, value.data, value.len, &errptr);
    ck_assert_ptr_null(errptr);
    leveldb_close(db);
    leveldb_options_destroy(leveldb);
    leveldb_writeoptions_destroy(write);
    buf_fini(&key);
    buf_fini(&value);
    status = store_open(&store_leveldb, &options, &fixture.store, err);
    return status;
}

static void
flip_last_byte(struct buf *value)
{
    value->data[value->len - 1] ^= 1;
}

START_TEST(damaged_definition_is_named_and_nothing_is_opened)
{
    struct error err = ERROR_INIT;

    fixture_init(&fixture, &store_leveldb);
    store_define(fixture.store, SPAN("a"), SPAN("1"));
    (void)fixture_sync(&fixture);
    ck_assert_int_eq(reopen_with(flip_last_byte, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "damaged (definition a)"));
    fixture_fini(&fixture);
}
END_TEST

START_TEST(memory_engine_forgets_but_its_ticket_ends)
{
    fixture_init(&fixture, &store_memory);
    store_define(fixture.store, SPAN("a"), SPAN("1"));
    ck_assert_int_eq(fixture_sync(&fixture), STORE_IN_MEMORY);
    assert_defined("", "");
    fixture_fini(&fixture);
}
END_TEST

static Suite *
store_definitions_suite(void)
{
    Suite *suite = suite_create("store_definitions");
    TCase *tcase = tcase_create("definitions");

    tcase_add_test(tcase,
                   definitions_outlive_the_process_and_the_last_value_counts);
    tcase_add_test(tcase, ended_definition_stays_away);
    tcase_add_test(tcase, prefix_visits_nothing_else);
    tcase_add_test(tcase,
                   definition_is_in_the_batch_of_what_was_done_beside_it);
    tcase_add_test(tcase, definition_may_be_ended_while_it_is_visited);
    tcase_add_test(tcase, damaged_definition_is_named_and_nothing_is_opened);
    tcase_add_test(tcase, memory_engine_forgets_but_its_ticket_ends);
    suite_add_tcase(suite, tcase);
    return suite;
}

int
main(void)
{
    return testutil_run(store_definitions_suite());
}
