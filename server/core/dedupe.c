/* SPDX-License-Identifier: Apache-2.0 */
#include "server/core/dedupe.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/hash.h"
#include "base/siphash.h"
#include "storage/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* A definition is written again with each id that joins it, so a block is
 * small; it is removed as one, so it is not too small. */
enum { DEDUPE_BLOCK = 32 };

/* What has been added again since is no longer found here. */
#define DEDUPE_GONE INT64_MIN

/* Names of definitions: the secret, and blocks by number. */
#define DEDUPE_SECRET SPAN("dedupe-secret")
#define DEDUPE_PREFIX SPAN("dedupe/")
enum {
    DEDUPE_NAME_BYTES = 7 + 8,
    DEDUPE_SECRET_BYTES = 16,
    DEDUPE_ENTRY_BYTES = 24, /* key, time; little-endian */
};

struct dedupe_entry {
    UT_hash_handle hh;
    struct dedupe_key key;
    int64_t time_ms; /* DEDUPE_GONE: not in the table */
    bool kept;       /* to be on disk */
};
_Static_assert(sizeof(struct dedupe_entry) <= 88, "what dedupe.h says");

struct dedupe_block {
    struct dedupe_block *prev, *next;
    uint64_t number;
    uint32_t count;
    bool keeps;   /* some entry is to be on disk */
    bool written; /* the store has a definition */
    int64_t newest_ms;
    struct dedupe_entry entries[DEDUPE_BLOCK];
};

struct dedupe {
    struct dedupe_options options;
    struct store *store;
    uint8_t secret[DEDUPE_SECRET_BYTES];
    bool secret_written;
    struct dedupe_entry *table;     /* uthash by key */
    struct dedupe_block *blocks;    /* DL list, oldest first */
    struct dedupe_block *unwritten; /* the first with something new */
    bool open;                      /* the last block takes more */
    size_t count;                   /* entries in blocks */
    uint64_t next_number;
};

/* --- on disk -------------------------------------------------------------- */

static void
dedupe_put_u64(struct buf *out, uint64_t value)
{
    for (unsigned i = 0; i < 8; i++) {
        buf_append_char(out, (char)(uint8_t)(value >> (8 * i)));
    }
}

static uint64_t
dedupe_get_u64(const char *at)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < 8; i++) {
        value |= (uint64_t)(uint8_t)at[i] << (8 * i);
    }
    return value;
}

/* Big-endian, so that definitions come in the order of time. */
static struct span
dedupe_block_name(uint64_t number, char name[DEDUPE_NAME_BYTES])
{
    char *at = mempcpy(name, DEDUPE_PREFIX.data, DEDUPE_PREFIX.len);

    for (unsigned i = 0; i < 8; i++) {
        *at++ = (char)(uint8_t)(number >> (56 - 8 * i));
    }
    return span_of(name, DEDUPE_NAME_BYTES);
}

static void
dedupe_block_write(struct dedupe *dedupe, struct dedupe_block *block,
                   struct buf *value)
{
    char name[DEDUPE_NAME_BYTES];

    buf_clear(value);
    for (uint32_t i = 0; i < block->count; i++) {
        const struct dedupe_entry *entry = &block->entries[i];

        if (entry->kept && entry->time_ms != DEDUPE_GONE) {
            dedupe_put_u64(value, entry->key.words[0]);
            dedupe_put_u64(value, entry->key.words[1]);
            dedupe_put_u64(value, (uint64_t)entry->time_ms);
        }
    }
    store_define(dedupe->store, dedupe_block_name(block->number, name),
                 buf_span(value));
    block->written = true;
}

void
dedupe_flush(struct dedupe *dedupe)
{
    struct buf value = BUF_INIT;

    if (dedupe->unwritten == NULL) {
        return;
    }
    if (!dedupe->secret_written) {
        dedupe->secret_written = true;
        store_define(
            dedupe->store, DEDUPE_SECRET,
            span_of((const char *)dedupe->secret, sizeof(dedupe->secret)));
    }
    for (struct dedupe_block *block = dedupe->unwritten; block != NULL;
         block = block->next) {
        if (block->keeps) {
            dedupe_block_write(dedupe, block, &value);
        }
    }
    dedupe->unwritten = NULL;
    buf_fini(&value);
}

/* --- in memory ------------------------------------------------------------ */

/* Forgets the oldest ones. */
static void
dedupe_drop_block(struct dedupe *dedupe)
{
    struct dedupe_block *block = dedupe->blocks;
    char name[DEDUPE_NAME_BYTES];

    assert(block != NULL);
    for (uint32_t i = 0; i < block->count; i++) {
        struct dedupe_entry *entry = &block->entries[i];

        if (entry->time_ms != DEDUPE_GONE) {
            assert(dedupe->table != NULL);
            HASH_DEL(dedupe->table, entry);
        }
    }
    if (block->written) {
        store_define(dedupe->store, dedupe_block_name(block->number, name),
                     SPAN_NONE);
    }
    if (dedupe->unwritten == block) {
        dedupe->unwritten = block->next;
    }
    dedupe->count -= block->count;
    DL_DELETE(dedupe->blocks, block);
    free(block);
    dedupe->open = dedupe->open && dedupe->blocks != NULL;
}

static struct dedupe_block *
dedupe_add_block(struct dedupe *dedupe, uint64_t number)
{
    struct dedupe_block *block = xcalloc(1, sizeof(*block));

    block->number = number;
    dedupe->next_number = number + 1;
    DL_APPEND(dedupe->blocks, block);
    return block;
}

static struct dedupe_entry *
dedupe_table_find(const struct dedupe *dedupe, const struct dedupe_key *key)
{
    struct dedupe_entry *entry;

    HASH_FIND(hh, dedupe->table, key, sizeof(*key), entry);
    return entry;
}

static void
dedupe_block_add(struct dedupe *dedupe, struct dedupe_block *block,
                 const struct dedupe_key *key, int64_t time_ms, bool kept)
{
    struct dedupe_entry *entry = &block->entries[block->count++];
    struct dedupe_entry *old = dedupe_table_find(dedupe, key);

    if (old != NULL) {
        HASH_DEL(dedupe->table, old);
        old->time_ms = DEDUPE_GONE;
    }
    entry->key = *key;
    entry->time_ms = time_ms;
    entry->kept = kept;
    block->keeps = block->keeps || kept;
    if (time_ms > block->newest_ms) {
        block->newest_ms = time_ms;
    }
    HASH_ADD(hh, dedupe->table, key, sizeof(*key), entry);
    if (entry->hh.tbl == NULL) {
        entry->time_ms = DEDUPE_GONE; /* memory is out */
    }
    dedupe->count++;
}

enum dedupe_found
dedupe_find(const struct dedupe *dedupe, const struct dedupe_key *key,
            int64_t now_ms)
{
    const struct dedupe_entry *entry = dedupe_table_find(dedupe, key);

    if (entry == NULL || now_ms - entry->time_ms >= dedupe->options.window_ms) {
        return DEDUPE_NEW;
    }
    return entry->kept ? DEDUPE_KEPT : DEDUPE_SEEN;
}

void
dedupe_add(struct dedupe *dedupe, const struct dedupe_key *key, int64_t now_ms,
           bool kept)
{
    struct dedupe_block *block;

    if (dedupe->options.count == 0) {
        return;
    }
    if (!dedupe->open || dedupe->blocks->prev->count == DEDUPE_BLOCK) {
        while (dedupe->blocks != NULL &&
               dedupe->count + DEDUPE_BLOCK > dedupe->options.count) {
            dedupe_drop_block(dedupe);
        }
        (void)dedupe_add_block(dedupe, dedupe->next_number);
        dedupe->open = true;
    }
    block = dedupe->blocks->prev;
    dedupe_block_add(dedupe, block, key, now_ms, kept);
    if (kept && dedupe->unwritten == NULL) {
        dedupe->unwritten = block;
    }
}

void
dedupe_sweep(struct dedupe *dedupe, int64_t now_ms)
{
    const struct dedupe_block *block;

    while ((block = dedupe->blocks) != NULL &&
           now_ms - block->newest_ms >= dedupe->options.window_ms) {
        dedupe_drop_block(dedupe);
    }
}

/* --- life ----------------------------------------------------------------- */

static void
dedupe_on_secret(void *ctx, struct span name, struct span value)
{
    struct dedupe *dedupe = ctx;

    if (name.len == DEDUPE_SECRET.len && value.len == DEDUPE_SECRET_BYTES) {
        memcpy(dedupe->secret, value.data, DEDUPE_SECRET_BYTES);
        dedupe->secret_written = true;
    }
}

static void
dedupe_on_block(void *ctx, struct span name, struct span value)
{
    struct dedupe *dedupe = ctx;
    struct dedupe_block *block;
    uint64_t number = 0;

    if (name.len != DEDUPE_NAME_BYTES ||
        value.len > DEDUPE_BLOCK * DEDUPE_ENTRY_BYTES) {
        return; /* of a later version */
    }
    for (size_t i = DEDUPE_PREFIX.len; i < name.len; i++) {
        number = number << 8 | (uint8_t)name.data[i];
    }
    block = dedupe_add_block(dedupe, number);
    block->written = true;
    for (; value.len >= DEDUPE_ENTRY_BYTES;
         value = span_after(value, DEDUPE_ENTRY_BYTES)) {
        struct dedupe_key key = { { dedupe_get_u64(value.data),
                                    dedupe_get_u64(value.data + 8) } };
        int64_t time_ms = (int64_t)dedupe_get_u64(value.data + 16);

        dedupe_block_add(dedupe, block, &key, time_ms > 0 ? time_ms : 0, true);
    }
}

struct dedupe *
dedupe_new(const struct dedupe_options *options, struct store *store)
{
    struct dedupe *dedupe = xcalloc(1, sizeof(*dedupe));

    dedupe->options = *options;
    dedupe->store = store;
    /* Without random bytes ids are told apart all the same. */
    (void)!getrandom(dedupe->secret, sizeof(dedupe->secret), 0);
    store_definitions(store, DEDUPE_SECRET, dedupe_on_secret, dedupe);
    store_definitions(store, DEDUPE_PREFIX, dedupe_on_block, dedupe);
    while (dedupe->count > options->count) {
        dedupe_drop_block(dedupe); /* less is wanted than before */
    }
    return dedupe;
}

void
dedupe_free(struct dedupe **dedupe)
{
    struct dedupe *gone = *dedupe;

    *dedupe = NULL;
    if (gone == NULL) {
        return;
    }
    HASH_CLEAR(hh, gone->table);
    while (gone->blocks != NULL) {
        struct dedupe_block *block = gone->blocks;

        DL_DELETE(gone->blocks, block);
        free(block);
    }
    free(gone);
}

size_t
dedupe_count(const struct dedupe *dedupe)
{
    return dedupe->count;
}

struct dedupe_key
dedupe_key_of(const struct dedupe *dedupe, enum destination_kind kind,
              struct span name, struct span id)
{
    char head[9] = { (char)kind };
    struct siphash hash;
    struct dedupe_key key = { { 0 } };

    /* The name's length keeps "ab" + "c" apart from "a" + "bc". */
    for (unsigned i = 0; i < 8; i++) {
        head[1 + i] = (char)(uint8_t)((uint64_t)name.len >> (8 * i));
    }
    siphash_init(&hash, dedupe->secret);
    siphash_add(&hash, span_of(head, sizeof(head)));
    siphash_add(&hash, name);
    siphash_add(&hash, id);
    siphash_end(&hash, key.words);
    return key;
}
