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
#include "server/core/durable_private.h"

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

struct durable *
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

struct durable *
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

void
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

struct span
durable_target_name(const struct durable_target *target)
{
    return span_of(target->name, target->name_len);
}

/* Takes it off the list and gives its memory back; its cursors are gone. */
void
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
    struct durable *durable;
    struct durable *next;

    HASH_ITER(hh, core->durables, durable, next) {
        durable_free(durable);
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

void
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

void
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

void
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
