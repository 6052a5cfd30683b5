/* SPDX-License-Identifier: Apache-2.0 */
#include "server/reload.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "policy/policy_load.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RELOAD_PATIENCE_S = 2 };

struct reload {
    struct reload_options options;
    struct reload_request *served;  /* what is being read is for them */
    struct reload_request *waiting; /* for the read after it */
    bool reading;
    pthread_t thread;
    pthread_mutex_t lock; /* of abandoned, and while the thread wakes us */
    bool abandoned;       /* there is nobody to wake any more */
    atomic_bool finished; /* the thread has set what follows */
    struct policy_map *fresh;
    struct faults faults;
};

struct reload *
reload_new(const struct reload_options *options)
{
    struct reload *reload = xcalloc(1, sizeof(*reload));

    reload->options = *options;
    (void)pthread_mutex_init(&reload->lock, NULL);
    return reload;
}

static void *
reload_thread(void *arg)
{
    struct reload *reload = arg;

    (void)policy_load_file(reload->options.path, &reload->fresh,
                           &reload->faults);
    (void)pthread_mutex_lock(&reload->lock);
    atomic_store(&reload->finished, true);
    if (!reload->abandoned) {
        reload->options.wake(reload->options.ctx);
    }
    (void)pthread_mutex_unlock(&reload->lock);
    return NULL;
}

/* A file on a dead server may never come: the end of stompd does not wait for
 * it.  The thread ends with the process and keeps its struct until then. */
static bool
reload_abandon(struct reload *reload)
{
    struct timespec until;
    int result;

    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += RELOAD_PATIENCE_S;
    if (!reload->reading ||
        pthread_timedjoin_np(reload->thread, NULL, &until) == 0) {
        reload->reading = false;
        return false;
    }
    (void)pthread_mutex_lock(&reload->lock);
    reload->abandoned = true;
    (void)pthread_mutex_unlock(&reload->lock);
    result = pthread_detach(reload->thread);
    assert(result == 0);
    (void)result;
    return true;
}

/* The thread takes no signals: they are the loop's. */
static int
reload_start_thread(struct reload *reload)
{
    sigset_t all;
    sigset_t before;
    int result;

    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    result = pthread_create(&reload->thread, NULL, reload_thread, reload);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return result;
}

static void
reload_begin(struct reload *reload)
{
    int result;

    reload->served = reload->waiting;
    reload->waiting = NULL;
    reload->fresh = NULL;
    faults_clear(&reload->faults);
    atomic_store(&reload->finished, false);
    result = reload_start_thread(reload);
    reload->reading = result == 0;
    if (result != 0) {
        (void)error_set_at(faults_next(&reload->faults), reload->options.path,
                           0, 0, "cannot start a thread to read it: %s",
                           strerror(result));
        atomic_store(&reload->finished, true);
        reload->options.wake(reload->options.ctx);
    }
}

void
reload_ask(struct reload *reload, bool dry_run, struct net_exchange *exchange)
{
    struct reload_request *request = xcalloc(1, sizeof(*request));

    request->dry_run = dry_run;
    request->exchange = exchange;
    LL_APPEND(reload->waiting, request);
    if (reload->served == NULL) {
        reload_begin(reload);
    }
}

static void
reload_requests_free(struct reload_request **requests)
{
    while (*requests != NULL) {
        struct reload_request *request = *requests;

        LL_DELETE(*requests, request);
        free(request);
    }
}

static void
reload_join(struct reload *reload)
{
    if (reload->reading) {
        (void)pthread_join(reload->thread, NULL);
        reload->reading = false;
    }
}

void
reload_poll(struct reload *reload)
{
    if (reload->served == NULL || !atomic_load(&reload->finished)) {
        return;
    }
    reload_join(reload);
    reload->options.done(reload->options.ctx, reload->served, reload->fresh,
                         &reload->faults);
    reload->fresh = NULL;
    reload_requests_free(&reload->served);
    if (reload->waiting != NULL) {
        reload_begin(reload);
    }
}

void
reload_free(struct reload **reload)
{
    struct reload *gone = *reload;

    *reload = NULL;
    if (gone == NULL) {
        return;
    }
    reload_requests_free(&gone->served);
    reload_requests_free(&gone->waiting);
    if (reload_abandon(gone)) {
        return;
    }
    policy_map_free(&gone->fresh);
    (void)pthread_mutex_destroy(&gone->lock);
    free(gone);
}
