/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between a stopped store and its text (store_stream.h).
 */
#pragma once
#include "stompctl/store_stream.h"
#include "storage/store_check.h"

struct store_stopped;

struct store_export {
    const char *const *queues; /* those only; NULL: all */
    size_t queue_count;
    int (*progress)(void *ctx, uint64_t records, struct error *err);
    struct store_stream_counts counts; /* out */
};

/* Writes stopped to out.  Returns 0, or -1 with an error; a damaged store is
 * one: then what was written has no end, and nothing takes it for whole. */
int store_export_run(struct store_export *options,
                     struct store_stopped *stopped, FILE *out,
                     struct error *err);

struct store_import {
    bool edited;
    int (*progress)(void *ctx, uint64_t records, struct error *err);
    struct store_stream_counts counts; /* out */
};

/* Makes a store in directory, in which there must be none, from in.  Returns
 * 0, or -1 with an error, with none made; a broker then refuses directory until
 * an import succeeded. */
int store_import_run(struct store_import *options, const char *directory,
                     FILE *in, struct error *err);

/* Fills a store of any engine; format_out is what the text says of itself. */
struct store_build;
int store_import_into(struct store_import *options, struct store_build *build,
                      FILE *in, struct store_format *format_out,
                      struct error *err);
