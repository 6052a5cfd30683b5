/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The times of scheduled messages: a binary heap, the first that is due on top;
 * of those that are due at once the one that was sent first.
 */
#pragma once
#include "server/core/quota.h"
#include "storage/store.h"

#include <stddef.h>
#include <stdint.h>

struct message;

/* A message that is resident as well. */
struct schedule_held {
    struct message *msg; /* one reference */
    struct store_slot slot;
};

struct schedule_entry {
    int64_t due_ms;
    uint64_t seq;
    struct schedule_held *held; /* NULL: to be read when it is due */
};

struct schedule_heap {
    struct schedule_entry *entries; /* [0] is the first due */
    size_t count;
    size_t capacity;
};

/* Adds a copy of *entry; quota is charged with what the heap takes. */
void schedule_heap_push(struct schedule_heap *heap,
                        const struct schedule_entry *entry,
                        struct quota *quota);

/* Takes the first off; there is one. */
void schedule_heap_pop(struct schedule_heap *heap);

/* Gives all memory back. */
void schedule_heap_fini(struct schedule_heap *heap, struct quota *quota);
