/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The definitions, as they were at the open.  Read on the loop thread, before
 * anything is handed to the storage thread.
 */
#include "storage/store_leveldb.h"

#include <stdlib.h>

/* Whether the iterator stands on a definition of that prefix. */
static bool
defined_here(const leveldb_iterator_t *iter, struct span prefix,
             struct span *name_out)
{
    return leveldb_iter_valid(iter) &&
           store_definition_key_parse(ldb_iter_key(iter), name_out) &&
           span_starts_with(*name_out, prefix);
}

/* Says which definition cannot be read; the others are as they were. */
static int __attribute__((cold))
defined_refuse(const struct ldb_store *ldb, enum store_decode decode,
               struct span name, struct error *err)
{
    char what[128] = "definition ";
    size_t len = strlen(what);

    (void)span_escape(name, what + len, sizeof(what) - len);
    return ldb_refuse(ldb, decode, what, err);
}

int
ldb_definitions_check(struct ldb_store *ldb, struct error *err)
{
    leveldb_iterator_t *iter =
        leveldb_create_iterator(ldb->disk.db, ldb->disk.read_checked);
    struct buf first = BUF_INIT;
    struct error text = ERROR_INIT;
    struct span name;
    struct span value;
    char *errptr = NULL;
    int status = 0;

    store_definition_key(SPAN(""), &first);
    leveldb_iter_seek(iter, first.data, first.len);
    while (status == 0 && defined_here(iter, SPAN(""), &name)) {
        enum store_decode decode = store_definition_decode(
            ldb_iter_key(iter), ldb_iter_value(iter), &value);

        if (decode != STORE_DECODE_OK) {
            status = defined_refuse(ldb, decode, name, err);
        }
        leveldb_iter_next(iter);
    }
    leveldb_iter_get_error(iter, &errptr);
    leveldb_iter_destroy(iter);
    buf_fini(&first);
    if (ldb_text_take(errptr, &text) && status == 0) {
        status = ldb_refuse(ldb, STORE_DECODE_CORRUPT, text.text, err);
    }
    return status;
}

void
ldb_definitions(struct store *store, struct span prefix,
                store_definition_found_fn *found, void *ctx)
{
    struct ldb_store *ldb = ldb_of(store);
    leveldb_iterator_t *iter =
        leveldb_create_iterator(ldb->disk.db, ldb->disk.read_checked);
    struct buf first = BUF_INIT;
    struct span name;
    struct span value;

    store_definition_key(prefix, &first);
    leveldb_iter_seek(iter, first.data, first.len);
    while (defined_here(iter, prefix, &name)) {
        /* All have passed the check of the open. */
        if (store_definition_decode(ldb_iter_key(iter), ldb_iter_value(iter),
                                    &value) == STORE_DECODE_OK) {
            found(ctx, name, value);
        }
        leveldb_iter_next(iter);
    }
    leveldb_iter_destroy(iter);
    buf_fini(&first);
}
