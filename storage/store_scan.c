/* SPDX-License-Identifier: Apache-2.0 */
#include "storage/store_scan.h"

#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* How far the look for the end of a damaged part goes at once, at most. */
enum { SCAN_PROBE_MAX = 256 };

/* One entry of a damaged part. */
struct scan_entry {
    size_t at; /* in bytes: the key, then the value */
    size_t key_len;
    size_t value_len;
    const struct scan_part *part; /* for comparing */
};

/* A damaged part, read into memory. */
struct scan_part {
    struct buf bytes;
    struct scan_entry *entries;
    size_t len;
    size_t capacity;
};

struct scan {
    struct ldb_disk *disk;
    const struct store_scan_visitor *visitor;
    leveldb_iterator_t *iter;
    struct buf last; /* the key before the one iter stands on */
    struct error text;
};

static bool
scan_failed(const leveldb_iterator_t *iter, struct error *text_out)
{
    char *errptr = NULL;

    leveldb_iter_get_error(iter, &errptr);
    return ldb_text_take(errptr, text_out);
}

/* --------------------------------------------------------------- part -- */

static struct span
part_key(const struct scan_part *part, const struct scan_entry *entry)
{
    return span_of(part->bytes.data + entry->at, entry->key_len);
}

static struct span
part_value(const struct scan_part *part, const struct scan_entry *entry)
{
    return span_of(part->bytes.data + entry->at + entry->key_len,
                   entry->value_len);
}

static void
part_add(struct scan_part *part, struct span key, struct span value)
{
    if (part->len == part->capacity) {
        part->capacity = part->capacity > 0 ? part->capacity * 2 : 64;
        part->entries =
            xrealloc(part->entries, part->capacity * sizeof(*part->entries));
    }
    part->entries[part->len++] = (struct scan_entry){ .at = part->bytes.len,
                                                      .key_len = key.len,
                                                      .value_len = value.len,
                                                      .part = part };
    buf_append_span(&part->bytes, key);
    buf_append_span(&part->bytes, value);
}

/* By key; entries of one key stay as they came, the newest first. */
static int
part_order(const void *a_in, const void *b_in)
{
    const struct scan_entry *a = a_in;
    const struct scan_entry *b = b_in;
    int order = span_compare(part_key(a->part, a), part_key(b->part, b));

    return order != 0 ? order : (a->at > b->at) - (a->at < b->at);
}

/* What is good between last and before (empty: the end), by our own checksums,
 * and the rest to the visitor.  A damaged key says nothing, not that the part
 * is over. */
static int
part_read(struct scan *scan, struct span before, struct scan_part *part,
          size_t *bad_out, struct error *err)
{
    leveldb_iterator_t *iter =
        leveldb_create_iterator(scan->disk->db, scan->disk->read_raw);
    int status = 0;

    leveldb_iter_seek(iter, scan->last.data, scan->last.len);
    for (; status == 0 && leveldb_iter_valid(iter); leveldb_iter_next(iter)) {
        struct span key = ldb_iter_key(iter);
        struct span value = ldb_iter_value(iter);

        if (!store_value_is_intact(key, value)) {
            (*bad_out)++;
            status = scan->visitor->bad(scan->visitor->ctx, key, value, err);
        } else if (before.len > 0 && span_compare(key, before) >= 0) {
            break;
        } else if (span_compare(key, buf_span(&scan->last)) > 0) {
            part_add(part, key, value);
        }
    }
    leveldb_iter_destroy(iter);
    if (part->len > 0) {
        qsort(part->entries, part->len, sizeof(*part->entries), part_order);
    }
    return status;
}

static int
part_visit(struct scan *scan, const struct scan_part *part, struct error *err)
{
    int status = 0;

    for (size_t i = 0; status == 0 && i < part->len; i++) {
        struct span key = part_key(part, &part->entries[i]);

        if (i == 0 || !span_equal(key, part_key(part, &part->entries[i - 1]))) {
            status =
                scan->visitor->entry(scan->visitor->ctx, key,
                                     part_value(part, &part->entries[i]), err);
        }
    }
    return status;
}

/* The keys of its entries, to free. */
static struct span *
part_keys(const struct scan_part *part)
{
    struct span *keys = xmalloc((part->len + 1) * sizeof(*keys));

    for (size_t i = 0; i < part->len; i++) {
        keys[i] = part_key(part, &part->entries[i]);
    }
    return keys;
}

/* ------------------------------------------------------------- damage -- */

/* Replaces the iterator, which has met damage, by one that stands on the first
 * key after it, or on nothing. */
static void
scan_pass(struct scan *scan)
{
    unsigned step = 1;

    while (leveldb_iter_valid(scan->iter)) {
        struct span key = ldb_iter_key(scan->iter);
        leveldb_iterator_t *probe =
            leveldb_create_iterator(scan->disk->db, scan->disk->read_checked);

        leveldb_iter_seek(probe, key.data, key.len);
        if (leveldb_iter_valid(probe) && !scan_failed(probe, NULL)) {
            leveldb_iter_destroy(scan->iter);
            scan->iter = probe;
            return;
        }
        leveldb_iter_destroy(probe);
        for (unsigned i = 0; i < step && leveldb_iter_valid(scan->iter); i++) {
            leveldb_iter_next(scan->iter);
        }
        step = step < SCAN_PROBE_MAX ? step * 2 : step;
    }
}

/* iter has met damage behind last. */
static int
scan_damage(struct scan *scan, struct error *err)
{
    struct scan_part part = { .bytes = BUF_INIT };
    struct store_scan_damage damage = { .text = scan->text.text };
    int status;

    scan_pass(scan);
    damage.after = buf_span(&scan->last);
    if (leveldb_iter_valid(scan->iter)) {
        damage.before = ldb_iter_key(scan->iter);
    }
    status = part_read(scan, damage.before, &part, &damage.bad, err);
    if (status == 0) {
        struct span *keys = part_keys(&part);

        damage.rescued = keys;
        damage.rescued_count = part.len;
        status = scan->visitor->damage(scan->visitor->ctx, &damage, err);
        free(keys);
    }
    if (status == 0) {
        status = part_visit(scan, &part, err);
    }
    buf_fini(&part.bytes);
    free(part.entries);
    return status;
}

static int
scan_entry(struct scan *scan, struct error *err)
{
    struct span key = ldb_iter_key(scan->iter);

    buf_clear(&scan->last);
    buf_append_span(&scan->last, key);
    return scan->visitor->entry(scan->visitor->ctx, key,
                                ldb_iter_value(scan->iter), err);
}

int
store_scan(struct ldb_disk *disk, const struct store_scan_visitor *visitor,
           struct error *err)
{
    struct scan scan = { .disk = disk, .visitor = visitor, .last = BUF_INIT };
    int status = 0;

    scan.iter = leveldb_create_iterator(disk->db, disk->read_checked);
    leveldb_iter_seek_to_first(scan.iter);
    while (status == 0) {
        scan.text = ERROR_INIT;
        if (scan_failed(scan.iter, &scan.text)) {
            status = scan_damage(&scan, err);
        }
        if (status != 0 || !leveldb_iter_valid(scan.iter)) {
            break;
        }
        status = scan_entry(&scan, err);
        leveldb_iter_next(scan.iter);
    }
    leveldb_iter_destroy(scan.iter);
    buf_fini(&scan.last);
    return status;
}
