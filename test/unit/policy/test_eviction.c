/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/eviction.h"

#include "base/hash.h"
#include "test/testutil.h"

#include <string.h>

static const struct eviction_parameters no_parameters;

static struct eviction_node nodes[16];

static struct eviction_node *
list_of(const char *priorities)
{
    struct eviction_node *list = NULL;

    for (size_t i = 0; priorities[i] != '\0'; i++) {
        nodes[i].priority = (uint8_t)(priorities[i] - '0');
        DL_APPEND(list, &nodes[i]);
    }
    return list;
}

static const struct {
    const struct eviction_strategy *strategy;
    const char *priorities;
    size_t picked;
} rows[] = {
    { &eviction_oldest, "4", 0 },
    { &eviction_oldest, "9140", 0 },
    { &eviction_oldest_lowest_priority, "4", 0 },
    { &eviction_oldest_lowest_priority, "444", 0 },
    { &eviction_oldest_lowest_priority, "9151", 1 },
    { &eviction_oldest_lowest_priority, "950", 2 },
    { &eviction_oldest_lowest_priority, "9050", 1 },
};

START_TEST(each_strategy_picks_its_message)
{
    ck_assert_ptr_eq(rows[_i].strategy->pick(list_of(rows[_i].priorities),
                                             &no_parameters, NULL),
                     &nodes[rows[_i].picked]);
}
END_TEST

/* Source: activemq.md appendix B, eviction lowestPriority with limit 4. */
START_TEST(lowest_priority_keeps_what_activemq_keeps)
{
    static const char priorities[] = "91517280";
    struct eviction_node *list = NULL;
    char kept[16] = "";
    size_t waiting = 0;
    size_t count = 0;

    for (size_t i = 0; priorities[i] != '\0'; i++) {
        nodes[i].priority = (uint8_t)(priorities[i] - '0');
        DL_APPEND(list, &nodes[i]);
        waiting++;
        if (waiting > 4) {
            struct eviction_node *gone = eviction_oldest_lowest_priority.pick(
                list, &no_parameters, NULL);

            DL_DELETE(list, gone);
            waiting--;
        }
    }
    for (struct eviction_node *node = list; node != NULL; node = node->next) {
        kept[count++] = (char)('0' + node->priority);
    }
    ck_assert_str_eq(kept, "9578");
}
END_TEST

/* A message of the trace below: `A3` is key A at time 3, `-3` has no key. */
struct keyed {
    struct eviction_node node;
    char key[2];
};

static struct keyed keyed[2048];

static struct span
key_of(const struct eviction_node *node, struct span name)
{
    const struct keyed *message = (const struct keyed *)(const void *)node;

    ck_assert(span_equal(name, SPAN("symbol")));
    return message->key[0] == '-' ? SPAN_NONE : span_of(message->key, 1);
}

static struct eviction_node *
keyed_list(const char *text)
{
    struct eviction_node *list = NULL;

    for (size_t i = 0; text[i * 2] != '\0'; i++) {
        keyed[i].key[0] = text[i * 2];
        keyed[i].node.timestamp_ms = text[i * 2 + 1] - '0';
        DL_APPEND(list, &keyed[i].node);
    }
    return list;
}

static const struct {
    const char *messages;
    size_t picked;
} unique[] = {
    { "A1", 0 },       { "A1B2C3", 0 }, /* nothing to choose: the first */
    { "A1B2A3", 0 },                    /* the older A */
    { "A1B2C3B4", 1 },                  /* the older B, though A is older */
    { "A9B2A3", 2 },                    /* by the time that it was sent */
    { "A1A1B1", 0 },   /* of the same time the later is newer */
    { "A1-2B3", 1 },   /* without the property */
    { "-1-2-3", 0 },   /* nobody has it */
    { "A1B2-3A4", 0 }, /* the oldest of those that may go */
};

START_TEST(unique_property_keeps_the_newest_of_each_value)
{
    char symbol[] = "symbol";
    struct eviction_parameters parameters = { .property = symbol };

    ck_assert_ptr_eq(eviction_unique_property.pick(
                         keyed_list(unique[_i].messages), &parameters, key_of),
                     &keyed[unique[_i].picked].node);
}
END_TEST

/* Source: activemq.md appendix B, eviction uniqueProperty with limit 4: the
 * messages behind the first, which is in flight. */
START_TEST(unique_property_keeps_what_activemq_keeps)
{
    static const char keys[] = "BABCADBECA";
    char symbol[] = "symbol";
    struct eviction_parameters parameters = { .property = symbol };
    struct eviction_node *list = NULL;
    char kept[16] = "";
    size_t count = 0;

    for (size_t i = 0; keys[i] != '\0'; i++) {
        keyed[i].key[0] = keys[i];
        keyed[i].node.timestamp_ms = (int64_t)i + 1;
        DL_APPEND(list, &keyed[i].node);
        if (i >= 4) {
            struct eviction_node *gone =
                eviction_unique_property.pick(list, &parameters, key_of);

            DL_DELETE(list, gone);
        }
    }
    for (struct eviction_node *node = list; node != NULL; node = node->next) {
        kept[count++] = (char)('0' + node->timestamp_ms);
    }
    ck_assert_str_eq(kept, "789:"); /* B7 E8 C9 A10 */
}
END_TEST

START_TEST(unique_property_looks_at_the_oldest_thousand)
{
    char symbol[] = "symbol";
    struct eviction_parameters parameters = { .property = symbol };
    struct eviction_node *list = NULL;

    for (size_t i = 0; i < 2048; i++) {
        keyed[i].key[0] = i == 999 || i == 1500 ? 'B' : i == 0 ? 'C' : 'A';
        keyed[i].node.timestamp_ms = (int64_t)i;
        DL_APPEND(list, &keyed[i].node);
    }
    for (size_t i = 1; i < 998; i++) {
        struct eviction_node *gone =
            eviction_unique_property.pick(list, &parameters, key_of);

        ck_assert_ptr_eq(gone, &keyed[i].node);
        DL_DELETE(list, gone);
    }
}
END_TEST

int
main(void)
{
    Suite *suite = suite_create("eviction");
    TCase *tcase = tcase_create("eviction");

    tcase_add_loop_test(tcase, each_strategy_picks_its_message, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tcase, lowest_priority_keeps_what_activemq_keeps);
    tcase_add_loop_test(tcase, unique_property_keeps_the_newest_of_each_value,
                        0, (int)(sizeof(unique) / sizeof(unique[0])));
    tcase_add_test(tcase, unique_property_keeps_what_activemq_keeps);
    tcase_add_test(tcase, unique_property_looks_at_the_oldest_thousand);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
