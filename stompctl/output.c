/* SPDX-License-Identifier: Apache-2.0 */
#include "stompctl/output.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

int
output_open(struct output *output, const char *path, struct error *err)
{
    struct stat st;

    if (path == NULL) {
        output->file = stdout;
        return 0;
    }
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        output->directory = path;
        return 0;
    }
    if (path[0] != '\0' && path[strlen(path) - 1] == '/') {
        return error_set(err, "there is no directory \"%s\": make it first",
                         path);
    }
    output->file = fopen(path, "we");
    if (output->file == NULL) {
        return error_set(err, "cannot write \"%s\": %s", path, strerror(errno));
    }
    return 0;
}

static void
output_put(FILE *file, struct span text)
{
    (void)fwrite(text.data, 1, text.len, file); /* fflush reports */
}

/* Values are shown as they stand, except that line ends in them are escaped as
 * STOMP does, so that the block stays one line a header. */
static void
output_headers(FILE *file, const struct frame *frame)
{
    struct buf line = BUF_INIT;

    for (size_t i = 0; i < frame->header_count; i++) {
        header_append(&line, frame->headers[i].name, frame->headers[i].value,
                      STOMP_1_2);
    }
    buf_append_char(&line, '\n');
    output_put(file, buf_span(&line));
    buf_fini(&line);
}

static int
output_message(const struct output *output, FILE *file,
               const struct frame *frame)
{
    struct span body = frame->body;

    if (output->headers) {
        output_headers(file, frame);
    }
    output_put(file, body);
    switch (output->end) {
    case OUTPUT_LINE:
        if (body.len == 0 || body.data[body.len - 1] != '\n') {
            output_put(file, SPAN("\n"));
        }
        break;
    case OUTPUT_NUL:
        output_put(file, span_of("", 1));
        break;
    case OUTPUT_RAW:
        break;
    }
    return fflush(file);
}

static int
output_write_file(const struct output *output, const struct frame *frame,
                  struct error *err)
{
    char *path = xasprintf("%s/%06llu", output->directory,
                           (unsigned long long)output->count + 1);
    FILE *file = fopen(path, "wxe");
    int result = -1;

    if (file != NULL) {
        result = output_message(output, file, frame);
        result = fclose(file) == 0 ? result : -1;
    }
    if (result != 0) {
        (void)error_set(err, "cannot write \"%s\": %s", path, strerror(errno));
    }
    free(path);
    return result;
}

int
output_write(struct output *output, const struct frame *frame,
             struct error *err)
{
    if (output->directory != NULL) {
        if (output_write_file(output, frame, err) != 0) {
            return -1;
        }
    } else if (output_message(output, output->file, frame) != 0) {
        return error_set(err, "cannot write the message: %s", strerror(errno));
    }
    output->count++;
    return 0;
}

int
output_close(struct output *output, struct error *err)
{
    FILE *file = output->file;

    output->file = NULL;
    if (file == NULL || file == stdout || fclose(file) == 0) {
        return 0;
    }
    return error_set(err, "cannot write the messages: %s", strerror(errno));
}
