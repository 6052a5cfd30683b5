/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is there, at the open: read from the journals' blocks; only what was put
 * since they were written is counted, and that has a bound
 * (ldb_hooks.uncounted_max).
 *
 * More records are read in two cases.  Where blocks have something that was
 * only spilled, that is dropped.  And a journal whose blocks are not to be
 * relied on (an older stompd or a tool wrote it, or they are damaged) is
 * counted from its persisted head on (never from its first key, netstore.md
 * D1).
 */
#include "storage/store_leveldb.h"

#include "base/clock.h"

#include <string.h>

enum {
    COUNT_DROP_STEP = 1000,
    COUNT_CLOCK_STEP = 4096, /* looks at the clock after so many entries */
};

struct count {
    struct ldb_store *ldb;
    leveldb_iterator_t *iter;
    struct store_key sought; /* iter is at the first key from here on, or
                                beyond; "" when nothing is known */
    size_t drops;            /* in the WriteBatch */
    size_t journals_total;
    size_t journals_done;
    unsigned long long entries; /* read so far */
    int64_t said_us;
};

/* ------------------------------------------------------------- progress -- */

static void __attribute__((cold))
count_say(struct count *count, const char *name)
{
    const struct store_options *options = &count->ldb->options;
    struct error text = ERROR_INIT;

    if (options->progress != NULL) {
        (void)error_set(
            &text, "%s: %zu of %zu journals done, %llu entries read", name,
            count->journals_done, count->journals_total, count->entries);
        options->progress(options->ctx, text.text);
    }
}

static void
count_note_entry(struct count *count, const char *what)
{
    int64_t now_us;

    if (++count->entries % COUNT_CLOCK_STEP != 0) {
        return;
    }
    now_us = clock_monotonic_us();
    if (now_us - count->said_us >= ldb_hooks.progress_us) {
        count->said_us = now_us;
        count_say(count, what);
    }
}

/* A seek passes over every tombstone up to the next live key, and in a store
 * of drained queues those are all there are: where the iterator already came
 * to key or passed it, it has done so once and stays.  (Going back to what was
 * stepped over is not for this; nobody here does within one table.) */
static void
count_seek(struct count *count, struct store_key key)
{
    struct span target = store_key_span(&key);
    bool passed = count->sought.len > 0 &&
                  span_compare(store_key_span(&count->sought), target) <= 0 &&
                  (!leveldb_iter_valid(count->iter) ||
                   span_compare(ldb_iter_key(count->iter), target) >= 0);

    if (!passed) {
        count->sought = key;
        ldb_iter_seek(count->iter, key);
    }
}

/* --------------------------------------------------------------- blocks -- */

/* A journal that is to be counted from its head on. */
static bool
count_is_distrusted(const struct store_queue *queue)
{
    return queue->head.counted_to == 0;
}

/* Takes one block.  A damaged one leaves its journal to be counted, and so does
 * one that has no business to be there. */
static int
count_take_block(struct count *count, struct store_queue *queue,
                 uint64_t number, struct error *err)
{
    struct store_head *head = &queue->head;
    struct store_head_count found;

    switch (store_block_decode(ldb_iter_key(count->iter),
                               ldb_iter_value(count->iter), &found)) {
    case STORE_DECODE_OK:
        if (number << STORE_HEAD_BLOCK_SHIFT < head->counted_to) {
            store_head_load(head, number, found);
        } else {
            head->counted_to = 0;
        }
        return 0;
    case STORE_DECODE_CORRUPT:
        head->counted_to = 0;
        return 0;
    case STORE_DECODE_NEWER:
        break;
    }
    return ldb_refuse(count->ldb, STORE_DECODE_NEWER, "counts of a journal",
                      err);
}

/* Blocks below the head are tombstones, and those of a journal that is to be
 * counted are of no use: on to the first that is wanted. */
static int
count_take(struct count *count, struct store_queue **queue, struct error *err)
{
    uint32_t journal;
    uint64_t number;
    uint64_t first;

    if (!store_key_block_parse(ldb_iter_key(count->iter), &journal, &number)) {
        return ldb_refuse(count->ldb, STORE_DECODE_CORRUPT, "key of a block",
                          err);
    }
    while (*queue != NULL && (*queue)->journal < journal) {
        *queue = (*queue)->next;
    }
    if (*queue != NULL && (*queue)->journal == journal &&
        !count_is_distrusted(*queue)) {
        first = (*queue)->head.next_seq >> STORE_HEAD_BLOCK_SHIFT;
        if (number < first) {
            ldb_iter_seek(count->iter, store_key_block(journal, first));
            return 0;
        }
        if (count_take_block(count, *queue, number, err) != 0) {
            return -1;
        }
    }
    leveldb_iter_next(count->iter);
    return 0;
}

/* Where the table with the blocks is damaged, nobody knows whose are missing:
 * all are counted. */
static void __attribute__((cold)) count_distrust_all(struct count *count)
{
    struct store_queue *queue;

    DL_FOREACH(count->ldb->queue_list, queue) {
        queue->head.counted_to = 0;
    }
    count_say(count, "counts of the journals are damaged, counting anew");
}

static int
count_blocks(struct count *count, struct error *err)
{
    struct ldb_disk *disk = &count->ldb->disk;
    struct store_queue *queue = count->ldb->queue_list;
    struct store_key begin = store_key_block(0, 0);
    struct error text = ERROR_INIT;
    char *errptr = NULL;
    int status = 0;

    count->iter = leveldb_create_iterator(disk->db, disk->read_checked);
    ldb_iter_seek(count->iter, begin);
    while (status == 0 && queue != NULL && leveldb_iter_valid(count->iter) &&
           ldb_iter_key(count->iter).data[0] == begin.bytes[0]) {
        count_note_entry(count, "reading the counts of the journals");
        status = count_take(count, &queue, err);
    }
    leveldb_iter_get_error(count->iter, &errptr);
    leveldb_iter_destroy(count->iter);
    if (ldb_text_take(errptr, &text)) {
        count_distrust_all(count);
    }
    return status;
}

/* -------------------------------------------------------------- records -- */

static int
count_write(struct count *count, size_t drops_min, struct error *err)
{
    struct ldb_disk *disk = &count->ldb->disk;
    int status = 0;

    if (count->drops >= drops_min) {
        status = ldb_disk_write(disk, disk->batch, false, err);
        leveldb_writebatch_clear(disk->batch);
        count->drops = 0;
    }
    return status;
}

static bool
count_here(const struct count *count, const struct store_queue *queue,
           uint64_t *seq_out)
{
    uint32_t journal;

    return leveldb_iter_valid(count->iter) &&
           store_key_record_parse(ldb_iter_key(count->iter), &journal,
                                  seq_out) &&
           journal == queue->journal;
}

/* Whether the record stays; one that was only spilled is dropped.  A damaged
 * one stays: the fetch that meets it says so and sets it aside. */
static bool
count_keeps(struct count *count)
{
    struct span key = ldb_iter_key(count->iter);
    struct span value = ldb_iter_value(count->iter);
    struct store_record record;

    /* The checksum costs more than all the rest: only where the answer is not
     * plain from the first bytes. */
    if (store_record_looks_kept(value) ||
        store_record_decode(key, value, &record) != STORE_DECODE_OK ||
        record.persistent) {
        return true;
    }
    leveldb_writebatch_delete(count->ldb->disk.batch, key.data, key.len);
    count->drops++;
    return false;
}

/* The persistent record that the iterator stands on. */
static struct store_head_item
count_item(const struct count *count, uint64_t seq)
{
    return (struct store_head_item){
        .seq = seq,
        .bytes = ldb_value_bytes(ldb_iter_value(count->iter).len),
    };
}

/* Drops what was only spilled of one block, and keeps what it has then. */
static void
count_drop_block(struct count *count, struct store_queue *queue,
                 struct store_head_block *block)
{
    uint64_t begin = block->number << STORE_HEAD_BLOCK_SHIFT;
    uint64_t end = begin + STORE_HEAD_BLOCK_SIZE;
    struct store_head_count found = { .live = 0 };
    uint64_t seq;

    count_seek(count, store_key_record(queue->journal, begin));
    while (count_here(count, queue, &seq) && seq < end &&
           seq < queue->head.counted_to) {
        count_note_entry(count, "dropping what is not persistent");
        if (count_keeps(count)) {
            found.live++;
            found.bytes += count_item(count, seq).bytes;
        }
        leveldb_iter_next(count->iter);
    }
    store_head_correct(&queue->head, block, found);
    block->kept = found;
    ldb_block_write(&count->ldb->disk, queue->journal, block);
}

static int
count_drop_spilled(struct count *count, struct store_queue *queue,
                   struct error *err)
{
    for (size_t i = 0; i < queue->head.len; i++) {
        if (queue->head.blocks[i].now.spilled > 0) {
            count_drop_block(count, queue, &queue->head.blocks[i]);
            if (count_write(count, COUNT_DROP_STEP, err) != 0) {
                return -1;
            }
        }
    }
    return count_write(count, 0, err);
}

/* Takes the journal's old blocks away, in the batch that brings the new. */
static void
count_remove_blocks(struct count *count, const struct store_queue *queue)
{
    uint32_t journal;
    uint64_t number;

    count_seek(count, store_key_block(queue->journal, 0));
    while (
        leveldb_iter_valid(count->iter) &&
        store_key_block_parse(ldb_iter_key(count->iter), &journal, &number) &&
        journal == queue->journal) {
        struct span key = ldb_iter_key(count->iter);

        leveldb_writebatch_delete(count->ldb->disk.batch, key.data, key.len);
        leveldb_iter_next(count->iter);
    }
}

/* Adds what is there from the number begin on. */
static int
count_from(struct count *count, struct store_queue *queue, uint64_t begin,
           struct error *err)
{
    uint64_t seq;

    count_seek(count, store_key_record(queue->journal, begin));
    while (count_here(count, queue, &seq)) {
        count_note_entry(count, "counting the records");
        if (count_keeps(count)) {
            struct store_head_item item = count_item(count, seq);

            store_head_add(&queue->head, item);
            ldb_queue_uncount(count->ldb, queue,
                              item.bytes + STORE_RECORD_HEADER_SIZE);
        }
        if (count_write(count, COUNT_DROP_STEP, err) != 0) {
            return -1;
        }
        leveldb_iter_next(count->iter);
    }
    return count->drops > 0 ? count_write(count, 0, err) : 0;
}

/* Counts the journal, and says on disk that it is counted. */
static int
count_anew(struct count *count, struct store_queue *queue, struct error *err)
{
    struct ldb_disk *disk = &count->ldb->disk;
    uint64_t begin = queue->head.next_seq;
    struct store_head_block block;
    size_t at = 0;

    store_head_fini(&queue->head);
    if (count_from(count, queue, begin, err) != 0) {
        return -1;
    }
    count_remove_blocks(count, queue);
    store_head_count_all(&queue->head);
    while (store_head_changed(&queue->head, &at, &block)) {
        ldb_block_write(disk, queue->journal, &block);
    }
    if (queue->uncounted > 0) {
        ldb_queue_recount(count->ldb, queue, queue->uncounted);
    }
    if (queue->reserved < queue->head.next_seq) {
        queue->reserved = queue->head.next_seq;
    }
    ldb_entry_write(disk, queue, begin, queue->reserved,
                    queue->head.counted_to);
    return count_write(count, 0, err);
}

/* Counts what was put since the blocks were written. */
static int
count_rest(struct count *count, struct store_queue *queue, struct error *err)
{
    struct store_head *head = &queue->head;

    if (head->spilled > 0 && count_drop_spilled(count, queue, err) != 0) {
        return -1;
    }
    if (head->next_seq < head->counted_to) {
        head->next_seq = head->counted_to;
    }
    /* So an orderly stop leaves it: no number was used that is not counted. */
    if (queue->reserved <= head->next_seq) {
        return 0;
    }
    return count_from(count, queue, head->next_seq, err);
}

static int
count_journal(struct count *count, struct store_queue *queue, struct error *err)
{
    struct store_head *head = &queue->head;
    bool distrusted = count_is_distrusted(queue);
    int status = distrusted ? count_anew(count, queue, err)
                            : count_rest(count, queue, err);

    /* No number at or above what was reserved was ever used. */
    if (queue->reserved < head->next_seq) {
        queue->reserved = head->next_seq;
    }
    head->next_seq = queue->reserved;
    ldb_compact_note(&count->ldb->disk, queue->journal, store_head_seq(head),
                     head->live == 0);
    count->journals_done++;
    return status;
}

static int
count_records(struct count *count, struct error *err)
{
    struct ldb_disk *disk = &count->ldb->disk;
    struct error text = ERROR_INIT;
    struct store_queue *queue;
    char *errptr = NULL;
    int status = 0;

    count->iter = leveldb_create_iterator(disk->db, disk->read_raw);
    count->sought.len = 0;
    leveldb_writebatch_clear(disk->batch);
    DL_FOREACH(count->ldb->queue_list, queue) {
        status = count_journal(count, queue, err);
        if (status != 0) {
            break;
        }
    }
    leveldb_iter_get_error(count->iter, &errptr);
    leveldb_iter_destroy(count->iter);
    /* A damaged block holds back its own records only: the fetch that comes
     * to it reports them.  Anything else is a disk that cannot be read. */
    if (ldb_text_take(errptr, &text) && status == 0 &&
        strstr(text.text, "Corruption") == NULL) {
        status =
            error_set(err, "cannot read journal %s: %s", disk->path, text.text);
    }
    return status;
}

int
ldb_count_journals(struct ldb_store *ldb, struct error *err)
{
    struct count count = { .ldb = ldb, .said_us = clock_monotonic_us() };
    const struct store_queue *queue;

    DL_FOREACH(ldb->queue_list, queue) {
        count.journals_total++;
    }
    return count_blocks(&count, err) == 0 ? count_records(&count, err) : -1;
}
