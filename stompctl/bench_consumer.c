/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/bench.h"

#include "base/alloc.h"
#include "protocol/version.h"

#include <stdlib.h>

static const char *const bench_ack_texts[] = { "auto", "client",
                                               "client-individual" };

void
bench_consumer_init(struct bench *bench, struct bench_consumer *consumer)
{
    const struct bench_options *options = bench->options;
    struct client *client = consumer->conn.client;
    char text[20];

    consumer->next_seq =
        xcalloc(options->producers + 1, sizeof(*consumer->next_seq));
    consumer->conn.scanner.body_len = options->size;
    client_begin(client, FRAME_SUBSCRIBE, 0);
    client_header(client, HEADER_DESTINATION,
                  span_of_text(options->destination));
    client_header(client, HEADER_ID, SPAN("1"));
    client_header(client, HEADER_ACK,
                  span_of_text(bench_ack_texts[options->ack]));
    client_header(client, HEADER_RECEIPT, SPAN("subscribed"));
    if (options->prefetch > 0) {
        client_header(client, HEADER_ACTIVEMQ_PREFETCH_SIZE,
                      span_of(text, u64_to_text(options->prefetch, text)));
    }
    client_end(client, SPAN_NONE);
}

void
bench_consumer_fini(struct bench_consumer *consumer)
{
    buf_fini(&consumer->acks);
    free(consumer->next_seq);
}

/* Whether a sequence of a queue comes for the first time. */
static bool
bench_is_first(struct bench *bench, const struct bench_stamp *stamp)
{
    uint8_t *byte = &bench->seen[stamp->producer][stamp->seq / 8];
    uint8_t bit = (uint8_t)(1U << (stamp->seq % 8));

    if ((*byte & bit) != 0) {
        return false;
    }
    *byte = (uint8_t)(*byte | bit);
    return true;
}

/*
 * One message against what was sent.  Of a topic every consumer must get the
 * very next sequence; of a queue each sequence goes to one consumer, and
 * those that one consumer gets must rise.
 */
static void
bench_consumer_check(struct bench *bench, struct bench_consumer *consumer,
                     struct span body, int64_t now_ns)
{
    const struct bench_options *options = bench->options;
    struct bench_stamp stamp;
    uint64_t *next;

    if (options->producers == 0) {
        bench->received++; /* a drain: another run's producers sent it */
        return;
    }
    if (!bench_stamp_read(body, &stamp) || stamp.run != bench->run ||
        stamp.producer >= options->producers ||
        stamp.seq >= bench->producers[stamp.producer].total) {
        bench->foreign++;
        return;
    }
    next = &consumer->next_seq[stamp.producer];
    if (bench->is_topic ? stamp.seq < *next : !bench_is_first(bench, &stamp)) {
        bench->duplicated++;
        return;
    }
    bench->disordered += stamp.seq < *next;
    *next = stamp.seq < *next ? *next : stamp.seq + 1;
    bench->received++;
    if (options->rate > 0 || options->window > 0) {
        histogram_add(&bench->latency, now_ns - stamp.time_ns);
    }
}

/* Adds the ACK of a message; the bytes of its id are echoed as they came. */
static enum client_status
bench_consumer_ack(struct bench_consumer *consumer, struct span head,
                   struct error *err)
{
    bool by_id =
        version_rules(client_version(consumer->conn.client))->ack_by_id;
    struct span id =
        bench_head_find(head, by_id ? SPAN("\nack:") : SPAN("\nmessage-id:"));

    if (id.data == NULL) {
        (void)error_set(err, "a MESSAGE came without the header that its ACK "
                             "must name");
        return CLIENT_PROTOCOL;
    }
    buf_append_span(&consumer->acks,
                    by_id ? SPAN("ACK\nid:")
                          : SPAN("ACK\nsubscription:1\nmessage-id:"));
    buf_append_span(&consumer->acks, id);
    buf_append(&consumer->acks, "\n\n", 3); /* with the NUL */
    return CLIENT_OK;
}

static enum client_status
bench_consumer_on_frame(struct bench *bench, struct bench_consumer *consumer,
                        enum bench_kind kind, const struct bench_frame *frame,
                        int64_t now_ns, struct error *err)
{
    switch (kind) {
    case BENCH_MESSAGE:
        bench_consumer_check(bench, consumer, frame->body, now_ns);
        return bench->options->ack == BENCH_ACK_CLIENT_INDIVIDUAL
                   ? bench_consumer_ack(consumer, frame->head, err)
                   : CLIENT_OK;
    case BENCH_RECEIPT:
        bench->subscribed += !consumer->subscribed;
        consumer->subscribed = true;
        return CLIENT_OK;
    case BENCH_ERROR:
        return bench_on_error(frame, err);
    case BENCH_MORE:
    case BENCH_OTHER:
        return CLIENT_OK;
    }
    return CLIENT_OK;
}

/* All ACKs of one read go out as one write. */
static enum client_status
bench_consumer_flush(struct bench_consumer *consumer, struct error *err)
{
    struct link *link = client_link(consumer->conn.client);

    if (consumer->acks.len > 0) {
        link_queue(link, buf_span(&consumer->acks));
        buf_clear(&consumer->acks);
    }
    if (link_flush(link, err) != 0) {
        return CLIENT_UNAVAILABLE;
    }
    consumer->conn.blocked = link_queued_bytes(link) > 0;
    return CLIENT_OK;
}

enum client_status
bench_consumer_on_readable(struct bench *bench, struct bench_consumer *consumer,
                           struct error *err)
{
    struct bench_frame frame;
    struct bench_frame last = { .head = SPAN_NONE };
    struct span in;
    enum client_status status =
        bench_conn_read(bench, &consumer->conn, &in, err);
    int64_t now_ns = bench_now_ns();
    enum bench_kind kind = BENCH_OTHER;

    while (status == CLIENT_OK && kind != BENCH_MORE) {
        kind = bench_scan(&consumer->conn.scanner, &in, &frame);
        if (kind == BENCH_MESSAGE) {
            last = frame;
        }
        status =
            bench_consumer_on_frame(bench, consumer, kind, &frame, now_ns, err);
    }
    if (status == CLIENT_OK && last.head.data != NULL) {
        bench->last_received_ns = now_ns;
        if (bench->options->ack == BENCH_ACK_CLIENT) {
            status = bench_consumer_ack(consumer, last.head, err);
        }
    }
    if (status != CLIENT_OK) {
        return status;
    }
    bench_conn_keep(&consumer->conn, in);
    return bench_consumer_flush(consumer, err);
}
