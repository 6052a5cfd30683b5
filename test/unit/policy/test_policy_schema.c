/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_schema.h"

#include "base/alloc.h"
#include "policy/policy_load.h"
#include "test/testutil.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *
printed_by(void (*print)(FILE *out))
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);

    print(out);
    (void)fclose(out);
    return text;
}

static char *
file_text(const char *name)
{
    const char *top = getenv("top_srcdir");
    char *path = xasprintf("%s/%s", top != NULL ? top : "..", name);
    FILE *file = fopen(path, "re");
    char *text = xcalloc(1, 262144);

    ck_assert_msg(file != NULL, "%s is not there", path);
    ck_assert_uint_lt(fread(text, 1, 262143, file), 262143);
    (void)fclose(file);
    free(path);
    return text;
}

static const struct {
    const char *file;
    void (*print)(FILE *out);
} files[] = {
    { "docs/stompd-policy.5", policy_schema_print_manual },
    { "etc/policy.schema.json", policy_schema_print_json },
};

/* If it is not: `make update-policy-docs` makes it so. */
START_TEST(the_file_made_from_the_table_is_up_to_date)
{
    char *expected = printed_by(files[_i].print);
    char *text = file_text(files[_i].file);

    ck_assert_msg(strcmp(text, expected) == 0,
                  "%s is not what the table says: make update-policy-docs",
                  files[_i].file);
    free(text);
    free(expected);
}
END_TEST

START_TEST(the_printed_defaults_are_what_applies_without_a_file)
{
    char *text = printed_by(policy_schema_print_defaults);
    struct policy *policy = policy_new();
    struct policy_map *map = NULL;
    struct faults faults;
    struct policy *loaded;

    ck_assert_int_eq(
        policy_load_text(span_of_text(text), "p", &map, &faults), 0);
    loaded = policy_map_find(map, DESTINATION_QUEUE, SPAN("Q"));
    ck_assert_uint_eq(loaded->line, 2);
    /* Texts are equal, then the rest must be byte by byte. */
    ck_assert_str_eq(loaded->dead_letter_parameters.queue,
                     policy->dead_letter_parameters.queue);
    loaded->line = policy->line;
    free(loaded->pattern);
    loaded->pattern = policy->pattern;
    for (int i = 0; i < 3; i++) {
        char **mine[] = { &policy->dead_letter_parameters.queue,
                          &policy->dead_letter_parameters.queue_prefix,
                          &policy->dead_letter_parameters.topic_prefix };
        char **theirs[] = { &loaded->dead_letter_parameters.queue,
                            &loaded->dead_letter_parameters.queue_prefix,
                            &loaded->dead_letter_parameters.topic_prefix };

        ck_assert_str_eq(*mine[i], *theirs[i]);
        free(*theirs[i]);
        *theirs[i] = *mine[i];
    }
    ck_assert_mem_eq(loaded, policy, sizeof(*policy));
    free(policy);
    policy_map_free(&map);
    free(text);
}
END_TEST

START_TEST(every_default_of_a_parameter_is_the_default_of_a_policy)
{
    static const char text[] =
        "{\"policies\":["
        "{\"topic\":\"A\",\"subscriptionRecoveryPolicy\":\"timed\"},"
        "{\"topic\":\"B\",\"subscriptionRecoveryPolicy\":"
        "{\"timed\":{\"recoverDuration\":\"1m\"}}},"
        "{\"topic\":\"C\",\"subscriptionRecoveryPolicy\":"
        "{\"fixedCount\":{\"maximumSize\":100}}},"
        "{\"topic\":\"D\",\"pendingMessageLimitStrategy\":"
        "{\"prefetchRate\":{\"multiplier\":0.5}}},"
        "{\"topic\":\"E\",\"pendingMessageLimitStrategy\":"
        "{\"constant\":{\"limit\":-1}}}]}";
    struct policy *policy = policy_new();
    struct policy_map *map = NULL;
    struct faults faults;

    ck_assert_int_eq(
        policy_load_text(span_of_text(text), "p", &map, &faults), 0);
    for (char name = 'A'; name <= 'E'; name++) {
        const struct policy *loaded =
            policy_map_find(map, DESTINATION_TOPIC, span_of(&name, 1));

        ck_assert_str_ne(loaded->pattern, "");
        ck_assert_mem_eq(&loaded->recovery_parameters,
                         &policy->recovery_parameters,
                         sizeof(policy->recovery_parameters));
        ck_assert(loaded->pending_limit_parameters.multiplier ==
                  policy->pending_limit_parameters.multiplier);
        ck_assert_int_eq(loaded->pending_limit_parameters.limit,
                         policy->pending_limit_parameters.limit);
    }
    policy_unref(&policy);
    policy_map_free(&map);
}
END_TEST

START_TEST(the_schema_has_every_key_of_a_kind_and_no_other)
{
    char *text = printed_by(policy_schema_print_json);
    json_t *schema = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    json_t *kinds = NULL;

    ck_assert_ptr_nonnull(schema);
    ck_assert_int_eq(json_unpack(schema, "{s:{s:{s:{s:o}}}}", "properties",
                                 "policies", "items", "oneOf", &kinds),
                     0);
    ck_assert_uint_eq(json_array_size(kinds), DESTINATION_KIND_COUNT);
    for (size_t i = 0; i < policy_schema_keys.count; i++) {
        const struct json_key *key = &policy_schema_keys.rows[i];

        for (unsigned kind = 0; kind < DESTINATION_KIND_COUNT; kind++) {
            const json_t *properties = json_object_get(
                json_array_get(kinds, kind), "properties");

            ck_assert((json_object_get(properties, key->name) != NULL) ==
                      ((key->scopes >> kind & 1) != 0));
        }
    }
    json_decref(schema);
    free(text);
}
END_TEST

START_TEST(every_key_says_what_it_is_for)
{
    for (size_t i = 0; i < policy_schema_keys.count; i++) {
        const struct json_key *key = &policy_schema_keys.rows[i];

        ck_assert_ptr_nonnull(key->help);
        ck_assert_int_eq(key->help[strlen(key->help) - 1], '.');
        for (size_t j = 0; policy_schema_keys.later[j] != NULL; j++) {
            ck_assert_str_ne(key->name, policy_schema_keys.later[j]);
        }
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("policy_schema");
    TCase *tcase = tcase_create("policy_schema");

    tcase_add_loop_test(tcase, the_file_made_from_the_table_is_up_to_date, 0,
                        (int)(sizeof(files) / sizeof(files[0])));
    tcase_add_test(tcase,
                   the_printed_defaults_are_what_applies_without_a_file);
    tcase_add_test(tcase,
                   every_default_of_a_parameter_is_the_default_of_a_policy);
    tcase_add_test(tcase, the_schema_has_every_key_of_a_kind_and_no_other);
    tcase_add_test(tcase, every_key_says_what_it_is_for);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
