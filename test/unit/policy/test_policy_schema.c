/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy_schema.h"

#include "base/alloc.h"
#include "policy/policy_load.h"
#include "policy/policy_schema_print.h"
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

/* The texts that have a default. */
static const size_t texts[] = {
    offsetof(struct policy, topic_dispatch_parameters.ptp_client_id),
    offsetof(struct policy, topic_dispatch_parameters.ptp_suffix),
    offsetof(struct policy, dead_letter_parameters.queue),
    offsetof(struct policy, dead_letter_parameters.queue_prefix),
    offsetof(struct policy, dead_letter_parameters.topic_prefix),
};

START_TEST(the_printed_defaults_are_what_applies_without_a_file)
{
    char *text = printed_by(policy_schema_print_defaults);
    struct policy *policy = policy_new();
    struct policy_map *map = NULL;
    struct faults faults;
    struct policy *loaded;

    ck_assert_int_eq(policy_load_text(span_of_text(text), "p", &map, &faults),
                     0);
    loaded = policy_map_find(map, DESTINATION_QUEUE, SPAN("Q"));
    ck_assert_uint_eq(loaded->line, 2);
    /* Texts are equal, then the rest must be byte by byte. */
    loaded->line = policy->line;
    memcpy(loaded->given, policy->given, sizeof(policy->given));
    free(loaded->pattern);
    loaded->pattern = policy->pattern;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char **mine = (char **)(void *)((char *)policy + texts[i]);
        char **theirs = (char **)(void *)((char *)loaded + texts[i]);

        ck_assert_str_eq(*mine, *theirs);
        free(*theirs);
        *theirs = *mine;
    }
    ck_assert_mem_eq(loaded, policy, sizeof(*policy));
    free(policy);
    policy_map_free(&map);
    free(text);
}
END_TEST

/* An entry that gives one parameter of a strategy its default. */
static char *
entry_with_default(const struct json_key *key, const char *strategy,
                   const struct json_key *row)
{
    unsigned kind = (key->scopes & POLICY_FOR_TOPIC) != 0 ? DESTINATION_TOPIC
                                                          : DESTINATION_QUEUE;

    return xasprintf("{\"policies\":[{\"%s\":\"A\",\"%s\":{\"%s\":"
                     "{\"%s\":%s%s}}}]}",
                     destination_kind_name((enum destination_kind)kind),
                     key->name, strategy, row->name, row->default_text,
                     strcmp(strategy, "queryBased") == 0 ? ",\"query\":\"x\""
                     : strcmp(strategy, "uniqueProperty") == 0
                         ? ",\"propertyName\":\"x\""
                         : "");
}

static size_t
row_size(const struct json_key *row)
{
    switch (row->type) {
    case JSON_KEY_BOOL:
        return sizeof(bool);
    case JSON_KEY_UINT32:
        return sizeof(uint32_t);
    case JSON_KEY_SHARE: /* of no policy */
    case JSON_KEY_STRING:
    case JSON_KEY_OBJECT:
    case JSON_KEY_CUSTOM:
        return 0;
    case JSON_KEY_SWITCH:
    case JSON_KEY_CHOICE:
        return sizeof(unsigned);
    case JSON_KEY_INTEGER:
    case JSON_KEY_COUNT:
    case JSON_KEY_REAL:
    case JSON_KEY_DURATION_MS:
    case JSON_KEY_DURATION_US:
    case JSON_KEY_SIZE:
    case JSON_KEY_STRATEGY:
        break;
    }
    return 8;
}

static void
check_default(const struct json_key *key, const char *strategy,
              const struct json_key *row, const struct policy *policy)
{
    char *text = entry_with_default(key, strategy, row);
    struct policy_map *map = NULL;
    struct faults faults;
    const struct policy *loaded;

    ck_assert_msg(policy_load_text(span_of_text(text), "p", &map, &faults) == 0,
                  "%s: %s", text, faults.errors[0].text);
    loaded = policy_map_find(map,
                             (key->scopes & POLICY_FOR_TOPIC) != 0
                                 ? DESTINATION_TOPIC
                                 : DESTINATION_QUEUE,
                             SPAN("A"));
    ck_assert_str_eq(loaded->pattern, "A");
    ck_assert_msg(memcmp((const char *)loaded + row->offset,
                         (const char *)policy + row->offset,
                         row_size(row)) == 0,
                  "the default of %s is not what the table says", row->name);
    policy_map_free(&map);
    free(text);
}

START_TEST(every_default_of_a_parameter_is_the_default_of_a_policy)
{
    struct policy *policy = policy_new();
    struct json_strategy strategy;
    unsigned checked = 0;

    for (size_t i = 0; i < policy_schema_keys.count; i++) {
        const struct json_key *key = &policy_schema_keys.rows[i];

        if (key->type != JSON_KEY_STRATEGY) {
            continue;
        }
        for (size_t j = 0; key->family->at(j, &strategy); j++) {
            for (size_t k = 0; key->family->parameters != NULL &&
                               k < key->family->parameters->count;
                 k++) {
                const struct json_key *row = &key->family->parameters->rows[k];

                if (row->default_text != NULL &&
                    (row->strategy == NULL ||
                     strcmp(row->strategy, strategy.name) == 0)) {
                    check_default(key, strategy.name, row, policy);
                    checked++;
                }
            }
        }
    }
    ck_assert_uint_gt(checked, 30);
    policy_unref(&policy);
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
            const json_t *properties =
                json_object_get(json_array_get(kinds, kind), "properties");

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
        for (const struct json_refusal *refusal = policy_schema_keys.refusals;
             refusal->name != NULL; refusal++) {
            ck_assert_str_ne(key->name, refusal->name);
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
    tcase_add_test(tcase, the_printed_defaults_are_what_applies_without_a_file);
    tcase_add_test(tcase,
                   every_default_of_a_parameter_is_the_default_of_a_policy);
    tcase_add_test(tcase, the_schema_has_every_key_of_a_kind_and_no_other);
    tcase_add_test(tcase, every_key_says_what_it_is_for);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
