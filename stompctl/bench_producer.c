/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/bench.h"

#include "base/alloc.h"
#include "stompctl/ws_client.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

/* Enough for one large write, and little enough to stay in the cache while it
 * is patched again and again. */
enum { BENCH_BLOCK_BYTES = 262144 };

void
bench_producer_init(struct bench *bench, struct bench_producer *producer,
                    uint32_t number)
{
    const struct bench_options *options = bench->options;
    struct bench_template *template = &producer->template;
    uint64_t ring = 1;
    size_t len;
    char *frames;

    producer->number = number;
    producer->total = options->count / options->producers +
                      (number < options->count % options->producers);
    bench_template_init(template, span_of_text(options->destination),
                        options->size, options->persistent, options->window > 0,
                        bench->run, number);
    len = template->frame.len;
    producer->block_frames =
        len < BENCH_BLOCK_BYTES ? BENCH_BLOCK_BYTES / len : 1;
    producer->block =
        xmalloc(WS_CLIENT_HEADER_BYTES + producer->block_frames * len);
    frames = producer->block + WS_CLIENT_HEADER_BYTES;
    for (size_t i = 0; i < producer->block_frames; i++) {
        memcpy(frames + i * len, template->frame.data, len);
    }
    while (ring < options->window) {
        ring *= 2;
    }
    producer->ring_mask = ring - 1;
    producer->sent_ns = xcalloc(ring, sizeof(*producer->sent_ns));
}

void
bench_producer_fini(struct bench_producer *producer)
{
    bench_template_fini(&producer->template);
    free(producer->block);
    free(producer->sent_ns);
}

/* With a rate, message k of producer p is due at its place in the common
 * schedule whatever became of those before it (open loop), so that a stall
 * counts against every message that it delayed. */
static int64_t
bench_producer_schedule_ns(const struct bench *bench,
                           const struct bench_producer *producer, uint64_t seq)
{
    const struct bench_options *options = bench->options;
    uint64_t place = seq * options->producers + producer->number;

    return bench->start_ns +
           (int64_t)((double)place * 1e9 / (double)options->rate);
}

int64_t
bench_producer_due_ns(const struct bench *bench,
                      const struct bench_producer *producer)
{
    return bench->options->rate == 0 || producer->sent == producer->total
               ? INT64_MAX
               : bench_producer_schedule_ns(bench, producer, producer->sent);
}

/* How many more messages may go out now. */
static uint64_t
bench_producer_allowed(const struct bench *bench,
                       const struct bench_producer *producer, int64_t now_ns)
{
    const struct bench_options *options = bench->options;
    uint64_t allowed = producer->total - producer->sent;

    if (options->window > 0) {
        uint64_t missing = producer->sent - producer->receipted;
        uint64_t open =
            options->window > missing ? options->window - missing : 0;

        allowed = open < allowed ? open : allowed;
    }
    if (allowed > producer->block_frames) {
        allowed = producer->block_frames;
    }
    if (options->rate > 0) {
        uint64_t due = 0;

        while (due < allowed &&
               bench_producer_schedule_ns(bench, producer,
                                          producer->sent + due) <= now_ns) {
            due++;
        }
        allowed = due;
    }
    return allowed;
}

bool
bench_producer_is_ready(const struct bench *bench,
                        const struct bench_producer *producer, int64_t now_ns)
{
    if (producer->conn.blocked) {
        return false;
    }
    return producer->left > 0 ||
           bench_producer_allowed(bench, producer, now_ns) > 0 ||
           (bench->await_byes && producer->sent == producer->total &&
            !producer->said_bye);
}

/* The mask of a benchmark's WebSocket frames is 0: the payload is made, not
 * secret, and stays as it is. */
static void
bench_producer_frame_block(struct bench_producer *producer, size_t len)
{
    static const unsigned char mask[4] = { 0 };
    unsigned char header[WS_CLIENT_HEADER_BYTES];
    char *payload = producer->block + WS_CLIENT_HEADER_BYTES;

    producer->at = payload;
    producer->left = len;
    if (link_is_websocket(client_link(producer->conn.client))) {
        size_t header_len = ws_client_header(WS_BINARY, len, mask, header);

        memcpy(payload - header_len, header, header_len);
        producer->at -= header_len;
        producer->left += header_len;
    }
}

static void
bench_producer_fill(struct bench *bench, struct bench_producer *producer)
{
    const struct bench_template *template = &producer->template;
    int64_t now_ns = bench_now_ns();
    uint64_t count = bench_producer_allowed(bench, producer, now_ns);
    char *frame = producer->block + WS_CLIENT_HEADER_BYTES;
    char time[BENCH_TIME_DIGITS];

    if (count == 0) {
        return;
    }
    bench_digits_put(time, (uint64_t)now_ns, BENCH_TIME_DIGITS);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t seq = producer->sent + i;

        if (bench->options->rate > 0) {
            bench_digits_put(
                time,
                (uint64_t)bench_producer_schedule_ns(bench, producer, seq),
                BENCH_TIME_DIGITS);
        }
        producer->sent_ns[seq & producer->ring_mask] = now_ns;
        bench_template_patch(template, frame, seq, time);
        frame += template->frame.len;
    }
    producer->sent += count;
    bench->sent += count;
    bench_producer_frame_block(producer, count * template->frame.len);
}

/* Nobody receives: the receipt of DISCONNECT tells that the broker has taken
 * everything before it. */
static enum client_status
bench_producer_bye(struct bench_producer *producer, struct error *err)
{
    struct client *client = producer->conn.client;

    producer->said_bye = true;
    client_begin(client, FRAME_DISCONNECT, 0);
    client_header(client, HEADER_RECEIPT, SPAN("bye"));
    client_end(client, SPAN_NONE);
    return link_flush(client_link(client), err) == 0 ? CLIENT_OK
                                                     : CLIENT_UNAVAILABLE;
}

enum client_status
bench_producer_pump(struct bench *bench, struct bench_producer *producer,
                    struct error *err)
{
    struct link *link = client_link(producer->conn.client);
    ssize_t sent;

    if (producer->left == 0) {
        /* Between two blocks a WebSocket may answer its Pings. */
        if (link_flush(link, err) != 0) {
            return CLIENT_UNAVAILABLE;
        }
        if (link_queued_bytes(link) > 0) {
            producer->conn.blocked = true;
            return CLIENT_OK;
        }
        bench_producer_fill(bench, producer);
    }
    if (producer->left == 0) {
        return bench->await_byes && !producer->said_bye
                   ? bench_producer_bye(producer, err)
                   : CLIENT_OK;
    }
    sent = send(link_fd(link), producer->at, producer->left, MSG_NOSIGNAL);
    if (sent > 0) {
        producer->at += sent;
        producer->left -= (size_t)sent;
    } else if (errno == EAGAIN) {
        producer->conn.blocked = true;
    } else if (errno != EINTR) {
        /* Reading tells more: an ERROR frame may be there. */
        producer->left = 0;
        producer->sent = producer->total;
        return bench_producer_on_readable(bench, producer, err);
    }
    bench->last_sent_ns = bench_now_ns();
    return CLIENT_OK;
}

static void
bench_producer_on_receipt(struct bench *bench, struct bench_producer *producer,
                          struct span head, int64_t now_ns)
{
    struct span id = bench_head_find(head, SPAN("\nreceipt-id:"));

    if (id.len == BENCH_SEQ_DIGITS) {
        uint64_t seq = bench_digits_get(id.data, BENCH_SEQ_DIGITS);

        histogram_add(&bench->receipt_latency,
                      now_ns - producer->sent_ns[seq & producer->ring_mask]);
        producer->receipted++;
        bench->receipts++;
    } else {
        bench->byes++;
    }
}

enum client_status
bench_producer_on_readable(struct bench *bench, struct bench_producer *producer,
                           struct error *err)
{
    struct bench_frame frame;
    struct span in;
    enum client_status status =
        bench_conn_read(bench, &producer->conn, &in, err);
    int64_t now_ns = bench_now_ns();
    enum bench_kind kind = BENCH_OTHER;

    while (status == CLIENT_OK && kind != BENCH_MORE) {
        kind = bench_scan(&producer->conn.scanner, &in, &frame);
        if (kind == BENCH_RECEIPT) {
            bench_producer_on_receipt(bench, producer, frame.head, now_ns);
            bench->last_received_ns = now_ns;
        } else if (kind == BENCH_ERROR) {
            status = bench_on_error(&frame, err);
        }
    }
    if (status == CLIENT_OK) {
        bench_conn_keep(&producer->conn, in);
    }
    return status;
}
