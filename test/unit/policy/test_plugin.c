/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plug-ins: the example is found and works, others are refused with a reason.
 * Run in the build directory, where the shared objects are.
 */
#include "policy/plugin.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "policy/dead_letter.h"
#include "policy/dispatch.h"
#include "policy/eviction.h"
#include "policy/policy_load.h"
#include "policy/recovery.h"
#include "test/testutil.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char example[4096];
static struct error err;

/* The absolute path of a file of the build directory. */
static void
absolute(const char *name, char *out, size_t size)
{
    char *here = getcwd(NULL, 0);

    ck_assert_ptr_nonnull(here);
    (void)snprintf(out, size, "%s/%s", here, name);
    free(here);
}

static void
setup(void)
{
    err = ERROR_INIT;
    absolute("etc/plugin-example/example.so", example, sizeof(example));
}

static const void *
strategy(enum plugin_family family, const char *name)
{
    const struct plugin *plugin = plugin_load(example, &err);
    const struct plugin_strategy *found;

    ck_assert_msg(plugin != NULL, "%s", err.text);
    found = plugin_strategy_at(plugin, family, 0);
    ck_assert_ptr_nonnull(found);
    ck_assert_str_eq(found->name, name);
    /* The example has a second one for dispatch alone. */
    ck_assert_ptr_null(
        plugin_strategy_at(plugin, family, family == PLUGIN_DISPATCH ? 2 : 1));
    return found;
}

START_TEST(plug_in_that_is_loaded_again_is_the_same)
{
    const struct plugin *plugin = plugin_load(example, &err);

    ck_assert_ptr_nonnull(plugin);
    ck_assert_ptr_eq(plugin_load(example, &err), plugin);
    ck_assert_str_eq(plugin_name(plugin), "example");
    ck_assert_ptr_null(plugin_strategy_at(plugin, PLUGIN_NONE, 0));
}
END_TEST

START_TEST(dispatch_of_a_plug_in_orders_members)
{
    const struct dispatch_policy *dispatch =
        strategy(PLUGIN_DISPATCH, "example:newestFirst");
    struct dispatch_member members[3] = { { .order = 0 } };
    struct dispatch_member *list = NULL;

    for (int i = 0; i < 3; i++) {
        dispatch->insert(&list, &members[i]);
    }
    ck_assert_ptr_eq(list, &members[2]);
    ck_assert_ptr_eq(list->next, &members[1]);
    ck_assert_ptr_eq(list->prev, &members[0]);
    ck_assert_ptr_null(members[0].next);
}
END_TEST

static int held;

static void
hold(void *message)
{
    (void)message;
    held++;
}

static void
release(void *message)
{
    (void)message;
    held--;
}

static void
visit(void *ctx, const struct recovery_item *item)
{
    buf_append_span(ctx, span_of_text(item->message));
}

START_TEST(recovery_of_a_plug_in_keeps_and_lets_go)
{
    const struct recovery_policy *recovery =
        strategy(PLUGIN_RECOVERY, "example:lastTwo");
    struct recovery_parameters parameters = { .hold = hold,
                                              .release = release };
    struct recovery_state *state = recovery->open(&parameters);
    char texts[3][2] = { "a", "b", "c" };
    struct buf seen = BUF_INIT;

    for (int i = 0; i < 3; i++) {
        struct recovery_item item = { .message = texts[i],
                                      .expires_ms = i == 1 ? 5 : 0 };

        recovery->record(state, &item);
    }
    ck_assert_int_eq(held, 2);
    recovery->visit_all(state, 0, 5, visit, &seen);
    recovery->visit_all(state, 0, 6, visit, &seen);
    ck_assert(span_equal(buf_span(&seen), SPAN("bcc")));
    recovery->close(&state);
    ck_assert_ptr_null(state);
    ck_assert_int_eq(held, 0);
    buf_fini(&seen);
}
END_TEST

START_TEST(eviction_of_a_plug_in_picks)
{
    const struct eviction_strategy *eviction =
        strategy(PLUGIN_EVICTION, "example:newest");
    struct eviction_node nodes[2] = { { .priority = 4 } };

    nodes[0].prev = &nodes[1];
    nodes[0].next = &nodes[1];
    nodes[1].prev = &nodes[0];
    ck_assert_ptr_eq(eviction->pick(nodes, NULL, NULL), &nodes[1]);
}
END_TEST

START_TEST(dead_letter_strategy_of_a_plug_in_writes_the_name)
{
    const struct dead_letter_strategy *letters =
        strategy(PLUGIN_DEAD_LETTER, "example:byLevel");
    struct dead_letter_source source = { .kind = DESTINATION_TOPIC,
                                         .name = SPAN("A.B.C") };
    struct buf name = BUF_INIT;
    enum destination_kind kind = DESTINATION_TOPIC;

    ck_assert(letters->dead_letter_name(NULL, &source, &name, &kind));
    ck_assert(span_equal(buf_span(&name), SPAN("DEAD.A")));
    ck_assert_int_eq(kind, DESTINATION_QUEUE);
    buf_fini(&name);
}
END_TEST

static const struct {
    const char *path; /* in the build directory, or as it is */
    const char *reason;
} refused[] = {
    { "test/unit/policy/faulty1.so", "it is no plug-in" },
    { "test/unit/policy/faulty2.so",
      "it is made for plug-in version 2, this stompd has version 1" },
    { "test/unit/policy/faulty3.so", "it has no symbol stompd_plugin" },
    { "test/unit/policy/faulty4.so", "its name is not made of letters" },
    { "test/unit/policy/faulty5.so", "its strategy e lacks a function" },
    { "test/unit/policy/faulty6.so", "it refuses to start" },
    { "Makefile", "cannot be loaded" },
    { "test", "it is not a file" },
    { "nothing.so", "cannot look at it: No such file" },
};

START_TEST(what_is_no_plug_in_for_this_broker_is_refused_with_the_reason)
{
    char path[4096];

    absolute(refused[_i].path, path, sizeof(path));
    ck_assert_ptr_null(plugin_load(path, &err));
    ck_assert_msg(strstr(err.text, refused[_i].reason) != NULL, "%s", err.text);
}
END_TEST

START_TEST(relative_path_is_refused)
{
    ck_assert_ptr_null(plugin_load("etc/plugin-example/example.so", &err));
    ck_assert_str_eq(err.text, "a plug-in is given by its absolute path");
}
END_TEST

START_TEST(file_that_anybody_may_write_to_is_refused)
{
    char path[] = "/tmp/stompd-plugin-XXXXXX";
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fchmod(fd, 0646), 0);
    ck_assert_ptr_null(plugin_load(path, &err));
    ck_assert_ptr_nonnull(strstr(err.text, "anybody may write to it"));
    (void)close(fd);
    (void)unlink(path);
}
END_TEST

/* `%s` in format is the path of the example. */
static int
load(const char *format, struct policy_map **map_out, struct faults *faults)
{
    struct buf text = BUF_INIT;
    const char *at = strstr(format, "%s");
    int status;

    buf_append(&text, format, (size_t)(at - format));
    buf_append_span(&text, span_of_text(example));
    buf_append_span(&text, span_of_text(at + 2));
    status = policy_load_text(buf_span(&text), "p", map_out, faults);
    buf_fini(&text);
    return status;
}

START_TEST(policy_file_names_strategies_of_its_plug_ins_wherever_they_stand)
{
    struct policy_map *map = NULL;
    struct faults faults;
    const struct policy *policy;

    ck_assert_int_eq(
        load("{\"policies\":[{\"topic\":\"T\",\"dispatchPolicy\":"
             "\"example:newestFirst\",\"subscriptionRecoveryPolicy\":"
             "{\"example:lastTwo\":{}},\"messageEvictionStrategy\":"
             "\"example:newest\",\"deadLetterStrategy\":"
             "{\"example:byLevel\":{\"processExpired\":false}}},"
             "{\"queue\":\"Q\",\"queueDispatchPolicy\":"
             "\"example:newestFirst\"}],"
             "\"plugins\":[\"%s\"]}",
             &map, &faults),
        0);
    policy = policy_map_find(map, DESTINATION_TOPIC, SPAN("T"));
    ck_assert_str_eq(policy->topic_dispatch->name, "example:newestFirst");
    ck_assert_str_eq(policy->recovery->name, "example:lastTwo");
    ck_assert_str_eq(policy->eviction->name, "example:newest");
    ck_assert_str_eq(policy->dead_letter->name, "example:byLevel");
    ck_assert(!policy->dead_letter_parameters.process_expired);
    policy = policy_map_find(map, DESTINATION_QUEUE, SPAN("Q"));
    ck_assert_str_eq(policy->queue_dispatch->name, "example:newestFirst");
    ck_assert(policy->queue_dispatch->pick != NULL);
    policy_map_free(&map);
}
END_TEST

/* A dispatch policy that cannot say whose turn it is serves topics alone. */
START_TEST(queue_needs_a_dispatch_policy_that_picks)
{
    struct policy_map *map = NULL;
    struct faults faults;

    ck_assert_int_eq(
        load("{\"plugins\":[\"%s\"],\"policies\":[{\"queue\":\"Q\",\n"
             "\"queueDispatchPolicy\":\"example:newestOfTopics\"}]}",
             &map, &faults),
        -1);
    ck_assert_uint_eq(faults.errors[0].line, 2);
    ck_assert_ptr_nonnull(
        strstr(faults.errors[0].text, "is not a dispatch policy of queues"));
}
END_TEST

START_TEST(strategy_of_another_kind_or_of_no_plug_in_is_a_fault)
{
    struct policy_map *map = NULL;
    struct faults faults;

    ck_assert_int_eq(load("{\"plugins\":[\"%s\"],\"policies\":[{\"topic\":"
                          "\"T\",\n\"dispatchPolicy\":\"example:newest\"}]}",
                          &map, &faults),
                     -1);
    ck_assert_uint_eq(faults.errors[0].line, 2);
    ck_assert_ptr_nonnull(
        strstr(faults.errors[0].text, "is not a dispatch policy"));
    ck_assert_int_eq(policy_load_text(SPAN("{\"plugins\":[1,\n\"x.so\"]}"), "p",
                                      &map, &faults),
                     -1);
    ck_assert_uint_eq(faults.count, 2);
    ck_assert_str_eq(faults.errors[1].text,
                     "plugins[1]: the plug-in \"x.so\": a plug-in is given by "
                     "its absolute path");
    ck_assert_uint_eq(faults.errors[1].line, 2);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy/plugin");
    TCase *tcase = tcase_create("plugin");

    tcase_add_checked_fixture(tcase, setup, NULL);
    tcase_add_test(tcase, plug_in_that_is_loaded_again_is_the_same);
    tcase_add_test(tcase, dispatch_of_a_plug_in_orders_members);
    tcase_add_test(tcase, recovery_of_a_plug_in_keeps_and_lets_go);
    tcase_add_test(tcase, eviction_of_a_plug_in_picks);
    tcase_add_test(tcase, dead_letter_strategy_of_a_plug_in_writes_the_name);
    tcase_add_loop_test(
        tcase, what_is_no_plug_in_for_this_broker_is_refused_with_the_reason, 0,
        (int)(sizeof(refused) / sizeof(refused[0])));
    tcase_add_test(tcase, relative_path_is_refused);
    tcase_add_test(tcase, file_that_anybody_may_write_to_is_refused);
    tcase_add_test(
        tcase,
        policy_file_names_strategies_of_its_plug_ins_wherever_they_stand);
    tcase_add_test(tcase, queue_needs_a_dispatch_policy_that_picks);
    tcase_add_test(tcase, strategy_of_another_kind_or_of_no_plug_in_is_a_fault);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
