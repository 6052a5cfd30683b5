/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a destination keeps of the policy that it was made with when another
 * one comes.  The rows of these fields have `stays` in policy_keys.h.
 */
#include "policy/policy.h"

#include "base/alloc.h"

#include <string.h>

static bool
policy_same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
policy_same_dispatch(const struct policy *a, const struct policy *b)
{
    return a->topic_dispatch == b->topic_dispatch &&
           a->queue_dispatch == b->queue_dispatch &&
           a->prioritized_messages == b->prioritized_messages &&
           policy_same_text(a->topic_dispatch_parameters.ptp_client_id,
                            b->topic_dispatch_parameters.ptp_client_id) &&
           policy_same_text(a->topic_dispatch_parameters.ptp_suffix,
                            b->topic_dispatch_parameters.ptp_suffix);
}

static bool
policy_same_groups(const struct policy *a, const struct policy *b)
{
    const struct message_group_parameters *x = &a->message_group_parameters;
    const struct message_group_parameters *y = &b->message_group_parameters;

    return a->message_groups == b->message_groups &&
           x->cache_size == y->cache_size &&
           x->bucket_count == y->bucket_count &&
           x->bucket_cache_size == y->bucket_cache_size;
}

static bool
policy_same_recovery(const struct policy *a, const struct policy *b)
{
    const struct recovery_parameters *x = &a->recovery_parameters;
    const struct recovery_parameters *y = &b->recovery_parameters;

    return a->recovery == b->recovery && x->duration_us == y->duration_us &&
           x->count == y->count && x->bytes == y->bytes &&
           x->shared_buffer == y->shared_buffer && x->wrapped == y->wrapped &&
           policy_same_text(x->query, y->query);
}

struct policy *
policy_carry_over(struct policy *made, struct policy *fresh)
{
    struct policy *policy;

    if (policy_same_dispatch(made, fresh) && policy_same_groups(made, fresh) &&
        policy_same_recovery(made, fresh)) {
        return policy_ref(fresh);
    }
    /* What it was first made with holds the texts, however many reloads there
     * were since. */
    made = made->carried[0] != NULL ? made->carried[0] : made;
    policy = xmalloc(sizeof(*policy));
    *policy = *fresh;
    policy->topic_dispatch = made->topic_dispatch;
    policy->topic_dispatch_parameters = made->topic_dispatch_parameters;
    policy->queue_dispatch = made->queue_dispatch;
    policy->prioritized_messages = made->prioritized_messages;
    policy->message_groups = made->message_groups;
    policy->message_group_parameters = made->message_group_parameters;
    policy->recovery = made->recovery;
    policy->recovery_parameters = made->recovery_parameters;
    policy->refs = 1;
    policy->carried[0] = policy_ref(made);
    policy->carried[1] = policy_ref(fresh);
    return policy;
}
