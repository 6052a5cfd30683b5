/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A store as text: what goes into every engine through the contract comes out
 * of it, and what comes out of a directory is the text again.
 */
#include "stompctl/base64.h"
#include "stompctl/store_transfer.h"

#include "base/alloc.h"
#include "storage/crc32c.h"
#include "storage/store_build.h"
#include "storage/store_mend.h"
#include "storage/store_place.h"
#include "storage/store_stopped.h"
#include "test/testutil.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { RECORDS = 1000, NEXT = 5000, BODY_MAX = 3000 };

static const struct {
    enum destination_kind kind;
    const char *name;
} journals[] = {
    { DESTINATION_QUEUE, "A" },
    { DESTINATION_TOPIC, "A" },
    { DESTINATION_QUEUE, "B\xff\x01\x37" },
    { DESTINATION_TEMP_QUEUE, "" },
};
enum { JOURNALS = sizeof(journals) / sizeof(journals[0]) };

/* Every third number, all of it told by journal and number. */
static struct store_record
record_of(size_t journal, uint64_t seq, char *bytes)
{
    size_t len = (size_t)(seq * 7 + journal) % BODY_MAX;

    for (size_t i = 0; i < len; i++) {
        /* Text in even numbers, any bytes in odd ones. */
        bytes[i] =
            (char)(uint8_t)(seq % 2 == 0 ? ' ' + (seq + i) % 90 : seq + i * 31);
    }
    return (struct store_record){
        .seq = seq,
        .persistent = true,
        .priority = (uint8_t)(seq % 10),
        .timestamp_ms = (int64_t)seq * 1000,
        .expires_ms = seq % 4 == 0 ? (int64_t)seq : 0,
        .headers = SPAN("a:b\\c\nn:\xc3\xb6\n"),
        .body = span_of(bytes, len),
    };
}

/* The text of all of it; the caller frees it. */
static char *
text_of_all(size_t *size_out)
{
    struct store_format format = { .uuid = "0123456789abcde",
                                   .created_ms = 12 };
    struct store_stream_writer writer;
    char bytes[BODY_MAX];
    char *text = NULL;
    FILE *out = open_memstream(&text, size_out);

    ck_assert_ptr_nonnull(out);
    store_stream_begin(&writer, out);
    ck_assert_int_eq(store_stream_put_format(&writer, &format, NULL), 0);
    for (size_t i = 0; i < JOURNALS; i++) {
        ck_assert_int_eq(store_stream_put_journal(
                             &writer, journals[i].kind,
                             span_of_text(journals[i].name), NEXT, NULL),
                         0);
    }
    ck_assert_int_eq(store_stream_put_definition(&writer, SPAN("durable/x"),
                                                 SPAN("\xff\0y"), NULL),
                     0);
    ck_assert_int_eq(
        store_stream_put_definition(&writer, SPAN("durable/y"), SPAN(""), NULL),
        0);
    for (size_t i = 0; i < JOURNALS; i++) {
        for (uint64_t seq = 2; seq < 2 + 3 * RECORDS; seq += 3) {
            struct store_record record = record_of(i, seq, bytes);

            ck_assert_int_eq(store_stream_put_record(
                                 &writer, journals[i].kind,
                                 span_of_text(journals[i].name), &record, NULL),
                             0);
        }
    }
    ck_assert_int_eq(store_stream_put_end(&writer, NULL), 0);
    store_stream_fini(&writer);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

static void
import_into(struct store_build *build, char *text, size_t size)
{
    struct store_import options = { .edited = false };
    struct error err = ERROR_INIT;
    struct store_format format;
    FILE *in = fmemopen(text, size, "r");

    ck_assert_msg(store_import_into(&options, build, in, &format, &err) == 0,
                  "%s", err.text);
    ck_assert_uint_eq(options.counts.journals, JOURNALS);
    ck_assert_uint_eq(options.counts.definitions, 2);
    ck_assert_uint_eq(options.counts.records, JOURNALS * RECORDS);
    ck_assert_int_eq(format.created_ms, 12);
    ck_assert_int_eq(fclose(in), 0);
}

/* ------------------------------------------------------------- engines -- */

struct reading {
    size_t journal;
    uint64_t seq; /* of the next record */
    uint64_t from;
    bool called;
    bool at_end;
};

static void
reading_on_fetched(void *ctx, const struct store_page *page)
{
    struct reading *reading = ctx;
    char bytes[BODY_MAX];

    ck_assert_ptr_null(page->err);
    ck_assert_uint_eq(page->skipped, 0);
    for (size_t i = 0; i < page->count; i++) {
        const struct store_record *record = &page->records[i];
        struct store_record wanted =
            record_of(reading->journal, reading->seq, bytes);

        ck_assert_uint_eq(record->seq, wanted.seq);
        ck_assert_int_eq(record->persistent, wanted.persistent);
        ck_assert_uint_eq(record->priority, wanted.priority);
        ck_assert_int_eq(record->timestamp_ms, wanted.timestamp_ms);
        ck_assert_int_eq(record->expires_ms, wanted.expires_ms);
        ck_assert(span_equal(record->headers, wanted.headers));
        ck_assert(span_equal(record->body, wanted.body));
        reading->seq += 3;
    }
    reading->from = page->next_seq;
    reading->at_end = page->at_end;
    reading->called = true;
}

static void
read_journal(struct store *store, size_t journal)
{
    struct store_queue *queue = store_queue_open(
        store, journals[journal].kind, span_of_text(journals[journal].name));
    struct reading reading = { .journal = journal, .seq = 2, .from = 1 };

    while (!reading.at_end) {
        struct store_credit credit = { reading.from, 300, SIZE_MAX };

        reading.called = false;
        (void)store_fetch_start(store, queue, &credit, reading_on_fetched,
                                &reading);
        while (!reading.called) {
            (void)store_flush(store, 1);
            store_poll(store);
            (void)sched_yield();
        }
    }
    ck_assert_uint_eq(reading.seq, 2 + 3 * RECORDS);
}

START_TEST(all_of_a_text_is_in_the_store)
{
    const struct store_engine *engine = store_engines[_i];
    char *directory = testutil_tmpdir();
    struct error err = ERROR_INIT;
    struct store_build *build;
    struct store *store;
    size_t size;
    char *text = text_of_all(&size);

    ck_assert_msg(store_build_open(engine, directory, &build, &err) == 0, "%s",
                  err.text);
    import_into(build, text, size);
    store = store_build_commit(build, &err);
    ck_assert_msg(store != NULL, "%s", err.text);
    for (size_t i = 0; i < JOURNALS; i++) {
        read_journal(store, i);
    }
    store_build_abandon(&build);
    ck_assert_ptr_null(build);
    free(text);
    testutil_rmtree(directory);
    free(directory);
}
END_TEST

static char *
export_of(const char *directory, size_t *size_out)
{
    struct store_export options = { .queues = NULL };
    struct store_stopped *stopped;
    struct error err = ERROR_INIT;
    char *text = NULL;
    FILE *out = open_memstream(&text, size_out);

    ck_assert_msg(store_stopped_open(directory, STORE_STOPPED_SHARED, directory,
                                     &stopped, &err) == 0,
                  "%s", err.text);
    ck_assert_msg(store_export_run(&options, stopped, out, &err) == 0, "%s",
                  err.text);
    store_stopped_close(&stopped);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

START_TEST(a_text_that_was_brought_in_comes_out_the_same)
{
    struct store_import options = { .edited = false };
    char *directory = testutil_tmpdir();
    struct error err = ERROR_INIT;
    size_t size;
    size_t exported_size;
    char *text = text_of_all(&size);
    FILE *in = fmemopen(text, size, "r");
    char *exported;

    ck_assert_msg(store_import_run(&options, directory, in, &err) == 0, "%s",
                  err.text);
    exported = export_of(directory, &exported_size);
    ck_assert(
        span_equal(span_of(text, size), span_of(exported, exported_size)));
    ck_assert_int_eq(fclose(in), 0);
    free(exported);
    free(text);
    testutil_rmtree(directory);
    free(directory);
}
END_TEST

/* ------------------------------------------------------------ versions -- */

/* A store with all of the text in a new directory. */
static char *
directory_of_all(void)
{
    struct store_import import = { .edited = false };
    char *directory = testutil_tmpdir();
    struct error err = ERROR_INIT;
    size_t size;
    char *text = text_of_all(&size);
    FILE *in = fmemopen(text, size, "r");

    ck_assert_msg(store_import_run(&import, directory, in, &err) == 0, "%s",
                  err.text);
    ck_assert_int_eq(fclose(in), 0);
    free(text);
    return directory;
}

/* A record of version 99, intact, into the store that is in directory. */
static void
put_newer(const char *directory)
{
    struct store_key key = store_key_record(1, 3);
    struct store_record record = { .seq = 3,
                                   .headers = SPAN(""),
                                   .body = SPAN("") };
    struct ldb_disk disk;
    struct buf value = BUF_INIT;
    uint32_t crc;

    store_record_encode(&record, store_key_span(&key), &value);
    value.data[0] = 99;
    crc = crc32c(0, key.bytes, key.len);
    crc = crc32c(crc, value.data, 4);
    crc = crc32c(crc, value.data + 8, value.len - 8);
    for (int i = 0; i < 4; i++) {
        value.data[4 + i] = (char)(uint8_t)(crc >> (24 - 8 * i));
    }
    ldb_disk_init(&disk, directory);
    ck_assert_int_eq(ldb_disk_open(&disk, false, NULL), 0);
    leveldb_writebatch_put(disk.batch, key.bytes, key.len, value.data,
                           value.len);
    ck_assert_int_eq(ldb_disk_write(&disk, disk.batch, true, NULL), 0);
    ldb_disk_fini(&disk);
    buf_fini(&value);
}

START_TEST(a_newer_record_is_refused_and_not_called_damage)
{
    struct store_export export = { .queues = NULL };
    char *directory = directory_of_all();
    struct store_stopped *stopped;
    struct error err = ERROR_INIT;
    FILE *out = fopen("/dev/null", "w");

    put_newer(directory);
    ck_assert_int_eq(store_stopped_open(directory, STORE_STOPPED_SHARED,
                                        directory, &stopped, &err),
                     0);
    ck_assert_int_eq(store_export_run(&export, stopped, out, &err), -1);
    ck_assert_ptr_nonnull(strstr(err.text, "written by a newer stompd"));
    ck_assert_ptr_nonnull(strstr(err.text, directory));
    store_stopped_close(&stopped);
    ck_assert_int_eq(fclose(out), 0);
    testutil_rmtree(directory);
    free(directory);
}
END_TEST

/* -------------------------------------------------------------- counts -- */

/* Takes count records of journal 1 away, as if a table with them were gone. */
static void
take_away(const char *directory, uint64_t count)
{
    struct ldb_disk disk;

    ldb_disk_init(&disk, directory);
    ck_assert_int_eq(ldb_disk_open(&disk, false, NULL), 0);
    for (uint64_t i = 0; i < count; i++) {
        struct store_key key = store_key_record(1, 2 + 3 * i);

        leveldb_writebatch_delete(disk.batch, key.bytes, key.len);
    }
    ck_assert_int_eq(ldb_disk_write(&disk, disk.batch, true, NULL), 0);
    ldb_disk_fini(&disk);
}

static struct store_stopped *
stopped_of(const char *directory)
{
    struct store_stopped *stopped;
    struct error err = ERROR_INIT;

    ck_assert_msg(store_stopped_open(directory, STORE_STOPPED_EXCLUSIVE,
                                     directory, &stopped, &err) == 0,
                  "%s", err.text);
    return stopped;
}

START_TEST(records_that_are_gone_without_a_trace_are_counted)
{
    char *directory = directory_of_all();
    struct store_check_sink sink = { .ctx = NULL };
    struct store_stopped *stopped;
    struct error err = ERROR_INIT;
    struct store_check check;
    char *aside;

    take_away(directory, 7);
    stopped = stopped_of(directory);
    ck_assert_int_eq(store_check_run(&check, stopped, &sink, &err), 0);
    ck_assert_uint_eq(check.finding_total, 1);
    ck_assert_str_eq(check.findings[0].destination, "/queue/A");
    ck_assert_ptr_nonnull(strstr(check.findings[0].text, "should have 1000 "));
    ck_assert_ptr_nonnull(strstr(check.findings[0].text, "has 993"));
    store_check_fini(&check);

    ck_assert_msg(store_mend(stopped, &sink, &check, &aside, &err) == 0, "%s",
                  err.text);
    ck_assert_uint_eq(check.finding_total, 1);
    ck_assert_uint_eq(check.records, JOURNALS * RECORDS - 7);
    store_check_fini(&check);
    store_stopped_close(&stopped);
    ck_assert_int_eq(access(aside, F_OK), 0);

    stopped = stopped_of(directory);
    ck_assert_int_eq(store_check_run(&check, stopped, &sink, &err), 0);
    ck_assert_uint_eq(check.finding_total, 0);
    ck_assert_uint_eq(check.records, JOURNALS * RECORDS - 7);
    ck_assert_uint_eq(check.definitions, 2);
    ck_assert_uint_eq(check.journals[0]->next, NEXT);
    store_check_fini(&check);
    store_stopped_close(&stopped);
    free(aside);
    testutil_rmtree(directory);
    free(directory);
}
END_TEST

/* -------------------------------------------------------------- base64 -- */

START_TEST(base64_is_that_of_rfc_4648)
{
    static const char *const vectors[][2] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
    };
    struct buf out = BUF_INIT;

    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        buf_clear(&out);
        base64_encode(span_of_text(vectors[i][0]), &out);
        ck_assert(span_equal(buf_span(&out), span_of_text(vectors[i][1])));
        buf_clear(&out);
        ck_assert(base64_decode(span_of_text(vectors[i][1]), &out));
        ck_assert(span_equal(buf_span(&out), span_of_text(vectors[i][0])));
    }
    buf_fini(&out);
}
END_TEST

START_TEST(base64_that_no_encoder_makes_is_refused)
{
    static const char *const bad[] = { "Z",     "Zg=",  "Zg",       "Zh==",
                                       "Zm9=",  "=Zg=", "Zg==Zg==", "Zm9v\n",
                                       "Zm 9v", "====", "Z===",     "Zm9*" };
    struct buf out = BUF_INIT;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        ck_assert_msg(!base64_decode(span_of_text(bad[i]), &out), "%s", bad[i]);
    }
    buf_fini(&out);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("stompctl/store");
    TCase *tcase = tcase_create("store");

    tcase_add_loop_test(tcase, all_of_a_text_is_in_the_store, 0, 2);
    tcase_add_test(tcase, a_text_that_was_brought_in_comes_out_the_same);
    tcase_add_test(tcase, a_newer_record_is_refused_and_not_called_damage);
    tcase_add_test(tcase, records_that_are_gone_without_a_trace_are_counted);
    tcase_add_test(tcase, base64_is_that_of_rfc_4648);
    tcase_add_test(tcase, base64_that_no_encoder_makes_is_refused);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
