/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pattern tree.  All literal branches of a tree are in one table, keyed by
 * parent and level, so a level with 100,000 children costs what one with two
 * does.  A `*` branch hangs on its parent; a `>` is a second list of values on
 * the node it follows.  Nothing recurses: how deep a tree is, clients decide.
 */
#include "policy/trie.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "policy/pattern.h"

#include <assert.h>
#include <stdlib.h>

enum { TRIE_FIRST_BUCKETS = 16 };

/* Where values stand: at the node, or at the node's `>`. */
struct trie_slot {
    struct trie_value *values; /* DL_ list in the order of adding */
};

struct trie_value_key {
    const struct trie_slot *slot;
    const void *value;
};

struct trie_value {
    struct trie_value *prev, *next;
    struct trie_value_key key;
    void *value;
    UT_hash_handle hh; /* trie.values: is it there, without a walk */
};

struct trie_node {
    struct trie_node *parent; /* NULL for the root */
    struct trie_node *any;    /* the `*` branch */
    struct trie_node *chain;  /* next in its bucket */
    struct trie_slot here;
    struct trie_slot rest;
    size_t children; /* literal branches */
    uint64_t hash;
    size_t len;
    char level[];
};

struct trie {
    struct trie_node *root;
    struct trie_node **buckets; /* literal branches of every node */
    size_t bucket_count;        /* a power of two */
    size_t node_count;          /* in the buckets */
    struct trie_value *values;
    size_t count;
};

static uint64_t
trie_hash(const struct trie_node *parent, struct span level)
{
    uint64_t hash =
        hash_bytes(level.data, level.len) ^ ((uint64_t)(uintptr_t)parent >> 4);

    hash *= UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ (hash >> 32);
}

static struct trie_node *
trie_child(const struct trie *trie, const struct trie_node *parent,
           struct span level)
{
    uint64_t hash = trie_hash(parent, level);
    struct trie_node *node = trie->buckets[hash & (trie->bucket_count - 1)];

    while (node != NULL &&
           (node->hash != hash || node->parent != parent ||
            !span_equal(span_of(node->level, node->len), level))) {
        node = node->chain;
    }
    return node;
}

static struct trie_node *
trie_node_new(struct trie_node *parent, struct span level)
{
    struct trie_node *node = xcalloc(1, sizeof(*node) + level.len);

    node->parent = parent;
    node->len = level.len;
    if (level.len > 0) {
        memcpy(node->level, level.data, level.len);
    }
    return node;
}

static void
trie_link(struct trie *trie, struct trie_node *node)
{
    struct trie_node **bucket =
        &trie->buckets[node->hash & (trie->bucket_count - 1)];

    node->chain = *bucket;
    *bucket = node;
}

static void
trie_unlink(struct trie *trie, const struct trie_node *node)
{
    struct trie_node **link =
        &trie->buckets[node->hash & (trie->bucket_count - 1)];

    while (*link != node) {
        link = &(*link)->chain;
    }
    *link = node->chain;
    trie->node_count--;
}

static void
trie_grow(struct trie *trie)
{
    struct trie_node **old = trie->buckets;
    size_t old_count = trie->bucket_count;

    trie->bucket_count = old_count * 2;
    trie->buckets = xcalloc(trie->bucket_count, sizeof(struct trie_node *));
    for (size_t i = 0; i < old_count; i++) {
        struct trie_node *node = old[i];

        while (node != NULL) {
            struct trie_node *next = node->chain;

            trie_link(trie, node);
            node = next;
        }
    }
    free(old);
}

static struct trie_node *
trie_child_make(struct trie *trie, struct trie_node *parent, struct span level)
{
    struct trie_node *node = trie_child(trie, parent, level);

    if (node != NULL) {
        return node;
    }
    if (trie->node_count == trie->bucket_count) {
        trie_grow(trie);
    }
    node = trie_node_new(parent, level);
    node->hash = trie_hash(parent, level);
    trie_link(trie, node);
    trie->node_count++;
    parent->children++;
    return node;
}

/* The branch that a level of a pattern names; made when make is given. */
static struct trie_node *
trie_branch(const struct trie *trie, struct trie_node *node, struct span level,
            struct trie *make)
{
    if (!span_equal(level, SPAN("*"))) {
        return make != NULL ? trie_child_make(make, node, level)
                            : trie_child(trie, node, level);
    }
    if (node->any == NULL && make != NULL) {
        node->any = trie_node_new(node, level);
    }
    return node->any;
}

/* The slot of a pattern and its node, NULL when there is none; with make
 * (the same trie) it is made. */
static struct trie_slot *
trie_slot(const struct trie *trie, struct span pattern, struct trie *make,
          struct trie_node **node_out)
{
    struct span rest = pattern.data != NULL ? pattern_trim(pattern) : SPAN("");
    struct trie_node *node = trie->root;

    while (node != NULL && rest.data != NULL) {
        struct span level = span_split(&rest, '.');

        if (rest.data == NULL && span_equal(level, SPAN(">"))) {
            *node_out = node;
            return &node->rest;
        }
        node = trie_branch(trie, node, level, make);
    }
    *node_out = node;
    return node != NULL ? &node->here : NULL;
}

/* Frees node and its parents as far as nothing hangs on them. */
static void
trie_prune(struct trie *trie, struct trie_node *node)
{
    while (node->parent != NULL && node->here.values == NULL &&
           node->rest.values == NULL && node->children == 0 &&
           node->any == NULL) {
        struct trie_node *parent = node->parent;

        if (parent->any == node) {
            parent->any = NULL;
        } else {
            trie_unlink(trie, node);
            parent->children--;
        }
        free(node);
        node = parent;
    }
}

static struct trie_value *
trie_value_find(const struct trie *trie, const struct trie_slot *slot,
                const void *value)
{
    struct trie_value_key key = { .slot = slot, .value = value };
    struct trie_value *found;

    HASH_FIND(hh, trie->values, &key, sizeof(key), found);
    return found;
}

static void
trie_value_add(struct trie *trie, struct trie_slot *slot, void *value)
{
    struct trie_value *item = xcalloc(1, sizeof(*item));

    assert(slot != NULL);
    item->key = (struct trie_value_key){ .slot = slot, .value = value };
    item->value = value;
    HASH_ADD(hh, trie->values, key, sizeof(item->key), item);
    assert(item->hh.tbl != NULL);
    DL_APPEND(slot->values, item);
    trie->count++;
}

static void
trie_value_remove(struct trie *trie, struct trie_slot *slot,
                  struct trie_value *item)
{
    HASH_DEL(trie->values, item);
    DL_DELETE(slot->values, item);
    trie->count--;
    free(item);
}

/* False when the visitor wants no more. */
static bool
trie_visit(const struct trie_slot *slot, trie_visit_fn *visit, void *ctx)
{
    for (const struct trie_value *item = slot->values; item != NULL;
         item = item->next) {
        if (!visit(ctx, item->value)) {
            return false;
        }
    }
    return true;
}

/* Where in a walk: a node, how much of the name is behind it, what of the
 * node is still to do. */
struct trie_walk {
    const struct trie_node *node;
    size_t at; /* start of the next level; name.len + 1 when none is left */
    enum { TRIE_LITERAL, TRIE_ANY, TRIE_REST } step;
};

/* Goes to the next branch that fits the level at walk->at, false when the
 * node has no more. */
static bool
trie_walk_down(const struct trie *trie, struct trie_walk *walk,
               struct span name)
{
    struct span rest = span_after(name, walk->at);
    struct span level = span_split(&rest, '.');
    const struct trie_node *node = NULL;

    if (walk->step == TRIE_LITERAL && walk->node->children > 0) {
        node = trie_child(trie, walk->node, level);
    }
    if (node == NULL && walk->step != TRIE_REST) {
        node = walk->node->any;
    }
    if (node == NULL) {
        return false;
    }
    walk->node = node;
    walk->at += level.len + 1;
    walk->step = TRIE_LITERAL;
    return true;
}

/* Goes back to the parent, false at the root. */
static bool
trie_walk_up(struct trie_walk *walk, struct span name)
{
    const struct trie_node *node = walk->node;
    const char *dot;

    if (node->parent == NULL) {
        return false;
    }
    dot = memrchr(name.data, '.', walk->at - 1);
    walk->at = dot != NULL ? (size_t)(dot - name.data) + 1 : 0;
    walk->step = node->parent->any == node ? TRIE_REST : TRIE_ANY;
    walk->node = node->parent;
    return true;
}

struct trie *
trie_new(void)
{
    struct trie *trie = xcalloc(1, sizeof(*trie));

    trie->root = trie_node_new(NULL, SPAN_NONE);
    trie->bucket_count = TRIE_FIRST_BUCKETS;
    trie->buckets = xcalloc(trie->bucket_count, sizeof(struct trie_node *));
    return trie;
}

/* Frees node and the `*` branches below it; literal ones are in the table. */
static void
trie_node_free(struct trie_node *node)
{
    while (node != NULL) {
        struct trie_node *any = node->any;

        free(node);
        node = any;
    }
}

void
trie_free(struct trie **trie)
{
    struct trie *gone = *trie;
    struct trie_value *item;

    if (gone == NULL) {
        return;
    }
    /* The table goes at once; its items stay linked until they are freed. */
    item = gone->values;
    HASH_CLEAR(hh, gone->values);
    while (item != NULL) {
        struct trie_value *next = item->hh.next;

        free(item);
        item = next;
    }
    for (size_t i = 0; i < gone->bucket_count; i++) {
        struct trie_node *node = gone->buckets[i];

        while (node != NULL) {
            struct trie_node *after = node->chain;

            trie_node_free(node);
            node = after;
        }
    }
    trie_node_free(gone->root);
    free(gone->buckets);
    free(gone);
    *trie = NULL;
}

bool
trie_add(struct trie *trie, struct span pattern, void *value)
{
    struct trie_node *node;
    struct trie_slot *slot = trie_slot(trie, pattern, trie, &node);

    if (trie_value_find(trie, slot, value) != NULL) {
        return false;
    }
    trie_value_add(trie, slot, value);
    return true;
}

bool
trie_remove(struct trie *trie, struct span pattern, void *value)
{
    struct trie_node *node;
    struct trie_slot *slot = trie_slot(trie, pattern, NULL, &node);
    struct trie_value *item =
        slot != NULL ? trie_value_find(trie, slot, value) : NULL;

    if (item == NULL) {
        return false;
    }
    trie_value_remove(trie, slot, item);
    trie_prune(trie, node);
    return true;
}

void
trie_match(const struct trie *trie, struct span name, trie_visit_fn *visit,
           void *ctx)
{
    struct span whole = name.data != NULL ? name : SPAN("");
    struct trie_walk walk = { .node = trie->root, .step = TRIE_LITERAL };

    for (;;) {
        if (walk.at > whole.len) {
            if (!trie_visit(&walk.node->here, visit, ctx)) {
                return;
            }
        } else if (trie_walk_down(trie, &walk, whole)) {
            continue;
        }
        if (!trie_visit(&walk.node->rest, visit, ctx) ||
            !trie_walk_up(&walk, whole)) {
            return;
        }
    }
}

static bool
trie_take_first(void *ctx, void *value)
{
    void **first = ctx;

    *first = value;
    return false;
}

void *
trie_match_best(const struct trie *trie, struct span name)
{
    void *best = NULL;

    trie_match(trie, name, trie_take_first, &best);
    return best;
}

void *
trie_find(const struct trie *trie, struct span pattern)
{
    struct trie_node *node;
    const struct trie_slot *slot = trie_slot(trie, pattern, NULL, &node);

    return slot != NULL && slot->values != NULL ? slot->values->value : NULL;
}

size_t
trie_count(const struct trie *trie)
{
    return trie->count;
}
