/* Files: written, read, and removed again. Nothing is followed, overwritten or removed by a guess. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "payload.h"

enum { LONGEST_PATH = 4096, READ_BYTES = 512 };

/* Goes to a directory, for the commands after it on this line: paths below it are then as long on the
 * bare host, where an image lies deep in a cache, as in a container. Without it nothing is worth doing. */
int file_change_directory(int count, char **arguments) {
    (void)count;
    if (chdir(arguments[0]) == 0)
        return 0;
    fprintf(stderr, "probe: cannot go to %s: %s\n", arguments[0], strerror(errno));
    _exit(3);
}

static int create(const char *path, const char *text) {
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (file < 0)
        return errno;
    size_t length = strlen(text);
    ssize_t written = write(file, text, length);
    int error = written == (ssize_t)length ? 0 : written < 0 ? errno : ENOSPC;
    if (close(file) < 0 && !error)
        error = errno;
    return error;
}

int file_write(int count, char **arguments) {
    (void)count;
    int error = create(arguments[0], arguments[1]);
    line_begin("write");
    line_text("path", arguments[0]);
    line_result(error);
    line_end();
    return 0;
}

int file_read(int count, char **arguments) {
    (void)count;
    char text[READ_BYTES + 1];
    int error = 0;
    ssize_t got = -1;
    int file = open(arguments[0], O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) {
        error = errno;
    } else {
        got = read(file, text, READ_BYTES);
        if (got < 0)
            error = errno;
        close(file);
    }
    line_begin("read");
    line_text("path", arguments[0]);
    line_result(error);
    if (got >= 0) {
        text[got] = '\0';
        line_text("text", text);
    }
    line_end();
    return 0;
}

static int inside(char *path, const char *directory) {
    int length = snprintf(path, LONGEST_PATH, "%s/file", directory);
    return length < 0 || length >= LONGEST_PATH ? ENAMETOOLONG : 0;
}

/* A directory with a file in it: a foreign owner of a directory is what a user cannot remove. */
int file_make_tree(int count, char **arguments) {
    (void)count;
    char path[LONGEST_PATH];
    int error = inside(path, arguments[0]);
    if (!error && mkdir(arguments[0], 0755) < 0)
        error = errno;
    if (!error)
        error = create(path, "written by the payload\n");
    line_begin("make-tree");
    line_result(error);
    line_end();
    return 0;
}

int file_remove_tree(int count, char **arguments) {
    (void)count;
    char path[LONGEST_PATH];
    int error = inside(path, arguments[0]);
    if (!error && unlink(path) < 0)
        error = errno;
    if (!error && rmdir(arguments[0]) < 0)
        error = errno;
    line_begin("remove-tree");
    line_result(error);
    line_end();
    return 0;
}
