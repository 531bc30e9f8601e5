/* One SHA-256 over an image's files as they are seen from inside, the same in every form of the image.
 *
 * Counted are kinds, paths, permissions of files, targets of links and contents, below the directories
 * that belong to the image, in byte order of the names. Left out: owners and directories' modes (id maps
 * and unprivileged unpacking change them), times, and the few files that runtimes mount over. It needs
 * nothing from the image, so that an image without an interpreter has a digest too.
 *
 * A second argument names the image's own list of paths, one a line, in byte order: what is not in it is
 * not the image's. Runtimes add files of their own (Shifter's /etc/udiImage); one that takes a file away or
 * changes it is still found out. A third argument ("entries") prints every line that is counted, so that
 * the first path that differs can be named. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "payload.h"

enum { LONGEST_PATH = 4096, BUFFER_BYTES = 1 << 18, BLOCK_BYTES = 64, DIGEST_BYTES = 32 };

static const char *const BELOW[] = {"bin", "etc", "lib", "lib64", "opt", "sbin", "usr"};
static const char *const MOUNTED_OVER[] = {"etc/group",  "etc/hostname",      "etc/hosts",
                                           "etc/host.conf", "etc/localtime", "etc/mtab",       "etc/passwd",
                                           "etc/resolv.conf", "etc/nsswitch.conf", "etc/.pwd.lock"};
#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

/* ---- SHA-256, FIPS 180-4 -------------------------------------------------------------------------- */

struct sha256 {
    uint32_t state[8];
    uint64_t bytes;
    unsigned char block[BLOCK_BYTES];
};

static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotated(uint32_t word, int by) { return word >> by | word << (32 - by); }

static void sha256_begin(struct sha256 *sum) {
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(sum->state, start, sizeof start);
    sum->bytes = 0;
}

static void sha256_block(uint32_t state[8], const unsigned char *block) {
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
               (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (rotated(a, 7) ^ rotated(a, 18) ^ a >> 3) + w[i - 7] +
               (rotated(b, 17) ^ rotated(b, 19) ^ b >> 10);
    }
    memcpy(v, state, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t one = v[7] + (rotated(v[4], 6) ^ rotated(v[4], 11) ^ rotated(v[4], 25)) +
                       ((v[4] & v[5]) ^ (~v[4] & v[6])) + K[i] + w[i];
        uint32_t two = (rotated(v[0], 2) ^ rotated(v[0], 13) ^ rotated(v[0], 22)) +
                       ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        v[7] = v[6], v[6] = v[5], v[5] = v[4], v[4] = v[3] + one;
        v[3] = v[2], v[2] = v[1], v[1] = v[0], v[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        state[i] += v[i];
}

static void sha256_add(struct sha256 *sum, const void *data, size_t size) {
    const unsigned char *bytes = data;
    size_t held = sum->bytes % BLOCK_BYTES;
    sum->bytes += size;
    if (held) {
        size_t take = size < BLOCK_BYTES - held ? size : BLOCK_BYTES - held;
        memcpy(sum->block + held, bytes, take);
        bytes += take, size -= take;
        if (held + take < BLOCK_BYTES)
            return;
        sha256_block(sum->state, sum->block);
    }
    for (; size >= BLOCK_BYTES; bytes += BLOCK_BYTES, size -= BLOCK_BYTES)
        sha256_block(sum->state, bytes);
    memcpy(sum->block, bytes, size);
}

static void sha256_end(struct sha256 *sum, char text[2 * DIGEST_BYTES + 1]) {
    unsigned char last[BLOCK_BYTES + 8] = {0x80};
    uint64_t bits = sum->bytes * 8;
    size_t held = sum->bytes % BLOCK_BYTES;
    size_t zeros = (held < 56 ? 56 : 120) - held;
    for (int i = 0; i < 8; i++)
        last[zeros + i] = (unsigned char)(bits >> (56 - 8 * i));
    sha256_add(sum, last, zeros + 8);
    for (int i = 0; i < 8; i++)
        sprintf(text + 8 * i, "%08x", sum->state[i]);
}

/* ---- the tree -------------------------------------------------------------------------------------- */

struct tree {
    struct sha256 sum;
    long long files, bytes, errors;
    char first_error[LONGEST_PATH + 128];
    char path[LONGEST_PATH];
    size_t root; /* how much of the path is not the image's own */
    char **own;  /* the image's own paths, in byte order; NULL when all are counted */
    size_t owns;
    long long added; /* paths that the image does not have; what lies below one is not counted again */
    char first_added[LONGEST_PATH];
    int print;
};

static void failed(struct tree *tree) {
    if (!tree->errors++)
        snprintf(tree->first_error, sizeof tree->first_error, "%s: %s", tree->path, strerror(errno));
}

static int file_sum(struct tree *tree, char text[2 * DIGEST_BYTES + 1]) {
    static unsigned char buffer[BUFFER_BYTES];
    struct sha256 sum;
    ssize_t got;
    int file = open(tree->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0)
        return -1;
    sha256_begin(&sum);
    while ((got = read(file, buffer, sizeof buffer)) > 0) {
        sha256_add(&sum, buffer, (size_t)got);
        tree->bytes += got;
    }
    close(file);
    sha256_end(&sum, text);
    return got < 0 ? -1 : 0;
}

static int by_bytes(const void *one, const void *two) {
    return strcmp(*(char *const *)one, *(char *const *)two);
}

/* The names in a directory, sorted; NULL when it cannot be read. It is closed before we descend: a deep
 * tree would use up the descriptors. */
static char **names_in(const char *path, size_t *count) {
    DIR *directory = opendir(path);
    struct dirent *entry;
    char **names = NULL;
    size_t room = 0;
    *count = 0;
    if (!directory)
        return NULL;
    while ((entry = readdir(directory))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (*count == room)
            names = realloc(names, (room = room ? 2 * room : 64) * sizeof *names);
        names[(*count)++] = strdup(entry->d_name);
    }
    closedir(directory);
    if (!names)
        return calloc(1, sizeof *names);
    qsort(names, *count, sizeof *names, by_bytes);
    return names;
}

/* The lines of a file, as they stand there; 0 when it cannot be read. */
static int own_paths(struct tree *tree, const char *path) {
    FILE *list = fopen(path, "re");
    char *line = NULL;
    size_t room = 0, size = 0;
    ssize_t got;
    if (!list)
        return 0;
    tree->own = calloc(1, sizeof *tree->own);
    while ((got = getline(&line, &size, list)) > 0) {
        if (line[got - 1] == '\n')
            line[got - 1] = '\0';
        if (tree->owns == room)
            tree->own = realloc(tree->own, (room = room ? 2 * room : 1024) * sizeof *tree->own);
        tree->own[tree->owns++] = strdup(line);
    }
    free(line);
    fclose(list);
    return 1;
}

static void entry(struct tree *tree, size_t length) {
    const char *own = tree->path + tree->root;
    char line[2 * LONGEST_PATH + 256], target[LONGEST_PATH], text[2 * DIGEST_BYTES + 1];
    struct stat status;
    for (size_t i = 0; i < COUNT(MOUNTED_OVER); i++)
        if (!strcmp(own, MOUNTED_OVER[i]))
            return;
    if (tree->own && !bsearch(&own, tree->own, tree->owns, sizeof *tree->own, by_bytes)) {
        if (!tree->added++)
            snprintf(tree->first_added, sizeof tree->first_added, "%s", own);
        return;
    }
    if (lstat(tree->path, &status) < 0) {
        failed(tree);
        return;
    }
    int used = snprintf(line, sizeof line, "%o %s", (unsigned)(status.st_mode & S_IFMT), own);
    if (S_ISLNK(status.st_mode)) {
        ssize_t size = readlink(tree->path, target, sizeof target - 1);
        if (size < 0)
            failed(tree);
        used += snprintf(line + used, sizeof line - used, " -> %.*s", size < 0 ? 0 : (int)size, target);
    } else if (S_ISREG(status.st_mode)) {
        if (file_sum(tree, text) < 0) {
            failed(tree);
            return;
        }
        tree->files++;
        used += snprintf(line + used, sizeof line - used, " %o %lld %s", (unsigned)(status.st_mode & 07777),
                         (long long)status.st_size, text);
    }
    line[used++] = '\n';
    sha256_add(&tree->sum, line, (size_t)used);
    if (tree->print)
        fwrite(line, 1, (size_t)used, stdout);
    if (!S_ISDIR(status.st_mode))
        return;
    size_t count;
    char **names = names_in(tree->path, &count);
    if (!names)
        failed(tree);
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(names[i]);
        if (length + 1 + size < LONGEST_PATH) {
            tree->path[length] = '/';
            memcpy(tree->path + length + 1, names[i], size + 1);
            entry(tree, length + 1 + size);
            tree->path[length] = '\0';
        } else {
            errno = ENAMETOOLONG;
            failed(tree);
        }
        free(names[i]);
    }
    free(names);
}

int tree_digest(int count, char **arguments) {
    static struct tree tree;
    char text[2 * DIGEST_BYTES + 1];
    struct stat status;
    memset(&tree, 0, sizeof tree);
    if (count > 1 && !own_paths(&tree, arguments[1])) {
        fprintf(stderr, "%s: %s\n", arguments[1], strerror(errno));
        return 2;
    }
    tree.print = count > 2 && !strcmp(arguments[2], "entries");
    sha256_begin(&tree.sum);
    for (size_t i = 0; i < COUNT(BELOW); i++) {
        const char *slash = arguments[0][strlen(arguments[0]) - 1] == '/' ? "" : "/";
        int length = snprintf(tree.path, sizeof tree.path, "%s%s%s", arguments[0], slash, BELOW[i]);
        if (length >= (int)sizeof tree.path)
            return 2;
        tree.root = (size_t)length - strlen(BELOW[i]);
        if (lstat(tree.path, &status) == 0)
            entry(&tree, (size_t)length);
    }
    sha256_end(&tree.sum, text);
    line_begin("digest");
    line_number("files", tree.files);
    line_number("bytes", tree.bytes);
    line_number("errors", tree.errors);
    line_number("added", tree.added);
    if (tree.added)
        line_text("first_added", tree.first_added);
    if (tree.errors)
        line_text("first_error", tree.first_error);
    else
        line_text("sha256", text);
    line_end();
    return tree.errors ? 1 : 0;
}
