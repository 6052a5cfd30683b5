/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A durable subscription is written down as header lines under the name
 * `durable/CLIENT NUL NAME`:
 *
 *     topic:A            or wildcard:A.>, one line a destination
 *     selector:a > 1     no-local:true    when it has them
 *     created:1700000000000
 *     left:1700000000000
 */
#include "server/core/durable.h"

#include "base/alloc.h"
#include "policy/pattern.h"
#include "protocol/headers.h"
#include "server/core/core_private.h"
#include "server/core/select.h"
#include "server/core/topic_log.h"

#include <assert.h>
#include <stdlib.h>

/* --- the list ------------------------------------------------------------- */

struct durable *
durable_find(const struct core *core, struct span key)
{
    struct durable *durable;

    HASH_FIND(hh, core->durables, key.data, key.len, durable);
    return durable;
}

static struct durable *
durable_find_by_name(const struct core *core, struct span client_id,
                     struct span name)
{
    struct buf key = BUF_INIT;
    struct durable *durable;

    buf_append_span(&key, client_id);
    buf_append_char(&key, '\0');
    buf_append_span(&key, name);
    durable = durable_find(core, buf_span(&key));
    buf_fini(&key);
    return durable;
}

static struct durable *
durable_new(struct core *core, struct span client_id, struct span name)
{
    size_t key_len = client_id.len + 1 + name.len;
    struct durable *durable = xcalloc(1, sizeof(*durable) + key_len);

    durable->core = core;
    durable->client_id_len = client_id.len;
    durable->key_len = key_len;
    memcpy(durable->key, client_id.data, client_id.len);
    memcpy(durable->key + client_id.len + 1, name.data, name.len);
    HASH_ADD_KEYPTR(hh, core->durables, durable->key, key_len, durable);
    return durable;
}

static void
durable_target_add(struct durable *durable, bool wildcard, struct span name)
{
    struct durable_target *target = xcalloc(1, sizeof(*target) + name.len);
    struct durable_target **end = &durable->targets;

    target->durable = durable;
    target->wildcard = wildcard;
    target->name_len = name.len;
    memcpy(target->name, name.data, name.len);
    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = target;
}

static struct span
durable_target_name(const struct durable_target *target)
{
    return span_of(target->name, target->name_len);
}

/* Takes it off the list and gives its memory back; its cursors are gone. */
static void
durable_free(struct durable *durable)
{
    struct core *core = durable->core;

    assert(durable->cursors == NULL && durable->active == NULL);
    HASH_DEL(core->durables, durable);
    while (durable->targets != NULL) {
        struct durable_target *target = durable->targets;

        durable->targets = target->next;
        if (target->wildcard) {
            (void)trie_remove(core->durable_patterns,
                              durable_target_name(target), target);
        }
        free(target);
    }
    selector_free(&durable->selector);
    free(durable->selector_text);
    free(durable);
}

void
durables_free(struct core *core)
{
    while (core->durables != NULL) {
        durable_free(core->durables);
    }
    trie_free(&core->durable_patterns);
}

/* --- written down --------------------------------------------------------- */

static void
durable_describe(const struct durable *durable, struct buf *out)
{
    for (const struct durable_target *target = durable->targets; target != NULL;
         target = target->next) {
        header_append(out, target->wildcard ? SPAN("wildcard") : SPAN("topic"),
                      durable_target_name(target), STOMP_1_2);
    }
    if (durable->selector_text != NULL) {
        header_append(out, SPAN("selector"),
                      span_of(durable->selector_text, durable->selector_len),
                      STOMP_1_2);
    }
    if (durable->no_local) {
        header_append(out, SPAN("no-local"), SPAN("true"), STOMP_1_2);
    }
    header_append_u64(out, SPAN("created"), (uint64_t)durable->created_ms);
    if (durable->left_ms != 0) {
        header_append_u64(out, SPAN("left"), (uint64_t)durable->left_ms);
    }
}

static void
durable_define(const struct durable *durable, bool ends)
{
    struct buf name = BUF_INIT;
    struct buf value = BUF_INIT;

    buf_append_span(&name, SPAN("durable/"));
    buf_append_span(&name, durable_key(durable));
    durable_describe(durable, &value);
    store_define(durable->core->store, buf_span(&name),
                 ends ? SPAN_NONE : buf_span(&value));
    buf_fini(&name);
    buf_fini(&value);
}

static void
durable_set_selector(struct durable *durable, struct span text)
{
    if (text.len > 0) {
        durable->selector_text = xstrndup(text.data, text.len);
        durable->selector_len = text.len;
        (void)selector_parse(text, &durable->selector, NULL);
    }
}

static void
durable_read_line(struct durable *durable, struct span name, struct span value)
{
    uint64_t number = 0;

    if (span_equal(name, SPAN("topic")) || span_equal(name, SPAN("wildcard"))) {
        durable_target_add(durable, name.data[0] == 'w', value);
    } else if (span_equal(name, SPAN("selector"))) {
        durable_set_selector(durable, value);
    } else if (span_equal(name, SPAN("no-local"))) {
        durable->no_local = true;
    } else if (span_equal(name, SPAN("created"))) {
        (void)span_to_u64(value, &number);
        durable->created_ms = (int64_t)number;
    } else if (span_equal(name, SPAN("left"))) {
        (void)span_to_u64(value, &number);
        durable->left_ms = (int64_t)number;
    }
}

static void
durable_on_found(void *ctx, struct span name, struct span value)
{
    struct span key = span_after(name, strlen("durable/"));
    struct span rest = key;
    struct span client_id = span_split(&rest, '\0');
    struct durable *durable = durable_new(ctx, client_id, rest);

    while (value.len > 0) {
        struct span text = span_split(&value, '\n');
        struct span line_name = span_split(&text, ':');
        struct buf plain = BUF_INIT;
        char *to = buf_reserve(&plain, text.len + 1);
        size_t bad;
        ptrdiff_t len = header_unescape(text, STOMP_1_2, to, &bad);

        if (len >= 0) {
            durable_read_line(durable, line_name, span_of(to, (size_t)len));
        }
        buf_fini(&plain);
    }
    if (durable->left_ms == 0) {
        durable->left_ms = durable->core->now_ms;
    }
}

static void
durable_on_cursor_found(void *ctx, struct span name, struct span value)
{
    topic_cursor_restore(ctx, span_after(name, strlen("cursor/")), value);
}

/* --- which topics --------------------------------------------------------- */

/* Begins in a topic where it is not yet.  retroactive: with its past. */
static void
durable_cover_topic(struct durable *durable, struct topic *topic,
                    bool retroactive)
{
    struct span name = destination_name_get(&topic->base);
    struct topic_cursor *cursor;

    if (destination_find_durable(durable->core, name, durable_key(durable)) !=
        NULL) {
        return;
    }
    cursor = topic_cursor_open(durable, topic, NULL);
    if (retroactive) {
        topic_recover_cursor(topic, cursor);
    }
}

static void
durable_cover_pattern(struct durable *durable, struct durable_target *target,
                      bool retroactive)
{
    struct span pattern = durable_target_name(target);
    struct destination *dest;
    struct destination *next;

    (void)trie_add(durable->core->durable_patterns, pattern, target);
    HASH_ITER(hh, durable->core->destinations, dest, next) {
        if (dest->kind == DESTINATION_TOPIC && dest->cursor == NULL &&
            pattern_matches(pattern, destination_name_get(dest)) &&
            advisory_pattern_fits(pattern, dest)) {
            durable_cover_topic(durable, topic_of(dest), retroactive);
        }
    }
}

static void
durable_cover(struct durable *durable, bool retroactive)
{
    for (struct durable_target *target = durable->targets; target != NULL;
         target = target->next) {
        struct span name = durable_target_name(target);

        if (target->wildcard) {
            durable_cover_pattern(durable, target, retroactive);
        } else {
            durable_cover_topic(
                durable,
                topic_of(destination_get(durable->core, DESTINATION_TOPIC, name,
                                         NULL)),
                retroactive);
        }
    }
}

static bool
durable_on_pattern(void *ctx, void *value)
{
    struct topic *topic = ctx;
    const struct durable_target *target = value;

    if (advisory_pattern_fits(durable_target_name(target), &topic->base)) {
        durable_cover_topic(target->durable, topic, false);
    }
    return true;
}

void
durable_on_topic_made(struct topic *topic)
{
    const struct core *core = topic->base.core;

    if (core->durables != NULL) {
        trie_match(core->durable_patterns, destination_name_get(&topic->base),
                   durable_on_pattern, topic);
    }
}

void
durables_restore(struct core *core)
{
    struct durable *durable;
    struct durable *next;

    store_definitions(core->store, SPAN("durable/"), durable_on_found, core);
    store_definitions(core->store, SPAN("cursor/"), durable_on_cursor_found,
                      core);
    HASH_ITER(hh, core->durables, durable, next) {
        durable_cover(durable, false);
    }
}

/* --- using one ------------------------------------------------------------ */

void
durable_activate(struct durable *durable, struct subscription *sub)
{
    struct topic_cursor *cursor;

    assert(durable->active == NULL);
    durable->active = sub;
    durable->left_ms = 0;
    sub->durable = durable;
    DL_FOREACH2(durable->cursors, cursor, durable_next)
    {
        destination_attach(&cursor->queue->base, sub);
    }
}

void
durable_deactivate(struct durable *durable)
{
    durable->active->durable = NULL;
    durable->active = NULL;
    durable->left_ms = durable->core->now_ms;
    if (!durable->core->closing) {
        durable_define(durable, false);
    }
}

static bool
durable_is_as_claimed(const struct durable *durable,
                      const struct durable_claim *claim)
{
    const struct durable_target *target = durable->targets;
    struct span selector =
        span_of(durable->selector_text, durable->selector_len);

    for (size_t i = 0; i < claim->target_count; i++) {
        if (target == NULL || target->wildcard != claim->targets[i].wildcard ||
            !span_equal(durable_target_name(target), claim->targets[i].name)) {
            return false;
        }
        target = target->next;
    }
    return target == NULL && durable->no_local == claim->no_local &&
           span_equal(selector, claim->selector);
}

static void
durable_remove(struct durable *durable)
{
    while (durable->cursors != NULL) {
        struct topic_cursor *cursor = durable->cursors;

        topic_cursor_remove(&cursor);
    }
    durable_define(durable, true);
    durable_free(durable);
}

static struct durable *
durable_make(struct core *core, const struct durable_claim *claim)
{
    struct durable *durable = durable_new(core, claim->client_id, claim->name);

    for (size_t i = 0; i < claim->target_count; i++) {
        durable_target_add(durable, claim->targets[i].wildcard,
                           claim->targets[i].name);
    }
    durable_set_selector(durable, claim->selector);
    durable->no_local = claim->no_local;
    durable->created_ms = core->now_ms;
    durable_define(durable, false);
    durable_cover(durable, claim->retroactive);
    return durable;
}

/* The one who uses it loses it, or the claim is refused. */
static enum durable_claimed
durable_take_over(struct durable *durable, struct client *client,
                  enum durable_take_over policy, struct error *err)
{
    struct subscription *old = durable->active;
    struct error reason = ERROR_INIT;
    char name[128];

    (void)span_escape(durable_name(durable), name, sizeof(name));
    if (old->client == client) {
        (void)error_set(err,
                        "this connection has a subscription to durable "
                        "subscription \"%s\" already: UNSUBSCRIBE that first",
                        name);
        return DURABLE_IN_USE;
    }
    if (policy != DURABLE_NEW_WINS) {
        (void)error_set(err,
                        "durable subscription \"%s\" is used by connection %s "
                        "from %s: disconnect that first",
                        name, old->client->name, old->client->peer);
        return DURABLE_IN_USE;
    }
    (void)error_set(&reason,
                    "durable subscription \"%s\" has been taken over by "
                    "connection %s from %s, which has the same client-id",
                    name, client->name, client->peer);
    old->client->ops->ended(old->client->ctx, old, "taken over", reason.text,
                            true);
    assert(durable->active == NULL);
    return DURABLE_CLAIMED;
}

static enum durable_claimed __attribute__((cold))
durable_refuse_change(const struct durable *durable,
                      const struct durable_claim *claim, struct error *err)
{
    const char *what = "destination";
    char name[128];

    (void)span_escape(durable_name(durable), name, sizeof(name));
    if (!span_equal(span_of(durable->selector_text, durable->selector_len),
                    claim->selector)) {
        what = "selector";
    } else if (durable->no_local != claim->no_local) {
        what = "no-local";
    }
    (void)error_set(err,
                    "durable subscription \"%s\" exists with another %s: "
                    "remove it first (UNSUBSCRIBE with its name, or stompctl "
                    "durable remove), or set durable.onChange to replace",
                    name, what);
    return DURABLE_CHANGED;
}

/* One that is there already. */
static enum durable_claimed
durable_reclaim(struct durable **durable, struct client *client,
                const struct durable_claim *claim, struct error *err)
{
    bool same = durable_is_as_claimed(*durable, claim);

    if (!same && !claim->replace) {
        return durable_refuse_change(*durable, claim, err);
    }
    if ((*durable)->active != NULL) {
        enum durable_claimed claimed =
            durable_take_over(*durable, client, claim->take_over, err);

        if (claimed != DURABLE_CLAIMED) {
            return claimed;
        }
    }
    if (!same) {
        durable_remove(*durable);
        *durable = NULL;
    }
    return DURABLE_CLAIMED;
}

enum durable_claimed
core_durable_claim(struct core *core, struct client *client,
                   const struct durable_claim *claim,
                   struct durable **durable_out, struct error *err)
{
    const struct error *failure = store_failure(core->store);
    struct durable *durable =
        durable_find_by_name(core, claim->client_id, claim->name);
    struct selector *selector = NULL;

    *durable_out = NULL;
    if (claim->selector.len > 0 &&
        selector_parse(claim->selector, &selector, err) != 0) {
        return DURABLE_BAD_SELECTOR;
    }
    selector_free(&selector);
    if (durable != NULL) {
        enum durable_claimed claimed =
            durable_reclaim(&durable, client, claim, err);

        if (claimed != DURABLE_CLAIMED) {
            return claimed;
        }
    }
    if (durable == NULL) {
        if (failure != NULL) {
            (void)error_set(err, "%s", failure->text);
            return DURABLE_STORE_FAILED;
        }
        durable = durable_make(core, claim);
    }
    *durable_out = durable;
    return DURABLE_CLAIMED;
}

enum durable_removed
core_durable_remove(struct core *core, struct span client_id, struct span name)
{
    struct durable *durable = durable_find_by_name(core, client_id, name);

    if (durable == NULL) {
        return DURABLE_UNKNOWN;
    }
    if (durable->active != NULL) {
        return DURABLE_IS_IN_USE;
    }
    durable_remove(durable);
    return DURABLE_REMOVED;
}

bool
core_subscription_is_of(const struct subscription *sub, struct span client_id,
                        struct span name)
{
    const struct durable *durable = sub->durable;

    return durable != NULL &&
           span_equal(durable_client_id(durable), client_id) &&
           span_equal(durable_name(durable), name);
}

void
durables_sweep(struct core *core)
{
    int64_t timeout_us = core->options.durable_timeout_us;
    struct durable *durable;
    struct durable *next;

    if (timeout_us < 0 || store_failure(core->store) != NULL) {
        return;
    }
    HASH_ITER(hh, core->durables, durable, next) {
        if (durable->active == NULL &&
            core->now_ms - durable->left_ms >= timeout_us / 1000) {
            durable_remove(durable);
        }
    }
}

/* --- from outside --------------------------------------------------------- */

const struct client *
core_durable_user(const struct core *core, struct span client_id)
{
    struct durable *durable;
    struct durable *next;

    HASH_ITER(hh, core->durables, durable, next) {
        if (durable->active != NULL &&
            span_equal(durable_client_id(durable), client_id)) {
            return durable->active->client;
        }
    }
    return NULL;
}

static void
durable_append_destinations(const struct durable *durable, struct buf *out)
{
    for (const struct durable_target *target = durable->targets; target != NULL;
         target = target->next) {
        buf_append_span(out, out->len > 0 ? SPAN(",/topic/") : SPAN("/topic/"));
        buf_append_span(out, durable_target_name(target));
    }
}

void
core_each_durable(const struct core *core, core_durable_fn *fn, void *ctx)
{
    struct buf destinations = BUF_INIT;
    struct durable *durable;
    struct durable *next;

    HASH_ITER(hh, core->durables, durable, next) {
        struct core_durable_view view = {
            .client_id = durable_client_id(durable),
            .name = durable_name(durable),
            .selector = span_of(durable->selector_text, durable->selector_len),
            .client = durable->active != NULL ? durable->active->client : NULL,
            .created_ms = durable->created_ms,
            .left_ms = durable->left_ms,
        };
        const struct topic_cursor *cursor;

        DL_FOREACH2(durable->cursors, cursor, durable_next)
        {
            view.waiting += queue_waiting_count(cursor->queue);
            view.in_flight += cursor->queue->in_flight_count;
        }
        buf_clear(&destinations);
        durable_append_destinations(durable, &destinations);
        view.destinations = buf_span(&destinations);
        fn(ctx, &view);
    }
    buf_fini(&destinations);
}
