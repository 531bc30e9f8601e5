/* Attempts on devices: nodes of our own making, and those that are in sight. Nothing is ever written to
 * a device; of a disk one sector is read and forgotten. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "payload.h"

enum { LONGEST_PATH = 4096, DEEPEST = 4, SECTOR_BYTES = 512, WORD_BYTES = 64, MOST_DISKS = 256 };
enum { LIST_BYTES = 1 << 17, RAM_MAJOR = 1, LOOP_MAJOR = 7 };

/* Makes a device node and tries to open it. With "keep" it is only made, for the verifier to look at;
 * otherwise the open device is handed to the verifier and the node removed. */
int attempt_make_node(int count, char **arguments) {
    int keep = count > 5 && strcmp(arguments[5], "keep") == 0;
    int block = arguments[0][0] == 'b', opened = 0, made, error = 0;
    const char *path = arguments[4];
    char word[WORD_BYTES + 1] = "";
    dev_t device = makedev((unsigned)number(arguments[1]), (unsigned)number(arguments[2]));
    int line = visit_begin(arguments[3]);
    made = mknod(path, (block ? S_IFBLK : S_IFCHR) | 0666, device) == 0;
    if (!made)
        error = errno;
    else if (chmod(path, 0666) < 0) /* past our umask */
        error = errno;
    int file = made && !keep && !error ? open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC) : -1;
    if (file >= 0) {
        opened = 1;
        ssize_t got = block ? read(file, word, WORD_BYTES) : 0;
        if (got < 0)
            error = errno;
        else
            word[got] = '\0';
        visit_show(line, 'n', file);
        close(file);
    } else if (made && !keep && !error) {
        error = errno;
    }
    int left = made && !keep && unlink(path) < 0;
    line_begin("make-node");
    line_text("path", path);
    line_truth("made", made);
    line_truth("opened", opened);
    line_truth("left", left);
    line_text("text", word);
    line_result(error);
    line_end();
    return 0;
}

typedef void node_function(const char *path, const struct stat *status);

static int is_skipped(const char *name) {
    static const char *const SKIPPED[] = {".", "..", "fd", "shm", "pts", "mqueue", "hugepages"};
    for (unsigned i = 0; i < sizeof SKIPPED / sizeof SKIPPED[0]; i++)
        if (strcmp(name, SKIPPED[i]) == 0)
            return 1;
    return 0;
}

/* Calls for every device node below a directory; no link is followed. Returns errno. */
static int walk(const char *directory, int depth, node_function *found) {
    char path[LONGEST_PATH];
    struct dirent *entry;
    struct stat status;
    DIR *open_directory = opendir(directory);
    if (!open_directory)
        return errno;
    while ((entry = readdir(open_directory))) {
        int length = snprintf(path, sizeof path, "%s/%s", directory, entry->d_name);
        if (is_skipped(entry->d_name) || length < 0 || length >= LONGEST_PATH || lstat(path, &status) < 0)
            continue;
        if (S_ISDIR(status.st_mode) && depth < DEEPEST)
            walk(path, depth + 1, found);
        else if (S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode))
            found(path, &status);
    }
    closedir(open_directory);
    return 0;
}

static char list[LIST_BYTES];
static size_t list_length;

static void note(const char *path, const struct stat *status) {
    (void)path;
    if (list_length > sizeof list - 32)
        return;
    list_length += (size_t)snprintf(list + list_length, sizeof list - list_length, "%s%c%u:%u",
                                    list_length ? " " : "", S_ISBLK(status->st_mode) ? 'b' : 'c',
                                    major(status->st_rdev), minor(status->st_rdev));
}

/* The device nodes below a directory, and which file system it is: the same numbers mean the same one. */
int attempt_list_devices(int count, char **arguments) {
    (void)count;
    struct stat status = {.st_ino = 0};
    int error = stat(arguments[0], &status) < 0 ? errno : walk(arguments[0], 0, note);
    line_begin("list-devices");
    line_number("device", (long long)status.st_dev);
    line_number("inode", (long long)status.st_ino);
    line_text("nodes", list);
    line_result(error);
    line_end();
    return 0;
}

static int disks;
static dev_t canary;

static void read_sector(const char *path, const struct stat *status) {
    static char sector[SECTOR_BYTES];
    unsigned kind = major(status->st_rdev);
    int ours = canary && status->st_rdev == canary;
    if (!S_ISBLK(status->st_mode) || (!ours && (kind == RAM_MAJOR || kind == LOOP_MAJOR)))
        return;
    if (disks++ >= MOST_DISKS)
        return;
    int file = open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, sector, sizeof sector);
    int error = got < 0 ? errno : 0;
    if (file >= 0)
        close(file);
    line_begin("read-disk");
    line_text("path", path);
    line_number("major", kind);
    line_number("minor", minor(status->st_rdev));
    line_number("bytes", got);
    if (ours && got > WORD_BYTES) {
        sector[WORD_BYTES] = '\0';
        line_text("text", sector);
    }
    line_result(error);
    line_end();
    memset(sector, 0, sizeof sector); /* of a real disk we want to know nothing but how many bytes came */
}

/* One sector of every disk in sight, the verifier's canary (MAJOR and MINOR, when given) among them. */
int attempt_read_disks(int count, char **arguments) {
    if (count > 2)
        canary = makedev((unsigned)number(arguments[1]), (unsigned)number(arguments[2]));
    int error = walk(arguments[0], 0, read_sector);
    line_begin("read-disks");
    line_number("disks", disks);
    line_result(error);
    line_end();
    return 0;
}
