/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/session/session_fixture.h"

#include "server/log.h"

#include <stdio.h>
#include <string.h>

static void
fixture_on_committed(void *ctx, store_ticket ticket, enum store_result result,
                     const struct error *err)
{
    struct fixture *fixture = ctx;

    core_on_committed(fixture->core, ticket, result, err);
}

static void
fixture_on_wake(void *ctx)
{
    (void)ctx; /* every turn polls */
}

static void
fixture_on_health(void *ctx, const struct error *err)
{
    (void)ctx;
    (void)err;
}

static void
fixture_open(struct fixture *fixture, const struct store_engine *engine)
{
    struct store_options options = store_options_default;

    fixture->policies = policy_map_new();
    options.committed = fixture_on_committed;
    options.release = core_release_message;
    options.wake = fixture_on_wake;
    options.health = fixture_on_health;
    options.ctx = fixture;
    ck_assert_int_eq(store_open(engine, &options, &fixture->store, NULL), 0);
    fixture->core =
        core_new(&fixture->options, fixture->policies, fixture->store);
    core_time_set(fixture->core, fixture->now_us, fixture->now_ms);
}

void
fixture_init(struct fixture *fixture, const struct store_engine *engine)
{
    log_set_level(LOG_LEVEL_ERROR);
    *fixture = (struct fixture){
        .now_us = FIXTURE_START_US,
        .now_ms = 1700000000000,
        .config = session_config_default,
        .options = core_options_default,
    };
    fixture->config.boot_id = "T";
    fixture->config.server_header = "stompd/test";
    fixture_open(fixture, engine);
}

static void
fixture_close(struct fixture *fixture)
{
    struct core_stats stats;

    for (int i = 0; i < FIXTURE_PEERS; i++) {
        if (fixture->peers[i].session != NULL) {
            peer_close(&fixture->peers[i]);
        }
    }
    core_close(fixture->core);
    store_close(&fixture->store);
    core_stats_get(fixture->core, &stats);
    ck_assert_uint_eq(stats.memory_bytes, 0);
    ck_assert_uint_eq(stats.subscriptions, 0);
    core_free(&fixture->core);
    policy_map_free(&fixture->policies);
}

void
fixture_reinit(struct fixture *fixture, const struct store_engine *engine)
{
    fixture_close(fixture);
    fixture_open(fixture, engine);
}

void
fixture_fini(struct fixture *fixture)
{
    fixture_close(fixture);
}

struct policy *
fixture_policy(struct fixture *fixture, enum destination_kind kind,
               const char *pattern)
{
    struct policy *policy = policy_new();
    struct policy *borrowed = policy;

    ck_assert(
        policy_map_add(fixture->policies, kind, span_of_text(pattern), policy));
    policy_unref(&policy);
    return borrowed;
}

void
fixture_turn(struct fixture *fixture)
{
    core_time_set(fixture->core, fixture->now_us, fixture->now_ms);
    for (int i = 0; i < 4; i++) {
        while (core_turn(fixture->core)) {
        }
        core_turn_end(fixture->core);
        (void)store_flush(fixture->store, fixture->now_us);
        for (int k = 0; k < FIXTURE_PEERS; k++) {
            struct peer *peer = &fixture->peers[k];

            if (peer->session != NULL && !peer->slow) {
                peer_flush(peer, SIZE_MAX);
            }
        }
        store_poll(fixture->store);
    }
}

void
fixture_sleep_us(struct fixture *fixture, int64_t us)
{
    int64_t end = fixture->now_us + us;

    for (;;) {
        struct peer *next = NULL;

        for (int i = 0; i < FIXTURE_PEERS; i++) {
            struct peer *peer = &fixture->peers[i];

            if (peer->session != NULL && peer->transport.due_us <= end &&
                (next == NULL ||
                 peer->transport.due_us < next->transport.due_us)) {
                next = peer;
            }
        }
        if (next == NULL) {
            break;
        }
        if (next->transport.due_us > fixture->now_us) {
            fixture->now_us = next->transport.due_us;
        }
        next->transport.due_us = INT64_MAX;
        session_on_timer(next->session, fixture->now_us);
        fixture_turn(fixture);
    }
    fixture->now_us = end;
    fixture->now_ms += us / 1000;
    core_time_set(fixture->core, fixture->now_us, fixture->now_ms);
}

void
fixture_sleep_ms(struct fixture *fixture, int64_t ms)
{
    fixture_sleep_us(fixture, ms * 1000);
}

void
peer_open(struct fixture *fixture, struct peer *peer)
{
    ck_assert_ptr_null(peer->session);
    peer->fixture = fixture;
    peer->slow = false;
    fake_transport_init(&peer->transport, &fixture->now_us);
    peer->session = session_new(&fixture->config, fixture->core,
                                &peer->transport.base, fixture->now_us);
}

void
peer_connect(struct fixture *fixture, struct peer *peer, const char *version)
{
    char text[128];

    peer_open(fixture, peer);
    (void)snprintf(text, sizeof(text),
                   "CONNECT\naccept-version:%s\nhost:x\n\n^@", version);
    ck_assert_has(peer_ask(peer, text), "CONNECTED\n");
}

void
peer_close(struct peer *peer)
{
    session_on_closed(peer->session, "test", peer->fixture->now_us);
    session_free(&peer->session);
    fake_transport_fini(&peer->transport);
}

void
peer_feed(struct peer *peer, const char *text)
{
    struct buf bytes = BUF_INIT;

    for (; *text != '\0'; text++) {
        if (text[0] == '^' && text[1] == '@') {
            buf_append_char(&bytes, '\0');
            text++;
        } else {
            buf_append_char(&bytes, *text);
        }
    }
    ck_assert(!peer->transport.paused);
    peer->transport.base.received_bytes += bytes.len;
    peer->transport.base.last_read_us = peer->fixture->now_us;
    session_feed(peer->session, buf_span(&bytes), peer->fixture->now_us);
    buf_fini(&bytes);
}

void
peer_send(struct peer *peer, const char *text)
{
    peer_feed(peer, text);
    fixture_turn(peer->fixture);
}

void
peer_flush(struct peer *peer, size_t bytes)
{
    uint64_t before = peer->transport.base.flushed_bytes;

    fake_transport_flush(&peer->transport, bytes);
    if (peer->transport.base.flushed_bytes != before) {
        session_on_flushed(peer->session, peer->fixture->now_us);
    }
}

const char *
peer_take(struct peer *peer)
{
    return fake_transport_take(&peer->transport);
}

const char *
peer_ask(struct peer *peer, const char *text)
{
    peer_send(peer, text);
    return peer_take(peer);
}

void
ck_assert_has(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "\"%s\" lacks \"%s\"", text,
                  part);
}

void
peer_assert_error(struct peer *peer, const char *message,
                  enum transport_close how)
{
    const char *text = peer_take(peer);
    char line[128];

    (void)snprintf(line, sizeof(line), "\nmessage:%s\n", message);
    ck_assert_has(text, "ERROR\ncontent-length:");
    ck_assert_has(text, line);
    ck_assert_str_eq(strstr(strstr(text, "ERROR\n"), "^@"), "^@");
    ck_assert(peer->transport.closed);
    ck_assert_int_eq(peer->transport.how, how);
}
