/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/message_group.h"

#include "test/testutil.h"

#include <stdio.h>
#include <stdlib.h>

enum { MANY = 5000 };

static const struct message_group_parameters parameters = {
    .cache_size = 3,
    .bucket_count = 64,
};

static int consumers[8]; /* owners: their addresses are all that counts */

/* What holds for each map, whatever it remembers. */
static struct message_group_state *
open_map(const struct message_group_map *map)
{
    struct message_group_state *state = map->open(&parameters);

    ck_assert_ptr_nonnull(state);
    return state;
}

START_TEST(a_group_belongs_to_the_owner_it_was_given)
{
    const struct message_group_map *map = message_group_maps[_i];
    struct message_group_state *state = open_map(map);

    ck_assert_ptr_null(map->find(state, SPAN("X")));
    (void)map->assign(state, SPAN("X"), &consumers[0]);
    ck_assert_ptr_eq(map->find(state, SPAN("X")), &consumers[0]);
    ck_assert_uint_eq(map->count(state, &consumers[0]), 1);
    (void)map->assign(state, SPAN("X"), &consumers[0]);
    ck_assert_uint_eq(map->count(state, &consumers[0]), 1);
    map->close(&state);
    ck_assert_ptr_null(state);
    map->close(&state);
}
END_TEST

START_TEST(a_group_that_is_assigned_again_changes_its_owner)
{
    const struct message_group_map *map = message_group_maps[_i];
    struct message_group_state *state = open_map(map);

    (void)map->assign(state, SPAN("X"), &consumers[0]);
    (void)map->assign(state, SPAN("X"), &consumers[1]);
    ck_assert_ptr_eq(map->find(state, SPAN("X")), &consumers[1]);
    ck_assert_uint_eq(map->count(state, &consumers[0]), 0);
    ck_assert_uint_eq(map->count(state, &consumers[1]), 1);
    map->close(&state);
}
END_TEST

START_TEST(a_removed_group_is_nobodys)
{
    const struct message_group_map *map = message_group_maps[_i];
    struct message_group_state *state = open_map(map);

    (void)map->assign(state, SPAN("X"), &consumers[0]);
    map->remove(state, SPAN("X"));
    ck_assert_ptr_null(map->find(state, SPAN("X")));
    ck_assert_uint_eq(map->count(state, &consumers[0]), 0);
    map->remove(state, SPAN("X"));
    map->remove(state, SPAN_NONE);
    map->close(&state);
}
END_TEST

START_TEST(an_owner_that_goes_frees_its_groups_only)
{
    const struct message_group_map *map = message_group_maps[_i];
    struct message_group_state *state = open_map(map);
    size_t mine;

    (void)map->assign(state, SPAN("A"), &consumers[0]);
    (void)map->assign(state, SPAN("B"), &consumers[1]);
    (void)map->assign(state, SPAN("C"), &consumers[0]);
    mine = map->count(state, &consumers[0]);
    ck_assert_uint_ge(mine, 1);
    map->remove_owner(state, &consumers[0]);
    ck_assert_ptr_null(map->find(state, SPAN("C")));
    ck_assert_uint_eq(map->count(state, &consumers[0]), 0);
    ck_assert_ptr_ne(map->find(state, SPAN("B")), &consumers[0]);
    map->remove_owner(state, &consumers[0]);
    map->remove_owner(state, &consumers[7]);
    map->close(&state);
}
END_TEST

START_TEST(the_name_of_a_group_may_be_any_bytes)
{
    const struct message_group_map *map = message_group_maps[_i];
    struct message_group_state *state = open_map(map);

    (void)map->assign(state, span_of("a\0b", 3), &consumers[0]);
    ck_assert_ptr_eq(map->find(state, span_of("a\0b", 3)), &consumers[0]);
    (void)map->assign(state, SPAN(""), &consumers[1]);
    ck_assert_ptr_eq(map->find(state, SPAN("")), &consumers[1]);
    map->close(&state);
}
END_TEST

/* Random calls against an array that forgets nothing. */
START_TEST(the_counts_are_those_of_a_plain_table)
{
    enum { GROUPS = 40, STEPS = 20000 };
    const struct message_group_map *map = &message_group_simple;
    struct message_group_state *state = open_map(map);
    int *owners[GROUPS] = { NULL };
    unsigned seed = 7;

    for (unsigned step = 0; step < STEPS; step++) {
        unsigned draw = (unsigned)rand_r(&seed);
        size_t group = draw % GROUPS;
        int *owner = &consumers[draw / GROUPS % 8];
        char name[8];
        size_t counted = 0;

        (void)snprintf(name, sizeof(name), "g%zu", group);
        if (draw / 1000 % 20 == 0) {
            map->remove_owner(state, owner);
            for (size_t i = 0; i < GROUPS; i++) {
                owners[i] = owners[i] == owner ? NULL : owners[i];
            }
        } else if (draw / 1000 % 5 == 0) {
            map->remove(state, span_of_text(name));
            owners[group] = NULL;
        } else {
            (void)map->assign(state, span_of_text(name), owner);
            owners[group] = owner;
        }
        for (size_t i = 0; i < GROUPS; i++) {
            counted += owners[i] == owner;
        }
        ck_assert_uint_eq(map->count(state, owner), counted);
        ck_assert_ptr_eq(map->find(state, span_of_text(name)), owners[group]);
    }
    map->close(&state);
}
END_TEST

START_TEST(cached_forgets_the_group_that_was_not_used_for_longest)
{
    const struct message_group_map *map = &message_group_cached;
    struct message_group_state *state = open_map(map);

    (void)map->assign(state, SPAN("A"), &consumers[0]);
    (void)map->assign(state, SPAN("B"), &consumers[0]);
    (void)map->assign(state, SPAN("C"), &consumers[0]);
    ck_assert_ptr_eq(map->find(state, SPAN("A")), &consumers[0]);
    (void)map->assign(state, SPAN("D"), &consumers[1]);
    ck_assert_ptr_null(map->find(state, SPAN("B")));
    ck_assert_ptr_eq(map->find(state, SPAN("A")), &consumers[0]);
    ck_assert_ptr_eq(map->find(state, SPAN("C")), &consumers[0]);
    ck_assert_ptr_eq(map->find(state, SPAN("D")), &consumers[1]);
    ck_assert_uint_eq(map->count(state, &consumers[0]), 2);
    map->close(&state);
}
END_TEST

START_TEST(cached_does_not_keep_groups_of_an_owner_that_went)
{
    const struct message_group_map *map = &message_group_cached;
    struct message_group_state *state = open_map(map);

    (void)map->assign(state, SPAN("A"), &consumers[0]);
    (void)map->assign(state, SPAN("B"), &consumers[1]);
    (void)map->assign(state, SPAN("C"), &consumers[1]);
    map->remove_owner(state, &consumers[1]);
    (void)map->assign(state, SPAN("D"), &consumers[2]);
    (void)map->assign(state, SPAN("E"), &consumers[2]);
    ck_assert_ptr_eq(map->find(state, SPAN("A")), &consumers[0]);
    map->close(&state);
}
END_TEST

START_TEST(simple_forgets_nothing)
{
    const struct message_group_map *map = &message_group_simple;
    struct message_group_state *state = open_map(map);
    char name[16];

    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        (void)map->assign(state, span_of_text(name), &consumers[i % 8]);
    }
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        ck_assert_ptr_eq(map->find(state, span_of_text(name)),
                         &consumers[i % 8]);
    }
    ck_assert_uint_eq(map->count(state, &consumers[3]), MANY / 8);
    map->close(&state);
}
END_TEST

START_TEST(bucket_gives_every_group_of_a_place_to_one_owner)
{
    const struct message_group_map *map = &message_group_bucket;
    struct message_group_parameters one = { .bucket_count = 1 };
    struct message_group_state *state = map->open(&one);

    (void)map->assign(state, SPAN("A"), &consumers[0]);
    ck_assert_ptr_eq(map->find(state, SPAN("B")), &consumers[0]);
    (void)map->assign(state, SPAN("B"), &consumers[1]);
    ck_assert_ptr_eq(map->find(state, SPAN("A")), &consumers[1]);
    ck_assert_uint_eq(map->count(state, &consumers[1]), 1);
    map->remove(state, SPAN("C"));
    ck_assert_ptr_null(map->find(state, SPAN("A")));
    map->close(&state);
}
END_TEST

START_TEST(bucket_uses_all_of_its_places)
{
    const struct message_group_map *map = &message_group_bucket;
    struct message_group_state *state = open_map(map);
    char name[16];

    for (int i = 0; i < MANY; i++) {
        (void)snprintf(name, sizeof(name), "%d", i);
        (void)map->assign(state, span_of_text(name), &consumers[0]);
    }
    ck_assert_uint_eq(map->count(state, &consumers[0]),
                      parameters.bucket_count);
    map->close(&state);
}
END_TEST

int
main(void)
{
    enum { MAPS = 3 };
    Suite *suite = suite_create("message_group");
    TCase *tcase = tcase_create("message_group");

    tcase_add_loop_test(tcase, a_group_belongs_to_the_owner_it_was_given, 0,
                        MAPS);
    tcase_add_loop_test(tcase, a_group_that_is_assigned_again_changes_its_owner,
                        0, MAPS);
    tcase_add_loop_test(tcase, a_removed_group_is_nobodys, 0, MAPS);
    tcase_add_loop_test(tcase, an_owner_that_goes_frees_its_groups_only, 0,
                        MAPS);
    tcase_add_loop_test(tcase, the_name_of_a_group_may_be_any_bytes, 0, MAPS);
    tcase_add_test(tcase, the_counts_are_those_of_a_plain_table);
    tcase_add_test(tcase,
                   cached_forgets_the_group_that_was_not_used_for_longest);
    tcase_add_test(tcase, cached_does_not_keep_groups_of_an_owner_that_went);
    tcase_add_test(tcase, simple_forgets_nothing);
    tcase_add_test(tcase, bucket_gives_every_group_of_a_place_to_one_owner);
    tcase_add_test(tcase, bucket_uses_all_of_its_places);
    suite_add_tcase(suite, tcase);
    return testutil_run(suite);
}
