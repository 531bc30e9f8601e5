/* What is timed inside: system calls, arithmetic, and a walk over many small files. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "payload.h"

enum { LONGEST_PATH = 4096, BUFFER_BYTES = 65536 };

long long now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* getppid is the cheapest call that really enters the kernel; syscall() keeps the C library from
 * answering it by itself. */
int bench_syscalls(int count, char **arguments) {
    (void)count;
    long calls = number(arguments[0]), repetitions = number(arguments[1]);
    for (long repetition = 0; repetition < repetitions; repetition++) {
        long long start = now_ns();
        for (long i = 0; i < calls; i++)
            syscall(SYS_getppid);
        long long elapsed = now_ns() - start;
        line_begin("syscalls");
        line_number("repetition", repetition);
        line_number("calls", calls);
        line_number("elapsed_ns", elapsed);
        line_end();
    }
    return 0;
}

/* A fixed amount of integer and floating-point work in registers: a xorshift generator (Marsaglia
 * 2003, Journal of Statistical Software 8:14) feeds a logistic map. The checksum proves that the
 * same work was done; no memory and no system call is involved. */
int bench_cpu(int count, char **arguments) {
    (void)count;
    long rounds = number(arguments[0]), repetitions = number(arguments[1]);
    for (long repetition = 0; repetition < repetitions; repetition++) {
        uint64_t state = 88172645463325252ULL;
        double x = 0.5;
        long long start = now_ns();
        for (long i = 0; i < rounds; i++) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            x = 3.75 * x * (1.0 - x) + (double)(state & 0xff) * 0x1p-20;
            if (x > 0.96)
                x -= 0.5;
        }
        long long elapsed = now_ns() - start;
        char checksum[64];
        snprintf(checksum, sizeof checksum, "%016llx/%.12g", (unsigned long long)state, x);
        line_begin("cpu");
        line_number("repetition", repetition);
        line_number("rounds", rounds);
        line_number("elapsed_ns", elapsed);
        line_text("checksum", checksum);
        line_end();
    }
    return 0;
}

struct walk {
    long long largest, files, directories, bytes, errors;
};

static void read_whole(struct walk *walk, const char *path) {
    static char buffer[BUFFER_BYTES];
    ssize_t got;
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) {
        walk->errors++;
        return;
    }
    while ((got = read(file, buffer, sizeof buffer)) > 0)
        walk->bytes += got;
    if (got < 0)
        walk->errors++;
    else
        walk->files++;
    close(file);
}

static void walk_directory(struct walk *walk, char *path, size_t length) {
    DIR *directory = opendir(path);
    struct dirent *entry;
    if (!directory) {
        walk->errors++;
        return;
    }
    walk->directories++;
    while ((entry = readdir(directory))) {
        struct stat status;
        size_t name = strlen(entry->d_name);
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (length + 1 + name + 1 > LONGEST_PATH) {
            walk->errors++;
            continue;
        }
        path[length] = '/';
        memcpy(path + length + 1, entry->d_name, name + 1);
        if (lstat(path, &status) < 0)
            walk->errors++;
        else if (S_ISDIR(status.st_mode))
            walk_directory(walk, path, length + 1 + name);
        else if (S_ISREG(status.st_mode) && status.st_size <= walk->largest)
            read_whole(walk, path);
        path[length] = '\0';
    }
    closedir(directory);
}

int bench_walk(int count, char **arguments) {
    (void)count;
    static char path[LONGEST_PATH];
    struct walk walk = {.largest = number(arguments[1])};
    size_t length = strlen(arguments[0]);
    if (length >= sizeof path)
        return 2;
    memcpy(path, arguments[0], length + 1);
    long long start = now_ns();
    walk_directory(&walk, path, length);
    long long elapsed = now_ns() - start;
    line_begin("walk");
    line_number("files", walk.files);
    line_number("directories", walk.directories);
    line_number("bytes", walk.bytes);
    line_number("errors", walk.errors);
    line_number("elapsed_ns", elapsed);
    line_end();
    return 0;
}
