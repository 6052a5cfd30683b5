/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_describe.h"

#include "policy/policy_load.h"
#include "policy/policy_schema.h"
#include "test/testutil.h"

#include <stdlib.h>
#include <string.h>

static struct policy_map *
map_of(const char *text)
{
    struct policy_map *map = NULL;
    struct faults faults;

    faults_clear(&faults);
    ck_assert_msg(
        policy_load_text(span_of_text(text), "p.json", &map, &faults) == 0,
        "%s", faults.errors[0].text);
    return map;
}

static const struct policy_ceilings *ceilings; /* of the broker, if any */

static json_t *
describe(const char *text, enum destination_kind kind, const char *name)
{
    struct policy_map *map = map_of(text);
    struct span span = span_of_text(name);
    json_t *tree = policy_describe(policy_map_find(map, kind, span), "p.json",
                                   kind, span, ceilings);

    policy_map_free(&map);
    ck_assert_ptr_nonnull(tree);
    return tree;
}

static json_t *
key_of(json_t *list, const char *name)
{
    size_t index;
    json_t *key;

    json_array_foreach(list, index, key)
    {
        if (strcmp(json_string_value(json_object_get(key, "key")), name) == 0) {
            return key;
        }
    }
    return NULL;
}

/* The JSON text of a member, or "" without one. */
static void
assert_member(json_t *object, const char *member, const char *expected)
{
    json_t *value = json_object_get(object, member);
    char *text =
        value == NULL
            ? strdup("")
            : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));

    ck_assert_str_eq(text, expected);
    free(text);
}

static const char example[] =
    "{ \"default\": { \"queuePrefetch\": 7 },\n"
    "  \"policies\": [\n"
    "    { \"queue\": \"JOBS.>\", \"queuePrefetch\": 1,\n"
    "      \"strictOrderDispatch\": true },\n"
    "    { \"topic\": \"PRICES.>\",\n"
    "      \"pendingMessageLimitStrategy\": { \"constant\": "
    "{ \"limit\": 10 } },\n"
    "      \"subscriptionRecoveryPolicy\": { \"timed\": "
    "{ \"recoverDuration\": 90000 } } } ] }";

START_TEST(the_entry_that_matches_is_named_with_its_place)
{
    json_t *tree = describe(example, DESTINATION_QUEUE, "JOBS.a");
    json_t *entry = json_object_get(tree, "entry");

    assert_member(tree, "kind", "\"queue\"");
    assert_member(tree, "name", "\"JOBS.a\"");
    assert_member(entry, "from", "\"entry\"");
    assert_member(entry, "pattern", "\"JOBS.>\"");
    assert_member(entry, "file", "\"p.json\"");
    assert_member(entry, "line", "3");
    json_decref(tree);
}
END_TEST

START_TEST(a_value_says_whether_the_entry_gives_it)
{
    json_t *tree = describe(example, DESTINATION_QUEUE, "JOBS.a");
    json_t *keys = json_object_get(tree, "keys");

    assert_member(key_of(keys, "queuePrefetch"), "value", "1");
    assert_member(key_of(keys, "queuePrefetch"), "from", "\"entry\"");
    assert_member(key_of(keys, "queueBrowserPrefetch"), "value", "500");
    assert_member(key_of(keys, "queueBrowserPrefetch"), "from", "\"built-in\"");
    assert_member(key_of(keys, "strictOrderDispatch"), "value", "true");
    assert_member(key_of(keys, "strictOrderDispatch"), "live", "false");
    assert_member(key_of(keys, "queuePrefetch"), "live", "true");
    json_decref(tree);
}
END_TEST

START_TEST(a_part_says_what_it_comes_to_where_that_is_known)
{
    static const struct policy_ceilings broker = { 1000, 2000, 3000 };
    static const char *const keys[] = { "memoryLimit", "storeLimit",
                                        "tempLimit" };
    static const char *const bytes[] = { "100", "400", "900" };
    static const char text[] =
        "{ \"policies\": [ { \"queue\": \"a\", \"memoryLimit\": \"10%\", "
        "\"storeLimit\": \"20%\", \"tempLimit\": \"30%\" }, "
        "{ \"queue\": \"b\", \"memoryLimit\": \"1mb\" } ] }";
    json_t *tree;

    for (int i = 0; i < 3; i++) {
        tree = describe(text, DESTINATION_QUEUE, "a");
        assert_member(key_of(json_object_get(tree, "keys"), keys[i]), "bytes",
                      "");
        json_decref(tree);
        ceilings = &broker;
        tree = describe(text, DESTINATION_QUEUE, "a");
        assert_member(key_of(json_object_get(tree, "keys"), keys[i]), "bytes",
                      bytes[i]);
        json_decref(tree);
        tree = describe(text, DESTINATION_QUEUE, "b");
        assert_member(key_of(json_object_get(tree, "keys"), keys[i]), "bytes",
                      "");
        json_decref(tree);
        ceilings = NULL;
    }
}
END_TEST

START_TEST(the_default_entry_applies_where_no_pattern_matches)
{
    json_t *tree = describe(example, DESTINATION_QUEUE, "other");
    json_t *keys = json_object_get(tree, "keys");

    assert_member(json_object_get(tree, "entry"), "from", "\"default entry\"");
    assert_member(json_object_get(tree, "entry"), "pattern", "");
    assert_member(key_of(keys, "queuePrefetch"), "value", "7");
    assert_member(key_of(keys, "queuePrefetch"), "from", "\"default entry\"");
    json_decref(tree);
}
END_TEST

START_TEST(without_entries_all_is_built_in)
{
    json_t *tree = describe("{}", DESTINATION_QUEUE, "other");
    json_t *entry = json_object_get(tree, "entry");

    assert_member(entry, "from", "\"built-in\"");
    assert_member(entry, "file", "");
    assert_member(entry, "line", "");
    json_decref(tree);
}
END_TEST

START_TEST(strategies_durations_and_unset_values_read_as_in_a_file)
{
    json_t *tree = describe(example, DESTINATION_TOPIC, "PRICES.x");
    json_t *keys = json_object_get(tree, "keys");

    assert_member(key_of(keys, "subscriptionRecoveryPolicy"), "value",
                  "{\"timed\": {\"recoverDuration\": \"90s\"}}");
    assert_member(key_of(keys, "pendingMessageLimitStrategy"), "value",
                  "{\"constant\": {\"limit\": 10}}");
    assert_member(key_of(keys, "dispatchPolicy"), "value", "\"simple\"");
    assert_member(key_of(keys, "useAsyncSend"), "value", "null");
    assert_member(key_of(keys, "deliveryMode"), "value", "\"asSent\"");
    json_decref(tree);
}
END_TEST

START_TEST(keys_of_other_kinds_are_left_out)
{
    json_t *tree = describe(example, DESTINATION_TOPIC, "PRICES.x");

    ck_assert_ptr_null(key_of(json_object_get(tree, "keys"), "queuePrefetch"));
    ck_assert_ptr_null(key_of(json_object_get(tree, "keys"), "topic"));
    json_decref(tree);
}
END_TEST

START_TEST(every_value_is_one_that_the_file_takes)
{
    enum destination_kind kind = (enum destination_kind)_i;
    struct policy_map *map = policy_map_new();
    json_t *tree = policy_describe(policy_map_find(map, kind, SPAN("x")), NULL,
                                   kind, SPAN("x"), NULL);
    json_t *entry = json_object();
    json_t *file;
    size_t index;
    json_t *key;
    char *text;

    json_array_foreach(json_object_get(tree, "keys"), index, key)
    {
        json_t *value = json_object_get(key, "value");

        if (!json_is_null(value)) {
            (void)json_object_set(
                entry, json_string_value(json_object_get(key, "key")), value);
        }
    }
    file = json_pack("{s:o}", "default", entry);
    text = json_dumps(file, 0);
    policy_map_free(&map);
    map = map_of(text);
    free(text);
    json_decref(file);
    json_decref(tree);
    policy_map_free(&map);
}
END_TEST

static json_t *
changes(const char *before, const char *after, enum destination_kind kind,
        const char *name)
{
    struct policy_map *a = map_of(before);
    struct policy_map *b = map_of(after);
    struct span span = span_of_text(name);
    json_t *list = policy_describe_changes(
        policy_map_find(a, kind, span), policy_map_find(b, kind, span), kind);

    policy_map_free(&a);
    policy_map_free(&b);
    return list;
}

START_TEST(changes_are_the_values_that_differ)
{
    json_t *list = changes(example, "{}", DESTINATION_QUEUE, "JOBS.a");

    ck_assert_uint_eq(json_array_size(list), 3);
    assert_member(key_of(list, "queueDispatchPolicy"), "to", "\"roundRobin\"");
    assert_member(key_of(list, "queuePrefetch"), "from", "1");
    assert_member(key_of(list, "queuePrefetch"), "to", "1000");
    assert_member(key_of(list, "queuePrefetch"), "live", "true");
    assert_member(key_of(list, "strictOrderDispatch"), "live", "false");
    json_decref(list);
}
END_TEST

START_TEST(another_entry_with_the_same_values_is_no_change)
{
    json_t *list =
        changes("{ \"default\": { \"queuePrefetch\": 7 } }",
                "{ \"policies\": [ { \"queue\": \"a\", \"queuePrefetch\": 7 } "
                "] }",
                DESTINATION_QUEUE, "a");

    ck_assert_uint_eq(json_array_size(list), 0);
    json_decref(list);
}
END_TEST

/* ---- policy_carry_over ---- */

static const char *const everything[] = {
    /* queue */
    "{ \"default\": { \"queuePrefetch\": 3, \"strictOrderDispatch\": true,"
    " \"prioritizedMessages\": true, \"messageGroupMapFactoryType\": "
    "{ \"bucket\": { \"bucketCount\": 16 } }, \"useAsyncSend\": true,"
    " \"deadLetterStrategy\": { \"shared\": { \"deadLetterQueue\": \"D\" } },"
    " \"redeliveryPolicy\": { \"maximumRedeliveries\": 1 } } }",
    /* topic */
    "{ \"default\": { \"dispatchPolicy\": \"strictOrder\","
    " \"subscriptionRecoveryPolicy\": { \"queryBased\": "
    "{ \"query\": \"a = 1\" } }, \"alwaysRetroactive\": true,"
    " \"topicPrefetch\": 5, \"pendingMessageLimitStrategy\": "
    "{ \"constant\": { \"limit\": 4 } } } }",
};

/* Every row that stays has the old value and every other the new one, whatever
 * policy_carry.c copies. */
START_TEST(what_is_carried_over_is_what_the_table_says)
{
    enum destination_kind kind = (enum destination_kind)_i;
    struct policy_map *old_map = map_of("{}");
    struct policy_map *new_map = map_of(everything[_i]);
    struct policy *made = policy_ref(policy_map_find(old_map, kind, SPAN("x")));
    struct policy *fresh =
        policy_ref(policy_map_find(new_map, kind, SPAN("x")));
    struct policy *carried = policy_carry_over(made, fresh);
    json_t *to_fresh = policy_describe_changes(carried, fresh, kind);
    json_t *to_made = policy_describe_changes(carried, made, kind);
    size_t index;
    json_t *change;

    policy_map_free(&old_map);
    policy_map_free(&new_map);
    ck_assert_uint_gt(json_array_size(to_fresh), 0);
    ck_assert_uint_gt(json_array_size(to_made), 0);
    json_array_foreach(to_fresh, index, change)
    {
        assert_member(change, "live", "false");
    }
    json_array_foreach(to_made, index, change)
    {
        assert_member(change, "live", "true");
    }
    json_decref(to_fresh);
    json_decref(to_made);
    policy_unref(&made);
    policy_unref(&fresh);
    policy_unref(&carried);
}
END_TEST

START_TEST(nothing_to_keep_is_the_fresh_policy_itself)
{
    struct policy_map *a = map_of("{}");
    struct policy_map *b = map_of("{ \"default\": { \"queuePrefetch\": 3 } }");
    struct policy *fresh = policy_map_find(b, DESTINATION_QUEUE, SPAN("x"));
    struct policy *carried = policy_carry_over(
        policy_map_find(a, DESTINATION_QUEUE, SPAN("x")), fresh);

    ck_assert_ptr_eq(carried, fresh);
    policy_unref(&carried);
    policy_map_free(&a);
    policy_map_free(&b);
}
END_TEST

START_TEST(a_second_reload_keeps_the_first_made_and_nothing_between)
{
    struct policy_map *a = map_of(everything[1]);
    struct policy_map *b = map_of("{}");
    struct policy_map *c = map_of("{ \"default\": { \"topicPrefetch\": 9 } }");
    struct policy *made = policy_map_find(a, DESTINATION_TOPIC, SPAN("x"));
    struct policy *between = policy_map_find(b, DESTINATION_TOPIC, SPAN("x"));
    struct policy *once = policy_carry_over(made, between);
    struct policy *twice = policy_carry_over(
        once, policy_map_find(c, DESTINATION_TOPIC, SPAN("x")));

    policy_unref(&once);
    ck_assert_uint_eq(between->refs, 1);
    policy_map_free(&a);
    policy_map_free(&b);
    policy_map_free(&c);
    ck_assert_str_eq(twice->recovery_parameters.query, "a = 1");
    ck_assert_uint_eq(twice->topic_prefetch, 9);
    policy_unref(&twice);
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy_describe");
    TCase *tcase = tcase_create("policy_describe");

    tcase_add_test(tcase, the_entry_that_matches_is_named_with_its_place);
    tcase_add_test(tcase, a_value_says_whether_the_entry_gives_it);
    tcase_add_test(tcase, a_part_says_what_it_comes_to_where_that_is_known);
    tcase_add_test(tcase, the_default_entry_applies_where_no_pattern_matches);
    tcase_add_test(tcase, without_entries_all_is_built_in);
    tcase_add_test(tcase,
                   strategies_durations_and_unset_values_read_as_in_a_file);
    tcase_add_test(tcase, keys_of_other_kinds_are_left_out);
    tcase_add_loop_test(tcase, every_value_is_one_that_the_file_takes, 0,
                        DESTINATION_KIND_COUNT);
    tcase_add_test(tcase, changes_are_the_values_that_differ);
    tcase_add_test(tcase, another_entry_with_the_same_values_is_no_change);
    tcase_add_loop_test(tcase, what_is_carried_over_is_what_the_table_says, 0,
                        2);
    tcase_add_test(tcase, nothing_to_keep_is_the_fresh_policy_itself);
    tcase_add_test(tcase,
                   a_second_reload_keeps_the_first_made_and_nothing_between);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
