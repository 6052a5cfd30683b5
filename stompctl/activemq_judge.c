/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The judge: the loader of the policy file, asked about one key at a time.
 */
#include "policy/policy_load.h"
#include "stompctl/activemq_private.h"

#include <stdlib.h>
#include <string.h>

json_t *
activemq_frame_virtual(const json_t *object)
{
    return json_pack("{s:[O]}", "virtualDestinations",
                     (json_t *)(uintptr_t)object);
}

json_t *
activemq_frame_entry(const json_t *object)
{
    return json_pack("{s:[O]}", "policies", (json_t *)(uintptr_t)object);
}

json_t *
activemq_frame_default(const json_t *object)
{
    return json_pack("{s:O}", "default", (json_t *)(uintptr_t)object);
}

/* How many faults the file has that frame makes; the first one in *faults. */
static size_t
judge_faults(const json_t *object, activemq_frame_fn *frame,
             struct faults *faults)
{
    json_t *file = frame(object);
    char *text = json_dumps(file, 0);
    struct policy_map *map = NULL;

    faults_clear(faults);
    if (policy_load_text(span_of_text(text), "", &map, faults) == 0) {
        policy_map_free(&map);
    }
    free(text);
    json_decref(file);
    return faults->total;
}

/* The sentence of a fault without the path, which is that of the trial, and
 * without the list of what else there is, which is long. */
static const char *
judge_sentence(struct faults *faults)
{
    char *text = faults->errors[0].text;
    char *colon = strstr(text, ": ");
    char *list = strstr(text, "; known here: ");

    if (list != NULL) {
        *list = '\0';
    }
    return colon != NULL && (list == NULL || colon < list) ? colon + 2 : text;
}

/* Makes members those of all that have not been dropped, in their order. */
static void
judge_restore(json_t *members, const json_t *all, const json_t *dropped)
{
    const char *name;
    json_t *value;

    (void)json_object_clear(members);
    json_object_foreach((json_t *)(uintptr_t)all, name, value)
    {
        if (json_object_get(dropped, name) == NULL) {
            (void)json_object_set(members, name, value);
        }
    }
}

/* Takes out of the members those without which there are fewer faults. */
static void
judge_prune(struct activemq *self, const xmlNode *node, json_t *object,
            const char *key, json_t *members, activemq_frame_fn *frame)
{
    json_t *all = json_copy(members);
    json_t *dropped = json_object();
    struct faults faults;
    const char *name;
    json_t *value;

    json_object_foreach(all, name, value)
    {
        struct faults before;
        size_t with = judge_faults(object, frame, &before);

        (void)json_object_del(members, name);
        if (judge_faults(object, frame, &faults) < with) {
            (void)json_object_set(dropped, name, value);
            activemq_note(self, node, "%s of %s: %s", name, key,
                          judge_sentence(&before));
        }
        judge_restore(members, all, dropped);
    }
    json_decref(all);
    json_decref(dropped);
}

/* The parameters of a strategy, or the members of an object. */
static json_t *
judge_members(json_t *value)
{
    void *iter = json_object_iter(value);
    json_t *inner = iter != NULL ? json_object_iter_value(iter) : NULL;

    return json_object_size(value) == 1 && json_is_object(inner) ? inner
                                                                 : value;
}

void
activemq_set(struct activemq *self, const xmlNode *node, json_t *object,
             const char *key, json_t *value, activemq_frame_fn *frame)
{
    struct faults faults;

    (void)json_object_set_new(object, key, value);
    if (judge_faults(object, frame, &faults) == 0) {
        return;
    }
    if (json_is_object(value)) {
        judge_prune(self, node, object, key, judge_members(value), frame);
    }
    if (judge_faults(object, frame, &faults) > 0) {
        activemq_note(self, node, "%s: %s", key, judge_sentence(&faults));
        (void)json_object_del(object, key);
    }
}
