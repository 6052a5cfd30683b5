/* SPDX-License-Identifier: Apache-2.0 */
#include "server/config.h"

#include "test/testutil.h"

#include <stdlib.h>
#include <string.h>

static struct faults faults;

static char *
print_faults(void)
{
    char *printed = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&printed, &len);

    faults_print(&faults, out);
    (void)fclose(out);
    return printed;
}

static void
load(struct config *config, const char *text)
{
    int status = config_load_text(config, span_of_text(text), "c", &faults);

    ck_assert_msg(status == 0, "%s", faults.errors[0].text);
}

START_TEST(the_defaults_are_those_of_the_design)
{
    struct config *config = config_new();

    ck_assert_uint_eq(config->listener_count, 2);
    ck_assert_int_eq(config->listeners[0].kind, NET_ENDPOINT_STOMP);
    ck_assert_str_eq(config->listeners[0].host, "127.0.0.1");
    ck_assert_uint_eq(config->listeners[0].port, 61613);
    ck_assert(!config->listeners[0].use_async_send_set);
    ck_assert_int_eq(config->listeners[1].kind, NET_ENDPOINT_WS);
    ck_assert_uint_eq(config->listeners[1].port, 61614);
    ck_assert_str_eq(config->listeners[1].path, "/stomp");
    ck_assert_int_eq(config->storage.engine, CONFIG_ENGINE_LEVELDB);
    ck_assert_ptr_null(config->storage.directory);
    ck_assert_int_eq(config->storage.sync_interval_us, 1000000);
    ck_assert_int_eq(config->storage.flush_delay_us, 2000);
    ck_assert_ptr_null(config->policy);
    ck_assert_uint_eq(config->limits.connections, 0);
    ck_assert_uint_eq(config->limits.header_line_bytes, 65536);
    ck_assert_uint_eq(config->limits.header_count, 256);
    ck_assert_uint_eq(config->limits.body_bytes, 16777216);
    ck_assert_int_eq(config->limits.login_timeout_us, 10000000);
    ck_assert_uint_eq(config->limits.transactions, 16);
    ck_assert_uint_eq(config->limits.transaction_frames, 1024);
    ck_assert_uint_eq(config->limits.transaction_bytes, 16777216);
    ck_assert_uint_eq(config->limits.memory.bytes, 1073741824);
    ck_assert_uint_eq(config->limits.memory.percent, 0);
    ck_assert_uint_eq(config->storage.limit.bytes, UINT64_C(100) << 30);
    ck_assert_uint_eq(config->storage.temp_limit.bytes, UINT64_C(50) << 30);
    ck_assert_uint_eq(config->storage.free_space_min.bytes, 256 << 20);
    ck_assert_uint_eq(config->limits.out_buffer_hard_bytes, 33554432);
    ck_assert_int_eq(config->heartbeat_send_ms, 10000);
    ck_assert_int_eq(config->heartbeat_receive_ms, 10000);
    ck_assert_int_eq(config->log_level, LOG_LEVEL_INFO);
    config_free(&config);
    ck_assert_ptr_null(config);
    config_free(&config);
}
END_TEST

START_TEST(every_key_is_stored)
{
    struct config *config = config_new();

    load(config,
         "{\"listeners\": [\"stomp://h:1?useAsyncSend=true\","
         " {\"uri\": \"unix:/s\", \"useAsyncSend\": true},"
         " {\"uri\": \"ws://h?useAsyncSend=true\", \"useAsyncSend\": false}],"
         "\"storage\": {\"engine\": \"memory\", \"directory\": \"d\","
         " \"syncInterval\": \"5s\", \"flushDelay\": 0,"
         " \"limit\": \"70%\", \"tempLimit\": 0,"
         " \"minimumFreeSpace\": \"1%\"},"
         "\"policy\": \"p.json\","
         "\"limits\": {\"connections\": 5, \"headerLine\": \"1kb\","
         " \"headerCount\": 9, \"body\": 77, \"loginTimeout\": \"1m\","
         " \"transactions\": 2, \"transactionFrames\": 3,"
         " \"transactionBytes\": \"4kb\", \"memory\": \"2mb\","
         " \"outBufferHard\": \"1mb\"},"
         "\"heartbeat\": {\"send\": 0, \"receive\": \"20s\"},"
         "\"log\": {\"level\": \"debug\"}}");
    ck_assert_uint_eq(config->listener_count, 3);
    ck_assert(config->listeners[0].use_async_send);
    ck_assert_int_eq(config->listeners[1].kind, NET_ENDPOINT_UNIX);
    ck_assert(config->listeners[1].use_async_send);
    ck_assert(config->listeners[2].use_async_send_set);
    ck_assert(!config->listeners[2].use_async_send);
    ck_assert_int_eq(config->storage.engine, CONFIG_ENGINE_MEMORY);
    ck_assert_str_eq(config->storage.directory, "d");
    ck_assert_int_eq(config->storage.sync_interval_us, 5000000);
    ck_assert_int_eq(config->storage.flush_delay_us, 0);
    ck_assert_str_eq(config->policy, "p.json");
    ck_assert_uint_eq(config->limits.connections, 5);
    ck_assert_uint_eq(config->limits.header_line_bytes, 1024);
    ck_assert_uint_eq(config->limits.header_count, 9);
    ck_assert_uint_eq(config->limits.body_bytes, 77);
    ck_assert_int_eq(config->limits.login_timeout_us, 60000000);
    ck_assert_uint_eq(config->limits.transactions, 2);
    ck_assert_uint_eq(config->limits.transaction_frames, 3);
    ck_assert_uint_eq(config->limits.transaction_bytes, 4096);
    ck_assert_uint_eq(config->limits.memory.bytes, 2097152);
    ck_assert_uint_eq(config->storage.limit.percent, 70);
    ck_assert_uint_eq(config->storage.temp_limit.bytes, 0);
    ck_assert_uint_eq(config->storage.free_space_min.percent, 1);
    ck_assert_uint_eq(config->limits.out_buffer_hard_bytes, 1048576);
    ck_assert_int_eq(config->heartbeat_send_ms, 0);
    ck_assert_int_eq(config->heartbeat_receive_ms, 20000);
    ck_assert_int_eq(config->log_level, LOG_LEVEL_DEBUG);
    config_free(&config);
}
END_TEST

START_TEST(what_a_file_does_not_say_stays)
{
    struct config *config = config_new();

    load(config, "{\"limits\": {\"connections\": 7}}");
    ck_assert_uint_eq(config->limits.connections, 7);
    ck_assert_uint_eq(config->limits.header_count, 256);
    ck_assert_uint_eq(config->listener_count, 2);
    load(config, "{}");
    ck_assert_uint_eq(config->limits.connections, 7);
    config_free(&config);
}
END_TEST

START_TEST(the_printed_defaults_load_as_a_file)
{
    struct config *config = config_new();
    char *printed = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&printed, &len);

    config_print_defaults(out);
    (void)fclose(out);
    config->limits.header_count = 1;
    config_clear_listeners(config);
    load(config, printed);
    ck_assert_uint_eq(config->limits.header_count, 256);
    ck_assert_uint_eq(config->listener_count, 2);
    ck_assert_ptr_nonnull(strstr(printed, "\"syncInterval\": \"1s\""));
    free(printed);
    config_free(&config);
}
END_TEST

START_TEST(listeners_of_the_command_line_replace_those_of_the_file)
{
    struct config *config = config_new();
    struct error err = ERROR_INIT;

    config_clear_listeners(config);
    ck_assert_int_eq(config_add_listener(config, SPAN("stomp://[::1]:0"), &err),
                     0);
    ck_assert_int_eq(config_add_listener(config, SPAN("x"), &err), -1);
    ck_assert_str_ne(err.text, "");
    ck_assert_uint_eq(config->listener_count, 1);
    ck_assert_str_eq(config->listeners[0].host, "::1");
    config_free(&config);
}
END_TEST

static const struct {
    const char *text;
    const char *printed;
} wrong[] = {
    { "{\"listeners\": []}",
      "c:1:15: listeners: found an empty array where an array of one "
      "listener or more is expected\n" },
    { "{\"listeners\": [\n\"tcp://h\", 5,\n{\"useAsyncSend\": 1},\n"
      "{\"uri\": \"wss://h\", \"port\": 1}]}",
      "c:2:1: listeners[0]: \"tcp\" is not the scheme of a listener; stomp, "
      "ws and unix are\n"
      "c:2:12: listeners[1]: found 5 where the URI of a listener is "
      "expected\n"
      "c:3:1: listeners[2]: \"uri\" is missing\n"
      "c:3:18: listeners[2].useAsyncSend: found 1 where true or false is "
      "expected\n"
      "c:4:9: listeners[3].uri: \"wss\" needs TLS, which this version does "
      "not have; put a TLS proxy before a stomp or ws listener\n"
      "c:4:20: listeners[3]: unknown key \"port\"; known here: uri, "
      "useAsyncSend, anonymous\n" },
    { "{\"storge\": {}}",
      "c:1:2: unknown key \"storge\" (did you mean \"storage\"?)\n" },
    { "{\"storage\": {\"engine\": \"kahadb\"}}",
      "c:1:24: storage.engine: found \"kahadb\" where one of \"leveldb\", "
      "\"memory\" is expected\n" },
    { "{\"storage\": \"leveldb\"}",
      "c:1:13: storage: found \"leveldb\" where an object is expected\n" },
    { "{\"limits\": {\"body\": \"2gb\", \"memory\": \"1tb\"}}",
      "c:1:21: limits.body: found \"2gb\" where a size from 1b to 1gb (bytes, "
      "or \"64kb\", \"1mb\", \"1gb\") is expected\n"
      "c:1:38: limits.memory: found \"1tb\" where a size from 1mb to 1024gb "
      "(bytes, or \"64kb\", \"1mb\", \"1gb\"), or a part from \"1%\" to "
      "\"100%\" "
      "is expected\n" },
    { "{\"storage\": {\"limit\": \"101%\"}}",
      "c:1:23: storage.limit: found \"101%\" where a size from 0b to 1048576gb "
      "(bytes, or \"64kb\", \"1mb\", \"1gb\"), or a part from \"1%\" to "
      "\"100%\" "
      "is expected\n" },
    { "{\"policy\": \"\"}",
      "c:1:12: policy: found \"\" where a text that is not empty is "
      "expected\n" },
    { "{\"log\": {\"level\": \"trace\"}}",
      "c:1:19: log.level: found \"trace\" where one of \"error\", "
      "\"warning\", \"info\", \"debug\" is expected\n" },
    { "{\"heartbeat\": {\"send\": -1}}",
      "c:1:24: heartbeat.send: found -1 where a duration from 0ms to 24h "
      "(milliseconds, or \"250ms\", \"10s\", \"5m\", \"1h\") is expected\n" },
};

START_TEST(each_fault_says_where_it_is_and_what_would_be_right)
{
    struct config *config = config_new();
    char *printed;

    ck_assert_int_eq(
        config_load_text(config, span_of_text(wrong[_i].text), "c", &faults),
        -1);
    printed = print_faults();
    ck_assert_str_eq(printed, wrong[_i].printed);
    free(printed);
    config_free(&config);
}
END_TEST

START_TEST(a_file_that_cannot_be_read_is_a_fault)
{
    struct config *config = config_new();

    ck_assert_int_eq(config_load_file(config, "/nonexistent/c", &faults), -1);
    ck_assert_uint_eq(faults.total, 1);
    ck_assert_str_eq(faults.errors[0].source, "/nonexistent/c");
    config_free(&config);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("config");
    TCase *tcase = tcase_create("config");

    tcase_add_test(tcase, the_defaults_are_those_of_the_design);
    tcase_add_test(tcase, every_key_is_stored);
    tcase_add_test(tcase, what_a_file_does_not_say_stays);
    tcase_add_test(tcase, the_printed_defaults_load_as_a_file);
    tcase_add_test(tcase,
                   listeners_of_the_command_line_replace_those_of_the_file);
    tcase_add_loop_test(tcase,
                        each_fault_says_where_it_is_and_what_would_be_right, 0,
                        (int)(sizeof(wrong) / sizeof(wrong[0])));
    tcase_add_test(tcase, a_file_that_cannot_be_read_is_a_fault);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
