/* What many small operations cost: looking files up, opening them, starting programs, walking. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "payload.h"

enum { LONGEST_PATH = 4096, MOST_FILES = 1024, MOST_OPEN = 64, MOST_READERS = 64, READ_BYTES = 65536 };

/* The cores this process may run on: proof that it was pinned, or that it was not. */
static int allowed_cpus(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) < 0 ? 0 : CPU_COUNT(&set);
}

/* The regular files of a directory, without descending: the same ones in every form of an image. */
static long gather(const char *directory, char **paths) {
    char path[LONGEST_PATH];
    struct dirent *entry;
    struct stat status;
    long found = 0;
    DIR *listing = opendir(directory);
    while (listing && found < MOST_FILES && (entry = readdir(listing))) {
        int length = snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (length < (int)sizeof path && lstat(path, &status) == 0 && S_ISREG(status.st_mode))
            paths[found++] = strdup(path);
    }
    if (listing)
        closedir(listing);
    return found;
}

static int look_up(const char *path) {
    struct stat status;
    return stat(path, &status);
}

static int open_and_close(const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    return file < 0 ? -1 : close(file);
}

static int on_files(const char *what, int (*operation)(const char *), char **arguments) {
    static char *paths[MOST_FILES];
    long calls = number(arguments[1]), repetitions = number(arguments[2]);
    long files = gather(arguments[0], paths);
    for (long repetition = 0; files && repetition < repetitions; repetition++) {
        long errors = 0;
        long long start = now_ns();
        for (long i = 0; i < calls; i++)
            errors += operation(paths[i % files]) != 0;
        long long elapsed = now_ns() - start;
        line_begin(what);
        line_number("repetition", repetition);
        line_number("calls", calls);
        line_number("files", files);
        line_number("errors", errors);
        line_number("cpus", allowed_cpus());
        line_number("elapsed_ns", elapsed);
        line_end();
    }
    return 0;
}

int bench_lookups(int count, char **arguments) {
    (void)count;
    return on_files("lookups", look_up, arguments);
}

int bench_opens(int count, char **arguments) {
    (void)count;
    return on_files("opens", open_and_close, arguments);
}

/* Gives the bytes of a file, read to its end; -1 where it could not be. */
static long long read_whole(const char *path) {
    static char buffer[READ_BYTES];
    long long bytes = 0;
    ssize_t got;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return -1;
    while ((got = read(file, buffer, sizeof buffer)) > 0)
        bytes += got;
    return close(file) < 0 || got < 0 ? -1 : bytes;
}

static int by_name(const void *one, const void *other) {
    return strcmp(*(char *const *)one, *(char *const *)other);
}

/* What one reader has to say at its end, in one write. */
struct account {
    long long bytes, errors;
};

/* Waits until the starting pipe is closed, then reads so many files, beginning at its own. */
static void read_files(int starting, int telling, char **paths, long files, long first, long calls) {
    struct account own = {0, 0};
    char nothing;
    own.errors += read(starting, &nothing, 1) != 0;
    for (long i = 0; i < calls; i++) {
        long long bytes = read_whole(paths[(first + i) % files]);
        own.errors += bytes < 0;
        own.bytes += bytes < 0 ? 0 : bytes;
    }
    _exit(write(telling, &own, sizeof own) != sizeof own);
}

/* Several readers at once, each opening, reading and closing files of one directory: what a file system that
 * is served by one process, or by one thread, shares out among them. The time is that until the last ends. */
int bench_reads(int count, char **arguments) {
    (void)count;
    static char *paths[MOST_FILES];
    long calls = number(arguments[1]), repetitions = number(arguments[2]), readers = number(arguments[3]);
    long files = gather(arguments[0], paths);
    /* Each file system lists a directory in an order of its own, and the last round may be a part of one. */
    qsort(paths, files, sizeof paths[0], by_name);
    if (readers < 1 || readers > MOST_READERS)
        return 2;
    for (long repetition = 0; files && repetition < repetitions; repetition++) {
        int starting[2], telling[2];
        struct account one, all = {0, 0};
        long begun = 0, ended = 0;
        if (pipe(starting) < 0 || pipe(telling) < 0)
            return 1;
        for (long reader = 0; reader < readers; reader++) {
            pid_t child = fork();
            if (child == 0) {
                close(starting[1]);
                close(telling[0]);
                read_files(starting[0], telling[1], paths, files, reader * files / readers, calls);
            }
            begun += child > 0;
        }
        close(starting[0]);
        close(telling[1]);
        long long start = now_ns();
        close(starting[1]);
        while (read(telling[0], &one, sizeof one) == sizeof one) {
            ended++;
            all.bytes += one.bytes;
            all.errors += one.errors;
        }
        long long elapsed = now_ns() - start;
        close(telling[0]);
        while (wait(NULL) > 0)
            ;
        line_begin("reads");
        line_number("repetition", repetition);
        line_number("calls", calls);
        line_number("files", files);
        line_number("readers", begun);
        line_number("bytes", all.bytes);
        line_number("errors", all.errors + (readers - ended));
        line_number("cpus", allowed_cpus());
        line_number("elapsed_ns", elapsed);
        line_end();
    }
    return 0;
}

/* Starts a program that does nothing, again and again: fork, exec, the end, and hearing of it. */
int bench_execs(int count, char **arguments) {
    (void)count;
    long calls = number(arguments[1]), repetitions = number(arguments[2]);
    for (long repetition = 0; repetition < repetitions; repetition++) {
        long errors = 0;
        long long start = now_ns();
        for (long i = 0; i < calls; i++) {
            int status = -1;
            pid_t child = fork();
            if (child == 0) {
                execl(arguments[0], arguments[0], "nothing", (char *)NULL);
                _exit(1);
            }
            errors += child < 0 || waitpid(child, &status, 0) != child || status != 0;
        }
        long long elapsed = now_ns() - start;
        line_begin("execs");
        line_number("repetition", repetition);
        line_number("calls", calls);
        line_number("errors", errors);
        line_number("elapsed_ns", elapsed);
        line_end();
    }
    return 0;
}

static struct {
    long long files, directories, others, errors;
} walked;

static int count_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)path;
    (void)place;
    if (kind == FTW_DNR || kind == FTW_NS)
        walked.errors++;
    else if (kind == FTW_D)
        walked.directories++;
    else if (S_ISREG(status->st_mode))
        walked.files++;
    else
        walked.others++;
    return 0;
}

int bench_tree(int count, char **arguments) {
    (void)count;
    long long start = now_ns();
    if (nftw(arguments[0], count_entry, MOST_OPEN, FTW_PHYS) != 0)
        walked.errors++;
    long long elapsed = now_ns() - start;
    line_begin("tree");
    line_number("files", walked.files);
    line_number("directories", walked.directories);
    line_number("others", walked.others);
    line_number("errors", walked.errors);
    line_number("elapsed_ns", elapsed);
    line_end();
    return 0;
}
