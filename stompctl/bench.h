/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `stompctl bench`: producers and consumers of one process and one thread
 * around one epoll set, what they measured, and whether every message came
 * through once and in order.
 *
 *     cmd_bench.c       options
 *     bench_run.c       connections, the loop, the end
 *     bench_producer.c  prepared frames out, receipts in
 *     bench_consumer.c  messages in, acknowledgements out, the check
 *     bench_report.c    text or JSON
 */
#pragma once
#include "base/error.h"
#include "stompctl/bench_frame.h"
#include "stompctl/client.h"
#include "stompctl/histogram.h"
#include "stompctl/options.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum bench_ack {
    BENCH_ACK_AUTO,
    BENCH_ACK_CLIENT,
    BENCH_ACK_CLIENT_INDIVIDUAL,
};

struct bench_options {
    struct connect_options connect;
    const char *destination;
    uint64_t producers;
    uint64_t consumers;
    uint64_t size;   /* of a body, in bytes */
    uint64_t count;  /* messages of all producers together */
    uint64_t window; /* receipts missing at once, per producer; 0: none asked */
    uint64_t rate;   /* messages a second, all together; 0: as fast as goes */
    uint64_t prefetch; /* 0: not said */
    enum bench_ack ack;
    bool persistent;
    bool json;
    int64_t idle_us; /* give up when nothing arrived for so long */
};

/* What both ends have: a connection of the loop. */
struct bench_conn {
    struct client *client;
    struct buf carry; /* part of a frame that waits for its rest */
    bool blocked;     /* its socket takes no more for now */
    bool armed;       /* epoll watches for writability */
    struct bench_scanner scanner;
};

struct bench_producer {
    struct bench_conn conn;
    struct bench_template template;
    uint32_t number;
    uint64_t total; /* messages that are its share */
    uint64_t sent;  /* of them put into a block */
    uint64_t receipted;
    bool said_bye; /* DISCONNECT is queued (bench->await_byes) */
    char *block;   /* room for a WebSocket header, then frames */
    size_t block_frames;
    const char *at; /* what of the block is not written yet */
    size_t left;
    int64_t *sent_ns; /* ring by sequence, for receipt latency */
    uint64_t ring_mask;
};

struct bench_consumer {
    struct bench_conn conn;
    struct buf acks;
    bool subscribed;
    uint64_t *next_seq; /* per producer: the lowest that would be in order */
};

struct bench {
    const struct bench_options *options;
    bool is_topic;
    bool await_byes; /* nobody receives: DISCONNECT's receipt ends the run */
    uint64_t run;    /* tells our messages from an earlier run's */
    int epoll;
    struct buf in; /* what was just read, by any connection */
    struct bench_producer *producers;
    struct bench_consumer *consumers;
    uint64_t subscribed;
    uint64_t byes;
    uint8_t **seen; /* queue: per producer a bit for each sequence */

    int64_t start_ns;
    int64_t last_sent_ns;
    int64_t last_received_ns;
    int64_t cpu_us;
    uint64_t sent;
    uint64_t expected; /* deliveries */
    uint64_t received;
    uint64_t receipts;
    uint64_t duplicated;
    uint64_t disordered;
    uint64_t foreign; /* messages of no producer of this run */
    bool timed_out;
    struct histogram latency;
    struct histogram receipt_latency;
};

int64_t bench_now_ns(void);

/*
 * Reads conn once; *in_out is what is there to scan, borrowed until the next
 * read of any connection.  Call bench_conn_keep with what the scan left.
 */
enum client_status bench_conn_read(struct bench *bench, struct bench_conn *conn,
                                   struct span *in_out, struct error *err);
void bench_conn_keep(struct bench_conn *conn, struct span rest);

/* The broker's ERROR frame as an error: CLIENT_PROTOCOL. */
enum client_status bench_on_error(const struct bench_frame *frame,
                                  struct error *err);

void bench_producer_init(struct bench *bench, struct bench_producer *producer,
                         uint32_t number);
void bench_producer_fini(struct bench_producer *producer);

/* Writes one block of what may be sent now. */
enum client_status bench_producer_pump(struct bench *bench,
                                       struct bench_producer *producer,
                                       struct error *err);
/* Whether it has something to write that the socket might take now. */
bool bench_producer_is_ready(const struct bench *bench,
                             const struct bench_producer *producer,
                             int64_t now_ns);
/* When its next message is due (rate); INT64_MAX when none is. */
int64_t bench_producer_due_ns(const struct bench *bench,
                              const struct bench_producer *producer);
enum client_status bench_producer_on_readable(struct bench *bench,
                                              struct bench_producer *producer,
                                              struct error *err);

void bench_consumer_init(struct bench *bench, struct bench_consumer *consumer);
void bench_consumer_fini(struct bench_consumer *consumer);
enum client_status bench_consumer_on_readable(struct bench *bench,
                                              struct bench_consumer *consumer,
                                              struct error *err);

/* Runs it; the bench is the caller's to bench_fini whatever is returned.
 * Returns -1 for a bad URI, as connect_options_open. */
int bench_run(struct bench *bench, enum client_status *status_out,
              struct error *err);
void bench_fini(struct bench *bench);

/* Whether nothing was lost, doubled or out of order. */
bool bench_is_good(const struct bench *bench);
void bench_report(const struct bench *bench, FILE *out);
