/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes of a peer as text for people, in logs, errors and the admin API,
 * without the secrets in them: what stands behind a name such as passcode or
 * authorization is shown as "***".  Any thread.  Source: field.md P43.
 */
#pragma once
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether a header of that name holds a secret: passcode, password, token,
 * authorization, cookie and the like, wherever they stand in the name, in any
 * case and with anything but letters and digits between theirs ("X-Auth-Token",
 * "pass code").
 */
bool secret_is_name(struct span name);

/*
 * As span_escape, for a value: everything behind `NAME:` or `NAME=` is masked.
 * So "guest\npasscode:p" without its line end shows no passcode, nor does
 * "/ws?access_token=t", while "/queue/tokens" stays as it is.
 */
const char *secret_escape(struct span value, char *text, size_t size);

/*
 * As span_escape, for a line of a frame that could not be read: everything
 * behind a secret's name is masked, whatever stands between.
 */
const char *secret_escape_line(struct span line, char *text, size_t size);
