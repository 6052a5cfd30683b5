/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replays a corpus without libFuzzer, so that `make check` holds every input
 * that once found something.  Runs the files named on the command line, else
 * those of $top_srcdir/test/fuzz/corpus/NAME for the program fuzz_NAME.
 * Prints TAP; fails when a file cannot be read or there is none.
 */
#include "test/fuzz/fuzz_target.h"

#include "base/alloc.h"
#include "base/buf.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLAY_CHUNK_BYTES = 65536 };

struct replay {
    unsigned count;
    unsigned failed;
};

static bool
replay_read(const char *path, struct buf *out)
{
    FILE *file = fopen(path, "rb");
    size_t got = 1;
    bool fine;

    if (file == NULL) {
        return false;
    }
    while (got > 0) {
        got = fread(buf_reserve(out, REPLAY_CHUNK_BYTES), 1, REPLAY_CHUNK_BYTES,
                    file);
        out->len += got;
    }
    fine = ferror(file) == 0;
    (void)fclose(file);
    return fine;
}

/* A fault aborts the program: the TAP driver misses the plan then. */
static void
replay_file(struct replay *replay, const char *path)
{
    struct buf input = BUF_INIT;
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;

    replay->count++;
    if (!replay_read(path, &input)) {
        replay->failed++;
        (void)printf("not ok %u - %s: %s\n", replay->count, name,
                     strerror(errno));
    } else {
        (void)LLVMFuzzerTestOneInput((const uint8_t *)input.data, input.len);
        (void)printf("ok %u - %s\n", replay->count, name);
    }
    (void)fflush(stdout);
    buf_fini(&input);
}

static int
replay_is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static void
replay_directory(struct replay *replay, const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, replay_is_visible, alphasort);

    for (int i = 0; i < count; i++) {
        char *file = xasprintf("%s/%s", path, entries[i]->d_name);

        replay_file(replay, file);
        free(file);
        free(entries[i]);
    }
    free(entries);
}

static char *
replay_corpus_of(const char *program)
{
    const char *slash = strrchr(program, '/');
    const char *name = slash != NULL ? slash + 1 : program;
    const char *top = getenv("top_srcdir");

    if (strncmp(name, "fuzz_", 5) == 0) {
        name += 5;
    }
    return xasprintf("%s/test/fuzz/corpus/%s", top != NULL ? top : ".", name);
}

int
main(int argc, char **argv)
{
    struct replay replay = { .count = 0 };

    for (int i = 1; i < argc; i++) {
        replay_file(&replay, argv[i]);
    }
    if (argc <= 1) {
        char *corpus = replay_corpus_of(argv[0]);

        replay_directory(&replay, corpus);
        if (replay.count == 0) {
            (void)printf("Bail out! no input in %s\n", corpus);
        }
        free(corpus);
    }
    (void)printf("1..%u\n", replay.count);
    return replay.count > 0 && replay.failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
