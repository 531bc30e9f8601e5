/* Bytes: written and made durable, read from disk, thrown out of the page cache, sent to oneself. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "payload.h"

enum { BLOCK = 1 << 20, WORDS = BLOCK / 8, MOST_OPEN = 64 };

static uint64_t block[WORDS];

/* Numbers that no file system can compress, and that are the same each time. */
static void fill(uint64_t seed) {
    uint64_t state = 88172645463325252ULL + seed;
    for (long i = 0; i < WORDS; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        block[i] = state;
    }
}

static uint64_t sum_of_block(ssize_t bytes) {
    uint64_t sum = 0;
    for (ssize_t i = 0; i < bytes / 8; i++)
        sum += block[i];
    return sum;
}

static void report(const char *what, int error, long long bytes, uint64_t sum, long long elapsed) {
    char checksum[32];
    snprintf(checksum, sizeof checksum, "%016llx", (unsigned long long)sum);
    line_begin(what);
    line_result(error);
    line_number("errors", error != 0);
    line_number("bytes", bytes);
    line_text("checksum", checksum);
    line_number("elapsed_ns", elapsed);
    line_end();
}

/* A new file, written a megabyte at a time; the time ends when the device has it (fsync). */
int transfer_write(int count, char **arguments) {
    (void)count;
    long blocks = number(arguments[1]) / BLOCK;
    long long elapsed = 0;
    uint64_t sum = 0;
    int error = 0, file = open(arguments[0], O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0)
        error = errno;
    for (long i = 0; !error && i < blocks; i++) {
        fill((uint64_t)i);
        sum += sum_of_block(BLOCK);
        long long start = now_ns();
        ssize_t wrote = write(file, block, BLOCK);
        elapsed += now_ns() - start;
        if (wrote != BLOCK)
            error = wrote < 0 ? errno : ENOSPC;
    }
    long long start = now_ns();
    if (!error && fsync(file) < 0)
        error = errno;
    elapsed += now_ns() - start;
    if (file >= 0)
        close(file);
    report("bind-write", error, blocks * (long long)BLOCK, sum, elapsed);
    return 0;
}

/* A whole file, a megabyte at a time, after the kernel was asked to forget its pages. */
int transfer_read(int count, char **arguments) {
    (void)count;
    long long bytes = 0, elapsed = 0;
    uint64_t sum = 0;
    int error = 0, file = open(arguments[0], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        error = errno;
    else
        error = posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    while (!error) {
        long long start = now_ns();
        ssize_t got = read(file, block, BLOCK);
        elapsed += now_ns() - start;
        if (got < 0)
            error = errno;
        if (got <= 0)
            break;
        bytes += got;
        sum += sum_of_block(got);
    }
    if (file >= 0)
        close(file);
    report("bind-read", error, bytes, sum, elapsed);
    return 0;
}

static struct {
    long long files, bytes, resident, errors;
} evicted;

static long long resident_bytes(int file, off_t size) {
    long page = sysconf(_SC_PAGESIZE);
    size_t pages = ((size_t)size + (size_t)page - 1) / (size_t)page, found = 0;
    unsigned char *map = malloc(pages);
    void *memory = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, file, 0);
    if (!map || memory == MAP_FAILED || mincore(memory, (size_t)size, map) < 0)
        evicted.errors++;
    else
        for (size_t i = 0; i < pages; i++)
            found += map[i] & 1;
    if (memory != MAP_FAILED)
        munmap(memory, (size_t)size);
    free(map);
    return (long long)found * page;
}

static int evict_file(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)place;
    if (kind != FTW_F || !S_ISREG(status->st_mode) || status->st_size == 0)
        return 0;
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0 || posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) != 0) {
        evicted.errors++;
    } else {
        evicted.files++;
        evicted.bytes += status->st_size;
        evicted.resident += resident_bytes(file, status->st_size);
    }
    if (file >= 0)
        close(file);
    return 0;
}

/* Asks the kernel to forget the pages of these files alone, and counts what it kept all the same. */
int transfer_evict(int count, char **arguments) {
    (void)count;
    if (nftw(arguments[0], evict_file, MOST_OPEN, FTW_PHYS) != 0)
        evicted.errors++;
    line_begin("evict");
    line_number("files", evicted.files);
    line_number("bytes", evicted.bytes);
    line_number("resident_bytes", evicted.resident);
    line_number("errors", evicted.errors);
    line_end();
    return 0;
}

static int send_all(struct sockaddr_in address, long blocks) {
    int line = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (line < 0 || connect(line, (struct sockaddr *)&address, sizeof address) < 0)
        return 1;
    for (long i = 0; i < blocks; i++)
        for (ssize_t done = 0, sent; done < BLOCK; done += sent)
            if ((sent = send(line, (char *)block + done, (size_t)(BLOCK - done), MSG_NOSIGNAL)) < 0)
                return 1;
    return close(line) < 0;
}

/* From one process to another over 127.0.0.1, within the same network namespace. */
int transfer_loopback(int count, char **arguments) {
    (void)count;
    long blocks = number(arguments[0]) / BLOCK;
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    long long bytes = 0, elapsed = 0;
    int error = 0, status = 0;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    fill(0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) < 0 ||
        listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&address, &size) < 0)
        error = errno;
    pid_t child = error ? -1 : fork();
    if (child == 0)
        _exit(send_all(address, blocks));
    if (child > 0) {
        int line = accept(listener, NULL, NULL);
        long long start = now_ns();
        ssize_t got = line < 0 ? -1 : 1;
        while (got > 0 && (got = recv(line, block, BLOCK, 0)) > 0)
            bytes += got;
        elapsed = now_ns() - start;
        if (got < 0)
            error = errno;
        if (waitpid(child, &status, 0) != child || status != 0)
            error = error ? error : EIO;
    }
    report("loopback", error, bytes, 0, elapsed);
    return 0;
}
