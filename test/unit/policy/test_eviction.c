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
            struct eviction_node *gone =
                eviction_oldest_lowest_priority.pick(list, &no_parameters,
                                                     NULL);

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

int
main(void)
{
    Suite *suite = suite_create("eviction");
    TCase *tcase = tcase_create("eviction");

    tcase_add_loop_test(tcase, each_strategy_picks_its_message, 0,
                        (int)(sizeof(rows) / sizeof(rows[0])));
    tcase_add_test(tcase, lowest_priority_keeps_what_activemq_keeps);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
