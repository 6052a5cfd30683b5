/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a reload of the policy file changes, and how it ended.
 */
#include "server/admin/api_private.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "policy/policy_describe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Destinations whose changes are shown; all are counted. */
enum { API_CHANGES_SHOWN = 1000 };

/* From one policy to another; many destinations share both. */
struct api_step {
    UT_hash_handle hh;
    struct api_step_key {
        const struct policy *before;
        const struct policy *after;
        enum destination_kind kind;
    } key;
    json_t *changes;
};

struct api_changes {
    const struct policy_map *fresh;
    struct api_step *steps;
    json_t *destinations;
    size_t count;
};

static struct api_step *
api_changes_step(struct api_changes *changes, const struct policy *before,
                 const struct policy *after, enum destination_kind kind)
{
    struct api_step_key key;
    struct api_step *step;

    memset(&key, 0, sizeof(key)); /* its padding, too */
    key.before = before;
    key.after = after;
    key.kind = kind;
    HASH_FIND(hh, changes->steps, &key, sizeof(key), step);
    if (step == NULL) {
        step = xcalloc(1, sizeof(*step));
        step->key = key;
        step->changes = policy_describe_changes(before, after, kind);
        HASH_ADD(hh, changes->steps, key, sizeof(step->key), step);
        assert(step->hh.tbl != NULL);
    }
    return step;
}

static void
api_changes_on_destination(void *ctx, const struct core_destination_view *view)
{
    struct api_changes *changes = ctx;
    const struct api_step *step = api_changes_step(
        changes, view->policy,
        policy_map_find(changes->fresh, view->kind, view->name), view->kind);

    if (json_array_size(step->changes) == 0 ||
        changes->count++ >= API_CHANGES_SHOWN) {
        return;
    }
    (void)json_array_append_new(
        changes->destinations,
        json_pack("{s:o, s:O}", "destination",
                  api_destination(view->kind, view->name), "changes",
                  step->changes));
}

static void
api_changes_free_steps(struct api_changes *changes)
{
    struct api_step *step = changes->steps;

    HASH_CLEAR(hh, changes->steps); /* the table; the list is as it was */
    while (step != NULL) {
        struct api_step *gone = step;

        step = gone->hh.next;
        json_decref(gone->changes);
        free(gone);
    }
}

struct api_changes *
api_changes_take(const struct core *core, const struct policy_map *fresh)
{
    struct api_changes *changes = xcalloc(1, sizeof(*changes));

    changes->fresh = fresh;
    changes->destinations = json_array();
    core_each_destination(core, api_changes_on_destination, changes);
    api_changes_free_steps(changes);
    return changes;
}

void
api_changes_free(struct api_changes **changes)
{
    struct api_changes *gone = *changes;

    *changes = NULL;
    if (gone != NULL) {
        json_decref(gone->destinations);
        free(gone);
    }
}

size_t
api_changes_count(const struct api_changes *changes)
{
    return changes->count;
}

void
api_answer_changes(const struct api *api, struct net_exchange *exchange,
                   bool applied, const struct api_changes *changes)
{
    api_answer(exchange, "200 OK",
               json_pack("{s:b, s:s, s:I, s:O}", "applied", applied, "file",
                         api->policy_path, "changed",
                         (json_int_t)changes->count, "destinations",
                         changes->destinations));
}

void
api_answer_faults(const struct api *api, struct net_exchange *exchange,
                  const struct faults *faults)
{
    json_t *list = json_array();

    for (size_t i = 0; i < faults->count; i++) {
        const struct error *err = &faults->errors[i];

        (void)json_array_append_new(
            list, json_pack("{s:s, s:i, s:i, s:s}", "file", err->source, "line",
                            (int)err->line, "column", (int)err->column, "text",
                            err->text));
    }
    api_answer(exchange, "422 Unprocessable Content",
               json_pack("{s:b, s:s, s:I, s:o}", "applied", 0, "file",
                         api->policy_path, "total", (json_int_t)faults->total,
                         "faults", list));
}
