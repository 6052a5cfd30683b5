/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of a selector that mean a property of the message.
 */
#pragma once
#include "policy/selector.h"

/* SELECTOR_FIELD_NONE for the name of a header. */
enum selector_field selector_field_of(struct span name);

/* Whether its values are texts, so that one value has one spelling. */
bool selector_field_is_text(enum selector_field field);
