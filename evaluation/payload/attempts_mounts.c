/* Attempts on mounts and on the image's own files. Mounts are made and taken away only in a mount
 * namespace of this process alone, from which nothing propagates; they end with it. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "payload.h"

enum { LONGEST_PATH = 4096, PEEKED_BYTES = 16, PROC_MAGIC = 0x9fa0 };

static int write_whole(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return errno;
    int error = write(file, text, strlen(text)) < 0 ? errno : 0;
    close(file);
    return error;
}

/* Root of a user namespace of our own: the verifier's control on the bare host. */
static int become_root_of_own_namespace(void) {
    char map[64];
    snprintf(map, sizeof map, "0 %ld 1\n", (long)geteuid());
    if (unshare(CLONE_NEWUSER) < 0)
        return errno;
    return write_whole("/proc/self/uid_map", map);
}

/* A mount namespace from which nothing reaches another; nothing may be mounted before this is 0. */
static int go_apart(void) {
    if (unshare(CLONE_NEWNS) < 0)
        return errno;
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ? errno : 0;
}

static void report(const char *what, int error) {
    line_begin(what);
    line_result(error);
    line_end();
}

/* Mounts a tmpfs whose source is the verifier's word, and shows itself: the verifier looks for the
 * word among our mounts. */
int attempt_mount(int count, char **arguments) {
    int line = visit_begin(arguments[0]);
    int error = line < 0 ? errno : 0;
    report("visit", error);
    if (!error && count > 3) {
        error = become_root_of_own_namespace();
        report("own-namespace", error);
    }
    if (error)
        return 0;
    error = go_apart();
    report("apart", error);
    if (!error) {
        error = mount(arguments[2], arguments[1], "tmpfs", MS_NOSUID | MS_NODEV, "size=64k") < 0 ? errno : 0;
        report("mount", error);
        if (!error)
            report("show", visit_show(line, 'm', -1));
        return 0;
    }
    /* Without a namespace of our own nothing is mounted: a file system that there is not shows the
     * gate alone (ENODEV is past it). */
    report("gate", mount("none", arguments[1], "no-such-file-system", 0, NULL) < 0 ? errno : 0);
    return 0;
}

/* The first bytes of a file in /proc, and whether it is a file of /proc at all and not what hides it. */
static void peek(const char *path, const char *when) {
    unsigned char bytes[PEEKED_BYTES];
    char digits[2 * PEEKED_BYTES + 1] = "";
    struct statfs status = {.f_type = 0};
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, bytes, sizeof bytes);
    int error = got < 0 ? errno : 0;
    if (file >= 0) {
        fstatfs(file, &status);
        close(file);
    }
    for (ssize_t i = 0; i < got; i++)
        snprintf(digits + 2 * i, 3, "%02x", bytes[i]);
    line_begin("peek");
    line_text("path", path);
    line_text("when", when);
    line_truth("proc", status.f_type == PROC_MAGIC);
    line_text("bytes", digits);
    line_result(error);
    line_end();
}

/* Takes away what lies over files of /proc, and looks at them, before and after. */
int attempt_unmask(int count, char **arguments) {
    for (int i = 0; i < count; i++)
        peek(arguments[i], "before");
    int error = go_apart();
    report("apart", error);
    for (int i = 0; i < count && !error; i++) {
        int refused = umount2(arguments[i], MNT_DETACH) < 0 ? errno : 0;
        line_begin("unmount");
        line_text("path", arguments[i]);
        line_result(refused);
        line_end();
        peek(arguments[i], "after");
    }
    return 0;
}

/* Makes a file of the given name in each directory, shows itself while it is there, and removes it. */
int attempt_write_image(int count, char **arguments) {
    int line = visit_begin(arguments[0]);
    int error = line < 0 ? errno : 0;
    report("visit", error);
    for (int i = 2; i < count && !error; i++) {
        char path[LONGEST_PATH];
        struct stat status = {.st_size = 0};
        const char *slash = arguments[i][strlen(arguments[i]) - 1] == '/' ? "" : "/";
        int length = snprintf(path, sizeof path, "%s%s%s", arguments[i], slash, arguments[1]);
        if (length < 0 || length >= LONGEST_PATH)
            continue;
        int refused = 0, file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (file < 0)
            refused = errno;
        else if (write(file, "written\n", 8) != 8 || fstat(file, &status) < 0)
            refused = errno;
        int seen = file >= 0 && !refused && visit_show(line, 'w', file) == 0;
        if (file >= 0)
            close(file);
        int left = file >= 0 && unlink(path) < 0;
        line_begin("write-image");
        line_text("directory", arguments[i]);
        line_number("bytes", status.st_size);
        line_truth("seen", seen);
        line_truth("left", left);
        line_result(refused);
        line_end();
    }
    return 0;
}

/* Shows the verifier which places some paths lead to, and opens them where that is allowed. A descriptor of
 * O_PATH names a place and opens nothing; of what was opened nothing is read. */
int attempt_reach(int count, char **arguments) {
    int line = visit_begin(arguments[0]);
    int absent = line < 0 ? errno : 0;
    for (int each = 1; each < count; each++) {
        const char *path = arguments[each];
        int named = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        int error = named < 0 ? errno : absent ? absent : visit_show(line, 'n', named);
        int shown = !error;
        if (shown) {
            int opened = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
            error = opened < 0 ? errno : visit_show(line, 'o', opened);
        }
        line_begin("reach");
        line_text("path", path);
        line_truth("shown", shown);
        line_truth("writable", faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0);
        line_result(error);
        line_end();
    }
    return 0;
}
