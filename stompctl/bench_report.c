/* SPDX-License-Identifier: Apache-2.0 */
/* What a benchmark found, as text for a person or one JSON object. */
#include "stompctl/bench.h"

struct bench_rate {
    double sent;
    double received;
    double seconds;
};

static double
bench_per_second(uint64_t count, int64_t from_ns, int64_t to_ns)
{
    return to_ns > from_ns ? (double)count * 1e9 / (double)(to_ns - from_ns)
                           : 0;
}

static struct bench_rate
bench_rates(const struct bench *bench)
{
    int64_t end_ns = bench->last_received_ns > bench->last_sent_ns
                         ? bench->last_received_ns
                         : bench->last_sent_ns;

    return (struct bench_rate){
        .sent =
            bench_per_second(bench->sent, bench->start_ns, bench->last_sent_ns),
        .received = bench_per_second(bench->received, bench->start_ns,
                                     bench->last_received_ns),
        .seconds = (double)(end_ns - bench->start_ns) / 1e9,
    };
}

static const struct bench_percentile {
    const char *name;
    double share;
} bench_percentiles[] = {
    { "p50", 0.5 },
    { "p90", 0.9 },
    { "p99", 0.99 },
    { "p99.9", 0.999 },
};
enum { BENCH_PERCENTILES = 4 };

static void
bench_report_latency_text(FILE *out, const char *name,
                          const struct histogram *histogram)
{
    if (histogram->count == 0) {
        return;
    }
    (void)fprintf(out, "%-11s", name);
    for (size_t i = 0; i < BENCH_PERCENTILES; i++) {
        (void)fprintf(out, "%s %.1f us  ", bench_percentiles[i].name,
                      (double)histogram_percentile(histogram,
                                                   bench_percentiles[i].share) /
                          1e3);
    }
    (void)fprintf(out, "max %.1f us\n", (double)histogram->max_ns / 1e3);
}

static void
bench_report_text(const struct bench *bench, FILE *out)
{
    struct bench_rate rate = bench_rates(bench);
    double mib = rate.received * (double)bench->options->size / 1048576;

    (void)fprintf(out, "sent       %llu messages, %.0f/s\n",
                  (unsigned long long)bench->sent, rate.sent);
    if (bench->expected > 0) {
        (void)fprintf(out, "received   %llu of %llu, %.0f/s, %.1f MiB/s\n",
                      (unsigned long long)bench->received,
                      (unsigned long long)bench->expected, rate.received, mib);
    }
    if (bench->options->window > 0) {
        (void)fprintf(out, "receipts   %llu of %llu\n",
                      (unsigned long long)bench->receipts,
                      (unsigned long long)bench->sent);
    }
    bench_report_latency_text(out, "end to end", &bench->latency);
    bench_report_latency_text(out, "receipt", &bench->receipt_latency);
    (void)fprintf(out, "time       %.3f s, of it %.3f s CPU of stompctl\n",
                  rate.seconds, (double)bench->cpu_us / 1e6);
    (void)fprintf(out,
                  "check      %s: lost %llu, doubled %llu, out of order %llu, "
                  "not ours %llu%s\n",
                  bench_is_good(bench) ? "good" : "FAILED",
                  (unsigned long long)(bench->expected - bench->received),
                  (unsigned long long)bench->duplicated,
                  (unsigned long long)bench->disordered,
                  (unsigned long long)bench->foreign,
                  bench->timed_out ? " (gave up waiting)" : "");
}

static void
bench_report_latency_json(FILE *out, const char *name,
                          const struct histogram *histogram)
{
    if (histogram->count == 0) {
        return;
    }
    (void)fprintf(out, ",\"%s\":{", name);
    for (size_t i = 0; i < BENCH_PERCENTILES; i++) {
        (void)fprintf(out, "\"%s\":%.1f,", bench_percentiles[i].name,
                      (double)histogram_percentile(histogram,
                                                   bench_percentiles[i].share) /
                          1e3);
    }
    (void)fprintf(out, "\"max\":%.1f}", (double)histogram->max_ns / 1e3);
}

static void
bench_report_json(const struct bench *bench, FILE *out)
{
    struct bench_rate rate = bench_rates(bench);

    (void)fprintf(out,
                  "{\"good\":%s,\"sent\":%llu,\"expected\":%llu,"
                  "\"received\":%llu,\"receipts\":%llu,\"lost\":%llu,"
                  "\"doubled\":%llu,\"outOfOrder\":%llu,\"notOurs\":%llu,"
                  "\"sendRate\":%.0f,\"receiveRate\":%.0f,"
                  "\"seconds\":%.6f,\"cpuSeconds\":%.6f",
                  bench_is_good(bench) ? "true" : "false",
                  (unsigned long long)bench->sent,
                  (unsigned long long)bench->expected,
                  (unsigned long long)bench->received,
                  (unsigned long long)bench->receipts,
                  (unsigned long long)(bench->expected - bench->received),
                  (unsigned long long)bench->duplicated,
                  (unsigned long long)bench->disordered,
                  (unsigned long long)bench->foreign, rate.sent, rate.received,
                  rate.seconds, (double)bench->cpu_us / 1e6);
    bench_report_latency_json(out, "latencyUs", &bench->latency);
    bench_report_latency_json(out, "receiptUs", &bench->receipt_latency);
    (void)fputs("}\n", out);
}

void
bench_report(const struct bench *bench, FILE *out)
{
    if (bench->options->json) {
        bench_report_json(bench, out);
    } else {
        bench_report_text(bench, out);
    }
    (void)fflush(out);
}
