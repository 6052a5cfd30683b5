/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The insides of a session, shared by the files of this folder alone: one file
 * a family of commands, session.c for state, input and the end.
 */
#pragma once
#include "base/buf.h"
#include "base/hash.h"
#include "base/secret.h"
#include "protocol/frame.h"
#include "protocol/frame_parser.h"
#include "protocol/heartbeat.h"
#include "server/core/core.h"
#include "server/session/ack_ledger.h"
#include "server/session/session.h"

/* Why a session does not read. */
enum session_pause {
    SESSION_PAUSE_HELD = 1 << 0,    /* much is held for want of room */
    SESSION_PAUSE_REPLIES = 1 << 1, /* much waits for the disk */
};

enum session_state {
    SESSION_NEW, /* waits for CONNECT */
    SESSION_CONNECTED,
    SESSION_CLOSING, /* nothing more is taken; replies may still leave */
};

/* The session's part of a subscription. */
struct session_subscription {
    UT_hash_handle hh;
    struct subscription *sub;
    size_t id_len;
    char *id; /* decoded; for 1.0 without id the destination text */
    size_t destination_len;
    char *destination; /* as subscribed */
    size_t line_len;
    char *line;       /* "subscription:…\nmessage-id:NAME-", as it goes out */
    bool browser;     /* its numbers begin with SESSION_BROWSER_MARK */
    bool browser_ack; /* it asked for a mode in which MESSAGE has `ack` */
};

/* What a browser gets is told from what can be settled by its message-id. */
enum { SESSION_BROWSER_MARK = 'b' };

struct session_transaction {
    struct session_transaction *prev, *next;
    struct transaction *tx;
    int64_t begun_us;
    size_t id_len;
    char id[];
};

/* A destination that was sent to a moment ago: text to pointer, no lookup. */
struct session_destination {
    struct destination *dest;
    uint64_t epoch;
    char *text;
    size_t text_len;
};
enum { SESSION_DESTINATIONS = 4 };

/* An answer that has to wait for the disk, or for one that does. */
struct reply {
    struct reply *prev, *next;
    store_ticket ticket;
    bool closes; /* closes the connection after the frame */
    enum transport_close how;
    size_t receipt_len; /* bytes begins with the frame's receipt */
    size_t frame_len;   /* … then the answer; 0: a plain RECEIPT, if any */
    size_t size;        /* what it takes */
    char bytes[];
};

/* For the line at the end and the admin API: plain numbers, counted where it
 * happens. */
struct session_counts {
    uint64_t messages_in; /* SENDs; those out are message_count */
    uint64_t acks;        /* frames, also those of no effect */
    uint64_t nacks;
    uint64_t acks_idle; /* named what was settled, or sent in `auto` mode */
    uint64_t receipts;
    uint64_t returned; /* to their queues, at the end: not acknowledged */
    uint32_t errors;   /* frames that were refused */
};

enum receipt_stored {
    RECEIPT_STORED_UNSAID,
    RECEIPT_STORED_MEMORY,
    RECEIPT_STORED_DISK, /* once its ticket is committed */
};

/* What a RECEIPT says to who has asked for it (`error-mode:soft`). */
struct receipt_facts {
    uint64_t sent_number; /* the n of message-id; 0: none */
    enum receipt_stored stored;
    bool duplicate;
    uint32_t duplicates; /* of a COMMIT */
};

/* What its CONNECT offered, for the admin API. */
struct session_offer {
    uint32_t sends_ms; /* heart-beat */
    uint32_t wants_ms;
    uint8_t versions;  /* bit 1 << enum stomp_version */
    bool has_versions; /* there was an accept-version */
    bool has_beats;    /* there was a heart-beat */
    char *agent;       /* what it calls itself; NULL: it did not say */
};

/* A frame that waits for room. */
struct held_frame {
    struct held_frame *prev, *next;
    struct frame *frame; /* owned */
    size_t size;         /* of all */
    char *fault;         /* owned: its body is too long; NULL when it is good */
};

struct session {
    const struct session_config *config;
    struct core *core;
    struct transport *transport;
    struct frame_parser *parser;
    enum session_state state;
    enum stomp_version version;
    struct client client;
    size_t name_len;
    char name[48];
    uint64_t message_count; /* the n of the last message-id */
    struct ack_ledger ledger;
    struct sent_queue sent;
    struct reply *replies; /* DL list: waiting, in request order */
    size_t reply_bytes;    /* what they take */
    struct session_subscription *subscriptions; /* uthash by id */
    struct session_transaction *transactions;   /* DL list */
    uint32_t transaction_count;
    struct session_destination destinations[SESSION_DESTINATIONS];
    unsigned destination_next;
    struct buf scratch;  /* given back at the end of each feed */
    struct buf name_buf; /* of session_core_name */
    struct heartbeat heartbeat;
    uint32_t beat_send_ms; /* what CONNECTED says */
    uint32_t beat_receive_ms;
    int64_t login_due_us;
    int64_t now_us;                    /* of the call under way */
    enum policy_switch use_async_send; /* CONNECT header */
    bool soft_errors;                  /* the same: a refused frame is answered
                                          and that is all (session_soft.c) */
    uint64_t sent_count;  /* the n of the last original-message-id */
    uint64_t sent_number; /* the same, when the SEND under way has one */
    uint64_t error_count; /* the n of the last message-id on $errors */
    int64_t refused_logged_us;
    uint32_t refused_unlogged; /* since then */
    unsigned pauses;           /* enum session_pause: why nothing is read */
    bool holding;              /* frames are held until there is room */
    bool forced;               /* room or not: the peer is gone */
    struct held_frame *held;   /* DL list: … as they came */
    size_t held_bytes;         /* what they take */
    int64_t hold_due_us;       /* until then there must be room */
    int64_t paused_us;         /* when it was; its clocks stand still since */
    bool closed;               /* session_on_closed has run */
    uint64_t frames_in;
    struct session_counts counts;
    struct session_offer offer;
    int64_t opened_us;
    int64_t held_since_us; /* while it holds */
    char *login;           /* for the log line; NULL when none */
    char *client_id;       /* NULL when none */
    char *reason;     /* why it closes; the first word wins, NULL until then */
    char *last_error; /* the text of the last ERROR; NULL: there was none */
};

typedef void session_command_fn(struct session *session,
                                const struct frame *frame);

session_command_fn session_connect;
session_command_fn session_send;
session_command_fn session_subscribe;
session_command_fn session_unsubscribe;
session_command_fn session_ack;
session_command_fn session_nack;
session_command_fn session_begin;
session_command_fn session_commit;
session_command_fn session_abort;
session_command_fn session_disconnect;

extern const struct client_ops session_client_ops;

/* --- replies (session_reply.c) ----------------------------------------- */

/* Answers the frame's `receipt`, if it has one, when ticket has been committed
 * and every earlier answer has left. */
void session_receipt(struct session *session, const struct frame *frame,
                     store_ticket ticket);

/* The same with facts, for a session that wants to know them. */
void session_receipt_with(struct session *session, const struct frame *frame,
                          store_ticket ticket,
                          const struct receipt_facts *facts);

/* Whether the frame asks for an answer that can be given: STOMP 1.0 has no
 * empty values, the RECEIPT would lack its header. */
bool session_wants_receipt(const struct session *session,
                           const struct frame *frame);

/* Sends a whole frame after every earlier answer. */
void session_answer(struct session *session, struct span frame);

/*
 * Refuses a frame: an ERROR after every earlier answer, and the close; in a
 * session with soft errors session_soft_refuse instead, when frame is given.
 * frame may be NULL: it is the session that has come to its end.  Its receipt,
 * destination, id and transaction are echoed.  message is short; details say
 * what was found, what was expected and what to do.  how: also the `status` of
 * a soft error.  A refused frame must have had no effect.
 */
void session_error(struct session *session, const struct frame *frame,
                   enum transport_close how, const char *message,
                   const char *details_fmt, ...)
    __attribute__((format(printf, 5, 6), cold));

/* Closes after every earlier answer has left. */
void session_close(struct session *session, enum transport_close how);

void session_on_stored(void *ctx, store_ticket ticket, enum store_result result,
                       const struct error *err);

/* Frees what waits. */
void session_replies_drop(struct session *session);

/* Writes a whole frame that stands in bytes. */
void session_write(struct session *session, struct span frame);

/* What helps the client to find the frame that was refused (V12-248). */
struct frame_encoder;
void session_echo_headers(struct frame_encoder *encoder,
                          const struct frame *frame);

/* --- soft errors (session_soft.c) ---------------------------------------- */

/* The RECEIPT, or the MESSAGE of `$errors`, that refuses one frame. */
void session_soft_refuse(struct session *session, const struct frame *frame,
                         enum transport_close how, const char *message,
                         const char *details);

/* Appends the RECEIPT that refuses the frame. */
void session_soft_encode_receipt(const struct session *session,
                                 const struct frame *frame,
                                 enum transport_close how, const char *message,
                                 const char *details, struct buf *out);

/* The session is about the subscription `$errors`, which is always there: true
 * when the frame has been answered. */
bool session_soft_subscription(struct session *session,
                               const struct frame *frame);

/* A transaction is too old: it is aborted, and the client told. */
void session_soft_drop_stale(struct session *session);

/* --- flow control (session_hold.c) -------------------------------------- */

/* Sets or takes back one reason not to read. */
void session_pause(struct session *session, enum session_pause reason, bool on);

/* While the session holds: true when the frame was put behind the others, false
 * when it may be handled now. */
bool session_hold(struct session *session, const struct frame *frame);

/* The same for a frame that was read over, as its body is too long: it is told
 * so in its turn. */
bool session_hold_too_big(struct session *session, const struct frame *frame,
                          const char *fault);

/* Nothing more can be read: what is held is handled, room or not. */
void session_hold_force(struct session *session);

/* The SEND finds no room: it and what follows are held, for as long as the
 * policy of lack->dest lets it wait. */
void session_hold_begin(struct session *session, const struct frame *frame,
                        const struct core_lack *lack);

/* client_ops.resume: there is room again. */
void session_resume(void *ctx);

/* hold_due_us has come. */
void session_hold_expired(struct session *session);

/* Nothing is held any more; an ERROR speaks for what was. */
void session_hold_drop(struct session *session);

/* The connection is over: what is held is handled all the same. */
void session_hold_finish(struct session *session);

/* Stops or resumes reading as the waiting answers are many or few. */
void session_check_replies(struct session *session);

/* Checks state and command, and handles the frame. */
void session_on_frame(struct session *session, const struct frame *frame);

/* Answers a frame whose body is too long. */
void session_refuse_too_big(struct session *session, const struct frame *frame,
                            const char *fault) __attribute__((cold));

/* --- what the log says of it (session_log.c) ----------------------------- */

/* Why the connection ends, unless that is known already. */
void session_set_reason(struct session *session, const char *reason);

/* Counts and logs a frame that is refused; both texts are free of secrets. */
void session_note_error(struct session *session, const char *message,
                        const char *details);

/* The one line that a connection leaves; transport_reason when the session has
 * none of its own. */
void session_log_closed(const struct session *session,
                        const char *transport_reason);

/* Keeps what a CONNECT offers (session_view.c). */
void session_note_offer(struct session *session, const struct frame *frame);

/* --- sending (session_deliver.c) --------------------------------------- */

void session_deliver(void *ctx, struct subscription *sub, struct message *msg,
                     struct delivery *delivery);

/* client_ops.browsed: the last MESSAGE of a browser. */
void session_browsed(void *ctx, struct subscription *sub);

/* What was sent and has left is consumed. */
void session_settle(struct session *session, uint64_t flushed_bytes);

/* At the end: what has not left goes back. */
void session_unsend(struct session *session);

/* Sets the transport's timer to what is due next. */
void session_timer_arm(struct session *session);

/* --- helpers ------------------------------------------------------------ */

/* The text for a log line or an error, escaped, cut and without secrets; for
 * values, and for what has no place in a frame. */
#define SESSION_TEXT(span) secret_escape((span), (char[160]){ "" }, 160)
#define SESSION_LINE(span) secret_escape_line((span), (char[64]){ "" }, 64)

/* Parses `destination` of a frame; false after a session_error. */
bool session_destination_parse(struct session *session,
                               const struct frame *frame,
                               struct destination_name *names_out,
                               size_t *count_out);

/* The core's name of a destination: temporary ones carry their owner's name.
 * Borrowed until the next call, or from the text. */
struct span session_core_name(struct session *session,
                              const struct destination_name *name);

struct session_transaction *session_transaction_find(struct session *session,
                                                     struct span id);

/* The open transaction that the frame names, or NULL.  *failed_out: it names
 * one that is not open, and the ERROR is out. */
struct transaction *session_transaction_of(struct session *session,
                                           const struct frame *frame,
                                           bool *failed_out);

/* Aborts one, or all. */
void session_transaction_drop(struct session *session,
                              struct session_transaction *gone);
void session_transactions_drop(struct session *session);

/* First of several spellings of a header that the frame has. */
struct span session_header_any(const struct frame *frame,
                               const enum header_id *ids, size_t count);

/* --- session_durable.c ---------------------------------------------------- */

/* What a frame says of a durable subscription; spans borrowed. */
struct session_durable {
    struct span client_id;
    struct span name;   /* data NULL: nothing */
    const char *header; /* that named it; NULL: its id does */
};

/* A SUBSCRIBE; id: the subscription's.  False after an ERROR. */
bool session_durable_read(struct session *session, const struct frame *frame,
                          struct span id,
                          const struct subscribe_options *options,
                          struct session_durable *durable_out);

/* Finds or makes it; options->durable is set.  False after an ERROR. */
bool session_durable_claim(struct session *session, const struct frame *frame,
                           const struct session_durable *durable,
                           struct subscribe_options *options);

/* Whether an UNSUBSCRIBE means a durable subscription. */
bool session_durable_named(struct session *session, const struct frame *frame,
                           struct span id, struct session_durable *durable_out);

/* Removes it.  False after an ERROR. */
bool session_durable_remove(struct session *session, const struct frame *frame,
                            const struct session_durable *durable);

/* --- session_send_message.c ----------------------------------------------- */

/* The message of a SEND with that destination header; NULL after an ERROR. */
struct message *session_send_message(struct session *session,
                                     const struct frame *frame,
                                     struct span destination);
bool session_send_is_persistent(const struct frame *frame);
/* The ERROR for a message that memory is out for. */
void session_refuse_memory(struct session *session, const struct frame *frame);

/* --- session_subscriptions.c ---------------------------------------------- */

/* The id under which the client knows the subscription; for 1.0 without one the
 * destination text.  data == NULL after an ERROR. */
struct span session_subscription_id(struct session *session,
                                    const struct frame *frame);
/* NULL when there is none. */
struct session_subscription *session_subscription_find(struct session *session,
                                                       struct span id);
/* Lists a new one; its sub is the caller's to set. */
struct session_subscription *session_subscription_new(struct session *session,
                                                      struct span id,
                                                      struct span destination);

/* Ends one subscription on the broker's side; its last MESSAGE says why. */
void session_end_subscription(struct session *session,
                              struct session_subscription *mine,
                              const char *why, const char *reason);

/* Ends the subscriptions' part in the session. */
void session_subscriptions_drop(struct session *session);
