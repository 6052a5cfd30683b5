/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What durable.c, the list, and durable_use.c, what is done to one, share.
 */
#pragma once
#include "server/core/durable.h"

struct durable *durable_find_by_name(const struct core *core,
                                     struct span client_id, struct span name);

/* A new one on the list, without destinations. */
struct durable *durable_new(struct core *core, struct span client_id,
                            struct span name);
void durable_target_add(struct durable *durable, bool wildcard,
                        struct span name);
/* text: one that can be parsed; empty: everything. */
void durable_set_selector(struct durable *durable, struct span text);

struct span durable_target_name(const struct durable_target *target);

/* Begins in every topic that it covers and is not in yet; retroactive: with
 * what that keeps of its past. */
void durable_cover(struct durable *durable, bool retroactive);

/* Writes it down, or that it has ended. */
void durable_define(const struct durable *durable, bool ends);

/* Takes it off the list and gives its memory back; its cursors are gone. */
void durable_free(struct durable *durable);
