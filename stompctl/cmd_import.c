/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stompctl import-activemq: an activemq.xml as a policy file.
 */
#include "stompctl/activemq.h"
#include "stompctl/command.h"
#include "stompctl/policy_show.h"

#include "base/buf.h"
#include "policy/json_check.h"

#include <sysexits.h>
#include <unistd.h>

static const char import_help[] =
    "usage: stompctl import-activemq FILE\n"
    "Prints a policy file that says what <destinationPolicy>,\n"
    "<destinationInterceptors>, <redeliveryPlugin> and the flags\n"
    "useMirroredQueues and useVirtualTopics of the ActiveMQ configuration\n"
    "FILE say. What has no counterpart is told on standard error, with its\n"
    "line and why.\n"
    "\n"
    "Exit code 0: printed; 65: FILE is not such a configuration; 66: it "
    "cannot\n"
    "be read; 69: this stompctl was built without libxml2.\n";

#ifdef HAVE_LIBXML2

enum { IMPORT_FILE_MAX = 16 * 1024 * 1024 };

static void
import_on_note(void *ctx, unsigned line, const char *text)
{
    (void)fprintf(stderr, "%s:%u: %s\n", (const char *)ctx, line, text);
}

static int
import_file(const char *path)
{
    struct buf text = BUF_INIT;
    struct error err = ERROR_INIT;
    struct faults faults;
    json_t *file;

    faults_clear(&faults);
    if (!json_check_read_file(path, IMPORT_FILE_MAX, &text, &faults)) {
        faults_print(&faults, stderr);
        return EX_NOINPUT;
    }
    file = activemq_import(buf_span(&text), import_on_note,
                           (void *)(uintptr_t)path, &err);
    buf_fini(&text);
    if (file == NULL) {
        (void)fprintf(stderr, "%s:%u: %s\n", path, err.line, err.text);
        return EX_DATAERR;
    }
    policy_show_json(file, stdout);
    json_decref(file);
    return fflush(stdout) == 0 ? 0 : EX_IOERR;
}

#else

static int
import_file(const char *path)
{
    (void)fprintf(stderr,
                  "stompctl: cannot read %s: this stompctl was built "
                  "without libxml2 (package libxml2-dev)\n",
                  path);
    return EX_UNAVAILABLE;
}

#endif

static int
import_run(int argc, char **argv)
{
    struct error err = ERROR_INIT;

    if (argc != 2 || argv[1][0] == '-') {
        (void)error_set(&err, "it takes one file");
        return command_usage(&command_import, &err);
    }
    return import_file(argv[1]);
}

const struct command command_import = {
    .name = "import-activemq",
    .summary = "an activemq.xml as a policy file",
    .help = import_help,
    .run = import_run,
};
