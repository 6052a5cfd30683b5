/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/schedule_heap.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

static bool
entry_is_before(const struct schedule_entry *a, const struct schedule_entry *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->seq < b->seq;
}

void
schedule_heap_push(struct schedule_heap *heap,
                   const struct schedule_entry *entry, struct quota *quota)
{
    size_t at = heap->count++;

    if (heap->count > heap->capacity) {
        size_t more = heap->capacity > 0 ? heap->capacity : 64;

        heap->capacity += more;
        heap->entries =
            xrealloc(heap->entries, heap->capacity * sizeof(*heap->entries));
        quota_charge(quota, more * sizeof(*heap->entries));
    }
    while (at > 0 && entry_is_before(entry, &heap->entries[(at - 1) / 2])) {
        heap->entries[at] = heap->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->entries[at] = *entry;
}

void
schedule_heap_pop(struct schedule_heap *heap)
{
    struct schedule_entry entry;
    size_t at = 0;
    size_t child;

    assert(heap->count > 0);
    entry = heap->entries[--heap->count];
    while ((child = 2 * at + 1) < heap->count) {
        if (child + 1 < heap->count &&
            entry_is_before(&heap->entries[child + 1], &heap->entries[child])) {
            child++;
        }
        if (!entry_is_before(&heap->entries[child], &entry)) {
            break;
        }
        heap->entries[at] = heap->entries[child];
        at = child;
    }
    heap->entries[at] = entry;
}

void
schedule_heap_fini(struct schedule_heap *heap, struct quota *quota)
{
    quota_release(quota, heap->capacity * sizeof(*heap->entries));
    free(heap->entries);
    *heap = (struct schedule_heap){ .count = 0 };
}
