/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a selector picks a message: the message's side of policy/selector.h.
 * Headers stand in wire form and are looked up at most once per message.
 */
#pragma once
#include "base/error.h"
#include "policy/selector.h"
#include "server/core/destination.h"

#include <stdbool.h>

/* selector_parse, for those who see the core alone: the text of a SUBSCRIBE.
 * err->column is the character at fault. */
int select_parse(struct span text, struct selector **selector_out,
                 struct error *err);

/* Whether sub, with or without a selector, wants the message; counted for the
 * admin API. */
bool select_for(struct subscription *sub, const struct destination *dest,
                const struct message *msg, uint32_t attempts);

/* attempts: how often it has been handed out before.  dest: where it is. */
bool select_matches(const struct selector *selector,
                    const struct destination *dest, const struct message *msg,
                    uint32_t attempts);
