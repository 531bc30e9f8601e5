/* Starts a minimal virtual machine, waits for its end, and ends as the command in it did. Static; built where
 * the machine's disk is made.
 *
 * Usage: start SECONDS COUNT WORD ... QEMU ...: COUNT words for the machine (see init.c), then qemu's command
 * line, to which the disks and ports are added that differ from start to start. SECONDS is how long it may
 * take until the machine is up. Ends with 125 and a line that begins with "vm: " where the machine failed.
 *
 * Nothing is left behind, however it ends: what the machine reads and says is in memory, and qemu ends with us.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUT = 3, ERR, TASK, INPUT, STATUS, CONSOLE, SAID, PORTS, SECTOR = 512, FAILED = 125, MORE = 32 };

static void give_up(const char *what) {
    dprintf(2, "vm: %s: %s\n", what, strerror(errno));
    exit(FAILED);
}

/* A file in memory under a fixed number, which qemu opens as /dev/fd/NUMBER. */
static void in_memory(int number) {
    int file = memfd_create("vm", 0);
    if (file < 0 || dup2(file, number) < 0)
        give_up("memory");
    if (file != number)
        close(file);
}

static void put(int file, const char *bytes, size_t length) {
    while (length > 0) {
        ssize_t done = write(file, bytes, length);
        if (done <= 0)
            give_up("memory");
        bytes += done;
        length -= (size_t)done;
    }
}

/* A disk has whole sectors. */
static void fill_up(int file) {
    off_t length = lseek(file, 0, SEEK_END);
    if (ftruncate(file, (length + SECTOR - 1) / SECTOR * SECTOR + SECTOR) < 0)
        give_up("memory");
}

static long long take_input(void) {
    char block[65536];
    long long length = 0;
    for (ssize_t got; (got = read(0, block, sizeof block)) > 0; length += got)
        put(INPUT, block, (size_t)got);
    fill_up(INPUT);
    return length;
}

/* The last line of what was said that is not empty, without what steers a terminal. */
static void last_line(int file, char *line, size_t size) {
    static char text[65536];
    off_t end = lseek(file, 0, SEEK_END), from = end > (off_t)sizeof text - 1 ? end - (off_t)sizeof text + 1 : 0;
    ssize_t length = pread(file, text, sizeof text - 1, from);
    text[length > 0 ? length : 0] = 0;
    for (char *at = text; *at; at++)
        if (*at == '\r' || (unsigned char)*at < 9)
            *at = ' ';
    for (char *at = strtok(text, "\n"); at; at = strtok(NULL, "\n"))
        if (at[strspn(at, " \t")])
            snprintf(line, size, "%.*s", (int)size - 1, at);
}

static pid_t begin(char **argv) {
    pid_t parent = getpid(), child = fork();
    if (child < 0)
        give_up("fork");
    if (child > 0)
        return child;
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(FAILED);
    int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, 0);
    dup2(SAID, 1);
    dup2(SAID, 2);
    execvp(argv[0], argv);
    dprintf(2, "%s: %s\n", argv[0], strerror(errno));
    _exit(FAILED);
}

/* Waits for qemu's end; ends it itself where the machine does not come up, or where we are to end. */
static int wait_for(pid_t qemu, int patience_s, const sigset_t *signals) {
    struct timespec began, now, pause = {.tv_nsec = 100000000};
    clock_gettime(CLOCK_MONOTONIC, &began);
    for (;;) {
        if (waitpid(qemu, NULL, WNOHANG) == qemu)
            return 0;
        int number = sigtimedwait(signals, NULL, &pause);
        clock_gettime(CLOCK_MONOTONIC, &now);
        int late = now.tv_sec - began.tv_sec >= patience_s && lseek(STATUS, 0, SEEK_END) == 0;
        if (number == SIGTERM || number == SIGINT || number == SIGHUP || late) {
            kill(qemu, SIGKILL);
            waitpid(qemu, NULL, 0);
            return late ? 0 : 128 + number;
        }
    }
}

int main(int argc, char **argv) {
    if (argc < 4 || atoi(argv[2]) < 1 || atoi(argv[2]) + 3 >= argc) {
        errno = EINVAL;
        give_up("usage: start SECONDS COUNT WORD ... QEMU ...");
    }
    int count = atoi(argv[2]), input = 0, length = 0;
    char **words = argv + 3, **qemu = words + count, number[32];
    if (dup2(1, OUT) < 0 || dup2(2, ERR) < 0)
        give_up("standard output");
    for (int file = TASK; file < PORTS; file++)
        in_memory(file);
    put(TASK, number, (size_t)snprintf(number, sizeof number, "%d", count) + 1);
    for (int i = 0; i < count; i++) {
        char *word = words[i];
        if (!input && strcmp(word, "stdin") == 0) {
            snprintf(number, sizeof number, "stdin=%lld", take_input());
            word = number;
            input = 1;
        }
        put(TASK, word, strlen(word) + 1);
    }
    fill_up(TASK);
    char *all[argc + MORE];
    for (; qemu[length]; length++)
        all[length] = qemu[length];
    char *more[] = {
        "-drive", "if=none,id=task,format=raw,readonly=on,file.locking=off,file=/dev/fd/5",
        "-device", "virtio-blk-pci,drive=task",
        "-chardev", "file,id=out,path=/dev/fd/3,append=on",
        "-chardev", "file,id=err,path=/dev/fd/4,append=on",
        "-chardev", "file,id=status,path=/dev/fd/7",
        "-chardev", "file,id=console,path=/dev/fd/8",
        "-device", "virtio-serial-pci,max_ports=8",
        "-device", "virtserialport,chardev=out,name=out",
        "-device", "virtserialport,chardev=err,name=err",
        "-device", "virtserialport,chardev=status,name=status",
        "-serial", "chardev:console",
    };
    for (size_t i = 0; i < sizeof more / sizeof *more; i++)
        all[length++] = more[i];
    if (input) {
        all[length++] = "-drive";
        all[length++] = "if=none,id=input,format=raw,readonly=on,file.locking=off,file=/dev/fd/6";
        all[length++] = "-device";
        all[length++] = "virtio-blk-pci,drive=input";
    }
    all[length] = NULL;
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    int ended = wait_for(begin(all), atoi(argv[1]), &signals);
    if (ended)
        return ended;
    char status[600] = "", line[200] = "it said nothing";
    ssize_t got = pread(STATUS, status, sizeof status - 1, 0);
    status[got > 0 ? got : 0] = 0;
    char *at;
    if ((at = strstr(status, "failed "))) {
        at[strcspn(at, "\n")] = 0;
        dprintf(2, "vm: %s\n", at + 7);
        return FAILED;
    }
    if ((at = strstr(status, "ended ")))
        return atoi(at + 6);
    last_line(SAID, line, sizeof line);
    last_line(CONSOLE, line, sizeof line);
    dprintf(2, *status ? "vm: the machine went off before the command had ended: %s\n"
                       : "vm: no kernel came up in the machine: %s\n", line);
    return FAILED;
}
