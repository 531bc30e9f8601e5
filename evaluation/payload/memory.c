/* Memory and arithmetic on it: STREAM's triad, a matrix product, and a block of memory that is held. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "payload.h"

enum { TILE = 48, PAGE = 4096, WAIT_NS = 5000000 };

/* a = b + s c over arrays that no cache holds (J. D. McCalpin, Memory Bandwidth and Machine Balance,
 * IEEE TCCA Newsletter, December 1995). 24 bytes move per element; every element is checked. */
int bench_triad(int count, char **arguments) {
    (void)count;
    long elements = number(arguments[0]), repetitions = number(arguments[1]);
    double *a = malloc((size_t)elements * sizeof *a), *b = malloc((size_t)elements * sizeof *b),
           *c = malloc((size_t)elements * sizeof *c);
    if (!a || !b || !c)
        return 3;
    for (long i = 0; i < elements; i++) {
        a[i] = 0.0;
        b[i] = 2.0;
        c[i] = 0.5;
    }
    for (long repetition = 0; repetition < repetitions; repetition++) {
        double scale = 3.0 + (double)repetition;
        long errors = 0;
        long long start = now_ns();
        for (long i = 0; i < elements; i++)
            a[i] = b[i] + scale * c[i];
        long long elapsed = now_ns() - start;
        for (long i = 0; i < elements; i++)
            errors += a[i] != 2.0 + scale * 0.5;
        line_begin("triad");
        line_number("repetition", repetition);
        line_number("bytes", 3LL * elements * (long long)sizeof(double));
        line_number("errors", errors);
        line_number("elapsed_ns", elapsed);
        line_end();
    }
    free(a);
    free(b);
    free(c);
    return 0;
}

static void multiply_tile(long size, const double *a, const double *b, double *c, long i0, long k0, long j0) {
    long i1 = i0 + TILE < size ? i0 + TILE : size, k1 = k0 + TILE < size ? k0 + TILE : size,
         j1 = j0 + TILE < size ? j0 + TILE : size;
    for (long i = i0; i < i1; i++)
        for (long k = k0; k < k1; k++)
            for (long j = j0; j < j1; j++)
                c[i * size + j] += a[i * size + k] * b[k * size + j];
}

/* c = a b in tiles that fit a first-level cache. Our own plain kernel and not a BLAS, which chooses
 * other code for other processors: the same instructions everywhere. */
int bench_matrix(int count, char **arguments) {
    (void)count;
    long size = number(arguments[0]), repetitions = number(arguments[1]), cells = size * size;
    double *a = malloc((size_t)cells * sizeof *a), *b = malloc((size_t)cells * sizeof *b),
           *c = malloc((size_t)cells * sizeof *c);
    if (!a || !b || !c)
        return 3;
    for (long i = 0; i < cells; i++) {
        a[i] = (double)(i % 17) / 17.0;
        b[i] = (double)(i % 23) / 23.0;
    }
    for (long repetition = 0; repetition < repetitions; repetition++) {
        char checksum[32];
        double sum = 0.0;
        memset(c, 0, (size_t)cells * sizeof *c);
        long long start = now_ns();
        for (long i = 0; i < size; i += TILE)
            for (long k = 0; k < size; k += TILE)
                for (long j = 0; j < size; j += TILE)
                    multiply_tile(size, a, b, c, i, k, j);
        long long elapsed = now_ns() - start;
        for (long i = 0; i < cells; i++)
            sum += c[i] * (double)(i % 7);
        snprintf(checksum, sizeof checksum, "%.15g", sum);
        line_begin("matrix");
        line_number("repetition", repetition);
        line_number("operations", 2LL * cells * size);
        line_number("elapsed_ns", elapsed);
        line_text("checksum", checksum);
        line_end();
    }
    free(a);
    free(b);
    free(c);
    return 0;
}

/* Touches a block of memory, says so by PREFIX.ready, and holds it until there is PREFIX.go. */
int hold_memory(int count, char **arguments) {
    (void)count;
    long bytes = number(arguments[0]), seconds = number(arguments[2]);
    char go[4096];
    struct rusage usage;
    volatile char *block = malloc((size_t)bytes);
    if (!block || snprintf(go, sizeof go, "%s.go", arguments[1]) >= (int)sizeof go)
        return 3;
    for (long i = 0; i < bytes; i += PAGE)
        block[i] = 1;
    int error = mark_file(arguments[1], ".ready", getpid());
    long long end = now_ns() + seconds * 1000000000LL;
    while (!error && access(go, F_OK) != 0 && now_ns() < end)
        nanosleep(&(struct timespec){.tv_nsec = WAIT_NS}, NULL);
    getrusage(RUSAGE_SELF, &usage);
    line_begin("hold");
    line_number("bytes", bytes);
    line_number("peak_bytes", usage.ru_maxrss * 1024LL);
    line_result(error);
    line_end();
    return 0;
}
