/* The attempts. Each reports what the kernel answered; whether that is good or bad is judged
 * elsewhere. Nothing here destroys anything. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "payload.h"

#ifndef PR_GET_NO_NEW_PRIVS
#define PR_GET_NO_NEW_PRIVS 39
#endif

enum { LONGEST_PATH = 4096, MOST_GROUPS = 1024 };

/* Copies the value of a line of /proc/self/status; NULL where there is no /proc or no such line. */
static const char *own_status(const char *name, char *value, size_t size) {
    char line[512];
    const char *found = NULL;
    size_t length = strlen(name);
    FILE *file = fopen("/proc/self/status", "r");
    if (!file)
        return NULL;
    while (!found && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, length) != 0 || line[length] != ':')
            continue;
        char *start = line + length + 1;
        start += strspn(start, " \t");
        start[strcspn(start, "\n")] = '\0';
        snprintf(value, size, "%s", start);
        found = value;
    }
    fclose(file);
    return found;
}

int attempt_identity(int count, char **arguments) {
    (void)count;
    (void)arguments;
    static gid_t groups[MOST_GROUPS];
    static char list[MOST_GROUPS * 11 + 1];
    char value[64];
    size_t length = 0;
    uid_t real, effective, saved;
    gid_t real_group, effective_group, saved_group;
    getresuid(&real, &effective, &saved);
    getresgid(&real_group, &effective_group, &saved_group);
    int group_count = getgroups(MOST_GROUPS, groups);
    for (int i = 0; i < group_count && length < sizeof list - 12; i++)
        length += (size_t)snprintf(list + length, sizeof list - length, "%s%u", i ? " " : "", groups[i]);
    mode_t mask = umask(0);
    umask(mask);
    line_begin("identity");
    line_number("uid", real);
    line_number("euid", effective);
    line_number("suid", saved);
    line_number("gid", real_group);
    line_number("egid", effective_group);
    line_number("sgid", saved_group);
    line_text("groups", list);
    line_number("umask", mask);
    line_number("pid", getpid());
    /* -1 on a kernel before 3.5, which has no such bit. */
    line_number("no_new_privs", prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
    line_text("seccomp", own_status("Seccomp", value, sizeof value));
    line_text("cap_eff", own_status("CapEff", value, sizeof value));
    line_text("cap_bnd", own_status("CapBnd", value, sizeof value));
    line_end();
    return 0;
}

int attempt_getenv(int count, char **arguments) {
    (void)count;
    const char *value = getenv(arguments[0]);
    line_begin("getenv");
    line_text("name", arguments[0]);
    line_truth("ok", value != NULL);
    line_text("text", value);
    line_end();
    return 0;
}

/* Connects to the verifier's Unix socket in a directory. The kernel tells the verifier who called,
 * as seen in the verifier's own namespaces: a uid that a container cannot pretend. Relative to the
 * directory, because a socket's name must be shorter than 108 bytes. */
int attempt_call(int count, char **arguments) {
    (void)count;
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "verifier.sock"};
    int error = 0;
    int line = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (line < 0 || chdir(arguments[0]) < 0 ||
        connect(line, (struct sockaddr *)&address, sizeof address) < 0)
        error = errno;
    else if (write(line, "payload\n", 8) != 8)
        error = EIO;
    line_begin("call");
    line_number("uid", getuid());
    line_number("euid", geteuid());
    line_result(error);
    line_end();
    return 0;
}

int attempt_connect(int count, char **arguments) {
    (void)count;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)number(arguments[0]))};
    int error = 0;
    size_t length = strlen(arguments[1]);
    int line = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (line < 0 || connect(line, (struct sockaddr *)&address, sizeof address) < 0)
        error = errno;
    else if (send(line, arguments[1], length, MSG_NOSIGNAL) != (ssize_t)length)
        error = EIO;
    line_begin("connect");
    line_result(error);
    line_end();
    return 0;
}

/* Runs the setuid-root helper as somebody who is not root. A payload that is root inside becomes
 * the given user first, or the helper would have nothing to gain. */
int attempt_run_helper(int count, char **arguments) {
    (void)count;
    uid_t user = (uid_t)number(arguments[2]);
    gid_t group = (gid_t)number(arguments[3]);
    int was_root = geteuid() == 0, error = 0;
    if (was_root && (setgroups(0, NULL) < 0 || setgid(group) < 0 || setuid(user) < 0))
        error = errno;
    line_begin("run-helper");
    line_truth("was_root", was_root);
    line_number("euid", geteuid());
    line_result(error);
    line_end();
    /* When it could not step down (one mapped uid only) the helper still runs, and the verifier
     * still sees which host uid calls. */
    execl(arguments[0], arguments[0], arguments[1], (char *)NULL);
    error = errno;
    line_begin("exec");
    line_result(error);
    line_end();
    return 0;
}

static int copy(int from, int to) {
    char buffer[65536];
    ssize_t got;
    while ((got = read(from, buffer, sizeof buffer)) > 0)
        for (ssize_t done = 0, wrote; done < got; done += wrote)
            if ((wrote = write(to, buffer + done, (size_t)(got - done))) < 0)
                return errno;
    return got < 0 ? errno : 0;
}

/* Leaves a setuid copy of the harmless helper on the bind; whose it is decides what it is worth. */
int attempt_plant(int count, char **arguments) {
    (void)count;
    int error = 0;
    struct stat status = {.st_mode = 0};
    int from = open(arguments[0], O_RDONLY | O_CLOEXEC);
    int to = from < 0 ? -1 : open(arguments[1], O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0700);
    if (from < 0 || to < 0)
        error = errno;
    if (!error)
        error = copy(from, to);
    if (!error && (fchmod(to, 04755) < 0 || fstat(to, &status) < 0))
        error = errno;
    line_begin("plant");
    line_result(error);
    line_number("uid", error ? -1 : (long long)status.st_uid);
    line_number("mode", status.st_mode & 07777);
    line_end();
    return 0;
}

/* Whether a process's command line holds the token as one whole argument. */
static int has_argument(const char *pid, const char *token) {
    char path[64], text[8192];
    snprintf(path, sizeof path, "/proc/%.20s/cmdline", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return 0;
    ssize_t got = read(file, text, sizeof text - 1);
    close(file);
    if (got <= 0)
        return 0;
    text[got] = '\0';
    for (char *word = text; word < text + got; word += strlen(word) + 1)
        if (strcmp(word, token) == 0)
            return 1;
    return 0;
}

/* Finds the canary by its token and sends it a signal that it waits for. The token comes by file
 * ("@FILE"), so that no command line but the canary's holds it. */
int attempt_signal_process(int count, char **arguments) {
    (void)count;
    struct dirent *entry;
    long found = 0, seen = 0;
    int error = ESRCH, may = 0;
    DIR *processes = opendir("/proc");
    if (!processes)
        error = errno;
    while (processes && (entry = readdir(processes))) {
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        seen++;
        if (!has_argument(entry->d_name, arguments[0]))
            continue;
        found = atol(entry->d_name);
        may = kill((pid_t)found, 0) == 0;
        error = kill((pid_t)found, SIGUSR1) < 0 ? errno : 0;
    }
    if (processes)
        closedir(processes);
    line_begin("signal-process");
    line_number("processes", seen);
    line_number("found", found);
    line_truth("may_signal", may);
    line_result(error);
    line_end();
    return 0;
}

static void nothing(int signal_number) {
    (void)signal_number;
}

int mark_file(const char *prefix, const char *suffix, long long value) {
    char path[LONGEST_PATH], begun[LONGEST_PATH];
    int length = snprintf(path, sizeof path, "%s%s", prefix, suffix);
    int longer = snprintf(begun, sizeof begun, "%s%s.new", prefix, suffix);
    if (length < 0 || longer < 0 || longer >= (int)sizeof begun)
        return ENAMETOOLONG;
    FILE *file = fopen(begun, "wx");
    if (!file)
        return errno;
    fprintf(file, "%lld\n", value);
    return fclose(file) || rename(begun, path) ? errno : 0;
}

/* Waits for SIGTERM or SIGUSR1: PREFIX.ready when it can be signalled, PREFIX.received when it was.
 * Exit status 42 after a signal, 43 when none came. The signals are blocked and waited for; the
 * handlers are there because process 1 of a namespace is sent no signal that has none. */
int await_signal(int count, char **arguments) {
    (void)count;
    sigset_t waited;
    siginfo_t info = {.si_signo = 0};
    struct timespec limit = {.tv_sec = number(arguments[1])};
    signal(SIGTERM, nothing);
    signal(SIGUSR1, nothing);
    sigemptyset(&waited);
    sigaddset(&waited, SIGTERM);
    sigaddset(&waited, SIGUSR1);
    sigprocmask(SIG_BLOCK, &waited, NULL);
    int error = mark_file(arguments[0], ".ready", getpid());
    int received = 0;
    while (!error && (received = sigtimedwait(&waited, &info, &limit)) < 0 && errno == EINTR)
        continue;
    if (!error && received > 0)
        error = mark_file(arguments[0], ".received", received);
    line_begin("await-signal");
    line_number("received", received > 0 ? received : 0);
    line_number("sender_uid", received > 0 ? (long long)info.si_uid : -1);
    line_result(error);
    line_end();
    return received > 0 ? 42 : 43;
}
