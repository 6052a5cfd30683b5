/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a new journal is made, and how it takes its place: it is filled at
 * DIRECTORY/NAME/journal and moved to DIRECTORY/journal when it is whole, so
 * that there is all of it or nothing.  A broker refuses a directory in which
 * such a NAME was left behind.  For tools.
 */
#pragma once
#include "base/error.h"
#include "storage/store_record.h"

#define STORE_PLACE_IMPORTING "importing"
#define STORE_PLACE_REPAIRING "repairing"

/* Makes directory when it is missing.  Returns 0 when a store may be made in
 * it, or -1 with an error: there is one, or something of another program. */
int store_place_empty(const char *directory, struct error *err);

/* The directory to build in, new and empty: directory/name.  What an earlier
 * attempt left there is removed.  Returns it to free, or NULL with an error:
 * somebody is at work there. */
char *store_place_make(const char *directory, const char *name,
                       struct error *err);

/* The LevelDB store that was built in place is to be the one that format tells
 * of: its id and its age.  After the finish. */
int store_place_format(const char *place, const struct store_format *format,
                       struct error *err);

/* Removes what was left at directory/name. */
int store_place_clear(const char *directory, const char *name,
                      struct error *err);

/* Moves place/journal to directory/journal and removes place.  When there is a
 * journal already, that one goes to aside, in one step; aside NULL: there is
 * none. */
int store_place_move(const char *place, const char *directory,
                     const char *aside, struct error *err);
