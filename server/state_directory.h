/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the broker keeps its state when nobody says otherwise.
 */
#pragma once
#include "base/error.h"

/*
 * The directory given (may be NULL), else $STATE_DIRECTORY (systemd), else
 * $XDG_STATE_HOME/stompd, else ~/.local/state/stompd.  Its parents are made
 * when they are missing, itself not.  Returns a copy to free, or NULL with a
 * sentence.
 */
char *state_directory_find(const char *given, struct error *err);
