/* SPDX-License-Identifier: Apache-2.0 */
#include "server/state_directory.h"

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static char *
state_directory_choose(const char *given, struct error *err)
{
    const char *state = getenv("STATE_DIRECTORY");
    const char *xdg = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");

    if (given != NULL) {
        return xstrdup(given);
    }
    if (state != NULL && state[0] != '\0') {
        /* systemd lists several with colons; the first is ours. */
        return xstrndup(state, strcspn(state, ":"));
    }
    if (xdg != NULL && xdg[0] == '/') {
        return xasprintf("%s/stompd", xdg);
    }
    if (home != NULL && home[0] == '/') {
        return xasprintf("%s/.local/state/stompd", home);
    }
    (void)error_set(err, "no data directory: $HOME is not set; choose one "
                         "with -d DIRECTORY");
    return NULL;
}

/* Makes every directory above path. */
static int
state_directory_make_parents(char *path, struct error *err)
{
    for (char *slash = strchr(path + 1, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0755) != 0 && errno != EEXIST) {
            return error_set(err,
                             "cannot make the directory %s: %s; choose another "
                             "data directory with -d DIRECTORY",
                             path, strerrordesc_np(errno));
        }
        *slash = '/';
    }
    return 0;
}

char *
state_directory_find(const char *given, struct error *err)
{
    char *path = state_directory_choose(given, err);

    if (path != NULL && state_directory_make_parents(path, err) != 0) {
        free(path);
        return NULL;
    }
    return path;
}
