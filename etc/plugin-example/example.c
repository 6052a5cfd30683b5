/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An example of a plug-in for stompd, one strategy of each kind:
 *
 *   example:newestFirst  dispatch: the subscription that came last is first,
 *                        of a topic, or as long as it has credit of a queue
 *   example:lastTwo      recovery: the last two messages of the topic
 *   example:newest       eviction: the newest goes, so the oldest are kept
 *   example:byLevel      dead letters: a queue for each first level of a name
 *
 *   cc -shared -fPIC -o example.so example.c
 */
#include <stompd/plugin.h>

#include <stdlib.h>
#include <string.h>

static const struct stompd_host *host;

static bool
example_start(const struct stompd_host *from)
{
    host = from;
    return true;
}

/* Every insert at the head: prev of the head is the last. */
static void
newest_first_insert(struct stompd_member **list, struct stompd_member *member)
{
    struct stompd_member *head = *list;

    member->next = head;
    member->prev = head != NULL ? head->prev : member;
    if (head != NULL) {
        head->prev = member;
    }
    *list = member;
}

static struct stompd_member *
newest_first_pick(struct stompd_member **list)
{
    return *list;
}

static const struct stompd_dispatch newest_first = {
    .name = "newestFirst",
    .long_name = "newestFirst",
    .doc = "the subscription that came last gets each message first",
    .insert = newest_first_insert,
    .pick = newest_first_pick,
};

static const struct stompd_dispatch newest_of_topics = {
    .name = "newestOfTopics",
    .long_name = "newestOfTopics",
    .doc = "the same for topics alone: it cannot pick",
    .insert = newest_first_insert,
};

enum { LAST_TWO = 2 };

struct stompd_state {
    struct stompd_recovery_hooks hooks;
    struct stompd_item items[LAST_TWO]; /* oldest first */
    size_t count;
};

static struct stompd_state *
last_two_open(const struct stompd_recovery_hooks *hooks)
{
    struct stompd_state *state = calloc(1, sizeof(*state));

    if (state == NULL) {
        abort();
    }
    state->hooks = *hooks;
    return state;
}

static void
last_two_close(struct stompd_state **state)
{
    for (size_t i = 0; i < (*state)->count; i++) {
        (*state)->hooks.release((*state)->items[i].message);
    }
    free(*state);
    *state = NULL;
}

static void
last_two_record(struct stompd_state *state, const struct stompd_item *item)
{
    if (state->count == LAST_TWO) {
        state->hooks.release(state->items[0].message);
        memmove(&state->items[0], &state->items[1],
                (LAST_TWO - 1) * sizeof(state->items[0]));
        state->count--;
    }
    state->hooks.hold(item->message);
    state->items[state->count++] = *item;
}

static void
last_two_visit_all(struct stompd_state *state, int64_t now_us, int64_t now_ms,
                   void (*visit)(void *ctx, const struct stompd_item *item),
                   void *ctx)
{
    (void)now_us;
    for (size_t i = 0; i < state->count; i++) {
        const struct stompd_item *item = &state->items[i];

        if (item->expires_ms == 0 || now_ms <= item->expires_ms) {
            visit(ctx, item);
        }
    }
}

static const struct stompd_recovery last_two = {
    .name = "lastTwo",
    .long_name = "lastTwo",
    .doc = "the last two messages of the topic",
    .open = last_two_open,
    .close = last_two_close,
    .record = last_two_record,
    .visit_all = last_two_visit_all,
};

static struct stompd_node *
newest_pick(struct stompd_node *list, const struct stompd_opaque *parameters,
            stompd_property_fn *property)
{
    (void)parameters;
    (void)property;
    return list->prev;
}

static const struct stompd_eviction newest = {
    .name = "newest",
    .long_name = "newest",
    .doc = "the newest message goes, so that the oldest are kept",
    .pick = newest_pick,
};

static bool
by_level_name(const struct stompd_opaque *parameters,
              const struct stompd_source *source, struct stompd_name *name_out,
              enum stompd_kind *kind_out)
{
    const char *dot = memchr(source->name.data, '.', source->name.len);
    size_t len =
        dot != NULL ? (size_t)(dot - source->name.data) : source->name.len;

    (void)parameters;
    host->append(name_out, "DEAD.", strlen("DEAD."));
    host->append(name_out, source->name.data, len);
    *kind_out = STOMPD_QUEUE;
    return true;
}

static const struct stompd_dead_letter by_level = {
    .name = "byLevel",
    .long_name = "byLevel",
    .doc = "the queue DEAD. and the first level of where the message died",
    .dead_letter_name = by_level_name,
};

static const struct stompd_dispatch *const dispatch[] = { &newest_first,
                                                          &newest_of_topics,
                                                          NULL };
static const struct stompd_recovery *const recovery[] = { &last_two, NULL };
static const struct stompd_eviction *const eviction[] = { &newest, NULL };
static const struct stompd_dead_letter *const dead_letter[] = { &by_level,
                                                                NULL };

const struct stompd_plugin stompd_plugin = {
    .magic = STOMPD_PLUGIN_MAGIC,
    .abi = STOMPD_PLUGIN_ABI,
    .name = "example",
    .start = example_start,
    .dispatch = dispatch,
    .recovery = recovery,
    .eviction = eviction,
    .dead_letter = dead_letter,
};
