/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What looks wrong about one subscription.
 */
#include "server/session/session_doctor_private.h"

#include <string.h>

enum { DOCTOR_AUTO_MANY = 100 }; /* messages in flight in `auto` mode */

/* How a finding begins: which subscription. */
#define DOCTOR_SUB "Subscription \"%s\" to %s"
#define DOCTOR_SUB_ARGS(view)                                                  \
    SESSION_TEXT((view)->id), SESSION_TEXT((view)->destination)

static bool
doctor_is_auto(const struct session_subscription_view *view)
{
    return strcmp(view->ack, "auto") == 0;
}

static long long
doctor_age(int64_t us)
{
    return (long long)(us / 1000000);
}

/* The messages that might be its own. */
static unsigned long long
doctor_more(const struct session_subscription_view *view)
{
    return view->core.pending + view->core.waiting;
}

static void
doctor_check_no_acks(const struct doctor *doctor,
                     const struct session_subscription_view *view)
{
    if (doctor_is_auto(view) || !view->full ||
        view->ack_age_us < doctor->patience_us) {
        return;
    }
    doctor_find(
        doctor, "no-acks",
        "Send an ACK for each MESSAGE, or subscribe with ack:auto; if "
        "the client needs that long, a smaller prefetch leaves "
        "messages for others.",
        DOCTOR_SUB " (ack:%s) gets nothing more: %u messages (prefetch "
                   "%u) wait for their ACK, none has come for %lld s, and "
                   "%llu more messages wait.",
        DOCTOR_SUB_ARGS(view), view->ack, view->core.in_flight,
        view->core.prefetch, doctor_age(view->ack_age_us), doctor_more(view));
}

/* Later ones were acknowledged, this one was not: it has been forgotten. */
static void
doctor_check_forgotten(const struct doctor *doctor,
                       const struct session_subscription_view *view)
{
    if (doctor_is_auto(view) || view->oldest_age_us < doctor->patience_us ||
        view->ack_age_us >= view->oldest_age_us) {
        return;
    }
    doctor_find(doctor, "forgotten-ack",
                "Look for a path in the client that returns without an ACK or "
                "NACK; NACK what it cannot handle.",
                DOCTOR_SUB " has acknowledged messages since, but one is "
                           "without ACK for %lld s (%u un-acked).",
                DOCTOR_SUB_ARGS(view), doctor_age(view->oldest_age_us),
                view->core.in_flight);
}

static void
doctor_check_auto(const struct doctor *doctor,
                  const struct session_subscription_view *view)
{
    if (!doctor_is_auto(view) ||
        (!view->full && view->core.in_flight < DOCTOR_AUTO_MANY)) {
        return;
    }
    doctor_find(doctor, "auto-in-flight",
                "Use ack:client-individual for messages that must not be lost; "
                "in auto mode a message counts as consumed when the system has "
                "taken it, not when the client has handled it.",
                DOCTOR_SUB " (ack:auto) has %u messages on their way to a "
                           "client that does not keep up.",
                DOCTOR_SUB_ARGS(view), view->core.in_flight);
}

static void
doctor_check_discarded(const struct doctor *doctor,
                       const struct session_subscription_view *view)
{
    if (view->core.discarded == 0) {
        return;
    }
    doctor_find(
        doctor, "discarded",
        "Make the client read or acknowledge faster, or raise the limit "
        "(pendingMessageLimitStrategy of the policy, max-pending of "
        "the SUBSCRIBE).",
        DOCTOR_SUB " is too slow: %llu messages were discarded, %llu "
                   "wait.",
        DOCTOR_SUB_ARGS(view), (unsigned long long)view->core.discarded,
        (unsigned long long)view->core.pending);
}

/* A queue for a topic's name, and the other way round; NULL when nothing was
 * sent there either. */
static const struct destination *
doctor_twin(const struct doctor *doctor, const struct destination *dest)
{
    const struct destination *twin = NULL;

    if (dest->kind == DESTINATION_QUEUE || dest->kind == DESTINATION_TOPIC) {
        twin = destination_find(doctor->session->core,
                                dest->kind == DESTINATION_QUEUE
                                    ? DESTINATION_TOPIC
                                    : DESTINATION_QUEUE,
                                destination_name_get(dest));
    }
    return twin != NULL && twin->enqueued_count > 0 ? twin : NULL;
}

static void
doctor_check_unsent(const struct doctor *doctor,
                    const struct session_subscription_view *view)
{
    const struct core_subscription_view *core = &view->core;
    const struct destination *twin;
    char name[DOCTOR_NAME_BYTES];

    if (core->enqueued + core->waiting + core->in_flight > 0) {
        return;
    }
    twin = core->one != NULL ? doctor_twin(doctor, core->one) : NULL;
    if (twin != NULL) {
        doctor_find(doctor, "nothing-sent",
                    "Let both sides use the same prefix, /queue/ or /topic/.",
                    DOCTOR_SUB " gets nothing: nobody has sent there, but %llu "
                               "messages were sent to %s.",
                    DOCTOR_SUB_ARGS(view),
                    (unsigned long long)twin->enqueued_count,
                    doctor_name(twin, name));
    } else if (view->age_us >= doctor->patience_us) {
        doctor_find(doctor, "nothing-sent",
                    "Compare the name with the producer's (stompctl status "
                    "queues, stompctl status topics), case and all.",
                    DOCTOR_SUB " gets nothing: %s for %lld s.",
                    DOCTOR_SUB_ARGS(view),
                    core->destinations == 0
                        ? "there has been no destination that it matches"
                        : "nobody has sent there",
                    doctor_age(view->age_us));
    }
}

static void
doctor_check_selector(const struct doctor *doctor,
                      const struct session_subscription_view *view)
{
    const struct core_subscription_view *core = &view->core;

    if (core->selector_looks == 0 || core->selector_picks > 0) {
        return;
    }
    doctor_find(doctor, "selector",
                "Compare its names with the headers of the messages, case and "
                "all; a name that no message has makes a comparison neither "
                "true nor false.",
                DOCTOR_SUB " gets nothing: its selector \"%s\" matched none of "
                           "the %llu messages that it was asked about.",
                DOCTOR_SUB_ARGS(view), SESSION_TEXT(core->selector),
                (unsigned long long)core->selector_looks);
}

static void
doctor_check_standby(const struct doctor *doctor,
                     const struct session_subscription_view *view)
{
    if (view->core.standby) {
        doctor_find(doctor, "standby",
                    "Nothing, if it is meant as a spare; else subscribe "
                    "without exclusive:true, or with a higher "
                    "consumer-priority.",
                    DOCTOR_SUB " stands by: another consumer has the queue for "
                               "itself.",
                    DOCTOR_SUB_ARGS(view));
    }
}

void
doctor_check_subscription(const struct doctor *doctor,
                          const struct session_subscription_view *view)
{
    static doctor_subscription_fn *const checks[] = {
        doctor_check_no_acks,   doctor_check_forgotten, doctor_check_auto,
        doctor_check_discarded, doctor_check_unsent,    doctor_check_selector,
        doctor_check_standby,
    };

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        checks[i](doctor, view);
    }
}
