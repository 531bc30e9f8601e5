/* The first and only program of a minimal virtual machine: it mounts the image, runs one command in it, tells
 * how that ended, and switches the machine off. Static; built where the machine's disk is made.
 *
 * What to do comes on the second disk, as words that end with a zero byte: settings (bind=TAG:TARGET,
 * env=NAME=VALUE, dir=PATH, stdin=BYTES, writable), then "--", then the command. On the third disk, if there
 * is one, is what the command reads. Output goes to the ports out and err, the ending to the port status.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_WORDS = 4096, MOST_BYTES = 1 << 20, PATIENCE_MS = 5000 };

static int status_port = -1;

static void tell(const char *what, const char *more) {
    char line[512];
    int length = snprintf(line, sizeof line, "%s%s%s\n", what, *more ? " " : "", more);
    if (status_port < 0 || write(status_port, line, (size_t)length) < 0)
        fprintf(stderr, "vm: %s", line);
}

static void switch_off(void) {
    sync();
    reboot(RB_POWER_OFF);
    for (;;)
        pause();
}

static void fail(const char *what) {
    char line[400];
    snprintf(line, sizeof line, "%s: %s", what, strerror(errno));
    tell("failed", line);
    switch_off();
}

static void shown(const char *source, const char *target, const char *type, unsigned long flags, const char *data) {
    if (mount(source, target, type, flags, data) < 0)
        fail(target);
}

static void directory(const char *path) {
    if (mkdir(path, 0755) < 0 && errno != EEXIST)
        fail(path);
}

static int by_name(const struct dirent **left, const struct dirent **right) {
    return strcmp((*left)->d_name, (*right)->d_name);
}

static int is_shown(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* Loads every module in the order of the names, which is that of what they need. */
static void load_modules(void) {
    struct dirent **found;
    int count = scandir("/modules", &found, is_shown, by_name);
    for (int i = 0; i < count; i++) {
        char path[512];
        snprintf(path, sizeof path, "/modules/%s", found[i]->d_name);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0 || (syscall(SYS_finit_module, file, "", 0) < 0 && errno != EEXIST))
            fail(path);
        close(file);
    }
}

static void wait_for(const char *path) {
    for (int waited = 0; access(path, F_OK) < 0; waited += 1) {
        if (waited >= PATIENCE_MS)
            fail(path);
        usleep(1000);
    }
}

/* Opens a port by the name that the machine was started with. */
static int port(const char *name, int flags) {
    for (int waited = 0; waited < PATIENCE_MS; waited += 1) {
        struct dirent **found;
        int count = scandir("/sys/class/virtio-ports", &found, is_shown, by_name);
        for (int i = 0; i < count; i++) {
            char path[600], text[64] = "";
            snprintf(path, sizeof path, "/sys/class/virtio-ports/%s/name", found[i]->d_name);
            int file = open(path, O_RDONLY | O_CLOEXEC);
            ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
            if (file >= 0)
                close(file);
            text[strcspn(text, "\n")] = 0;
            snprintf(path, sizeof path, "/dev/%s", found[i]->d_name);
            if (length > 0 && strcmp(text, name) == 0 && access(path, F_OK) == 0)
                return open(path, flags | O_CLOEXEC);
        }
        usleep(1000);
    }
    errno = ENODEV;
    return -1;
}

static int input(long long length) {
    if (length <= 0)
        return open("/dev/null", O_RDONLY | O_CLOEXEC);
    int from = open("/dev/vdc", O_RDONLY | O_CLOEXEC), to = memfd_create("stdin", MFD_CLOEXEC);
    char block[65536];
    while (length > 0) {
        ssize_t got = read(from, block, sizeof block);
        if (got <= 0)
            return -1;
        size_t wanted = (size_t)(got < length ? got : length);
        if (write(to, block, wanted) != (ssize_t)wanted)
            return -1;
        length -= got;
    }
    lseek(to, 0, SEEK_SET);
    return to;
}

static int read_words(char **words) {
    static char text[MOST_BYTES + 1];
    int disk = open("/dev/vdb", O_RDONLY | O_CLOEXEC);
    ssize_t length = 0, got = 0;
    while (disk >= 0 && length < MOST_BYTES && (got = read(disk, text + length, (size_t)(MOST_BYTES - length))) > 0)
        length += got;
    int count = 0;
    /* The disk is filled up with zero bytes; the first word says how many there are. */
    int due = length > 0 ? atoi(text) : 0;
    char *at = text + strlen(text) + 1;
    while (count < due && count < MOST_WORDS - 1 && at < text + length) {
        words[count++] = at;
        at += strlen(at) + 1;
    }
    words[count] = NULL;
    if (due == 0 || count != due) {
        errno = EINVAL;
        fail("what to do");
    }
    return count;
}

static void bind_shares(char **words) {
    for (; strcmp(*words, "--") != 0; words++) {
        if (strncmp(*words, "bind=", 5) != 0)
            continue;
        char *tag = *words + 5, *target = strchr(tag, ':');
        if (!target)
            fail(*words);
        *target++ = 0;
        char inside[4096];
        snprintf(inside, sizeof inside, "/root%s", target);
        shown(tag, inside, "9p", 0, "trans=virtio,version=9p2000.L,msize=524288,cache=mmap");
    }
}

static void image(int writable) {
    wait_for("/dev/vda");
    shown("/dev/vda", writable ? "/lower" : "/root", "squashfs", MS_RDONLY, NULL);
    if (!writable)
        return;
    shown("tmpfs", "/upper", "tmpfs", 0, NULL);
    directory("/upper/tree");
    directory("/upper/work");
    shown("overlay", "/root", "overlay", 0, "lowerdir=/lower,upperdir=/upper/tree,workdir=/upper/work");
}

int main(void) {
    static char *words[MOST_WORDS];
    shown("devtmpfs", "/dev", "devtmpfs", 0, NULL);
    int console = open("/dev/console", O_RDWR);
    for (int number = 0; number < 3 && console >= 0; number++)
        dup2(console, number);
    shown("sysfs", "/sys", "sysfs", 0, NULL);
    load_modules();
    status_port = port("status", O_WRONLY);
    if (status_port < 0)
        fail("the port status");
    tell("up", "");
    wait_for("/dev/vdb");
    read_words(words);
    int writable = 0;
    long long bytes = 0;
    char *start = "/", **word = words;
    clearenv();
    setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
    setenv("HOME", "/root", 1);
    for (; *word && strcmp(*word, "--") != 0; word++) {
        if (strncmp(*word, "env=", 4) == 0)
            putenv(*word + 4);
        else if (strncmp(*word, "dir=", 4) == 0)
            start = *word + 4;
        else if (strncmp(*word, "stdin=", 6) == 0)
            bytes = atoll(*word + 6);
        else if (strcmp(*word, "writable") == 0)
            writable = 1;
    }
    if (!*word || !word[1]) {
        errno = EINVAL;
        fail("no command");
    }
    int in = input(bytes), out = port("out", O_WRONLY), err = port("err", O_WRONLY);
    if (in < 0 || out < 0 || err < 0)
        fail("input and output");
    image(writable);
    shown("proc", "/root/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
    shown("/sys", "/root/sys", NULL, MS_MOVE, NULL);
    shown("/dev", "/root/dev", NULL, MS_MOVE, NULL);
    mkdir("/root/dev/pts", 0755);
    mkdir("/root/dev/shm", 01777);
    shown("devpts", "/root/dev/pts", "devpts", 0, "ptmxmode=0666");
    shown("tmpfs", "/root/dev/shm", "tmpfs", 0, "mode=1777");
    shown("tmpfs", "/root/tmp", "tmpfs", 0, "mode=1777");
    bind_shares(words);
    pid_t child = fork();
    if (child < 0)
        fail("fork");
    if (child == 0) {
        if (chroot("/root") < 0 || chdir(start) < 0) {
            tell("failed", "the working directory is not there");
            _exit(125);
        }
        dup2(in, 0);
        dup2(out, 1);
        dup2(err, 2);
        setsid();
        execvp(word[1], word + 1);
        int missing = errno == ENOENT;
        dprintf(2, "vm: %s: %s\n", word[1], strerror(errno));
        _exit(missing ? 127 : 126);
    }
    int status = 0;
    while (waitpid(-1, &status, 0) != child)
        continue;
    char number[16];
    snprintf(number, sizeof number, "%d", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
    tell("ended", number);
    switch_off();
}
