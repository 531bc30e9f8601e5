/* What a batch system takes for granted of a job: its limits, its accounting, its end, its files. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "payload.h"

enum { LONGEST_PATH = 4096, MOST_CHILDREN = 4096, POLL_NS = 5000000 };

static void doze(void) {
    nanosleep(&(struct timespec){.tv_nsec = POLL_NS}, NULL);
}

static int there_is(const char *prefix, const char *suffix) {
    char path[LONGEST_PATH];
    return snprintf(path, sizeof path, "%s%s", prefix, suffix) < (int)sizeof path && access(path, F_OK) == 0;
}

/* Leaves a process in a session of its own, as a daemon does: PREFIX.ready when it runs. It ends by
 * PREFIX.go or after SECONDS. A third argument is only there to be found on its command line. */
int leave_daemon(int count, char **arguments) {
    (void)count;
    long seconds = number(arguments[1]);
    long long end = now_ns() + seconds * 1000000000LL;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        int nothing = open("/dev/null", O_RDWR);
        setsid();
        for (int stream = 0; nothing >= 0 && stream < 3; stream++)
            dup2(nothing, stream);
        signal(SIGHUP, SIG_IGN);
        if (mark_file(arguments[0], ".ready", getpid()))
            _exit(1);
        while (!there_is(arguments[0], ".go") && now_ns() < end)
            doze();
        _exit(0);
    }
    int error = child < 0 ? errno : 0;
    while (!error && !there_is(arguments[0], ".ready")) {
        if (waitpid(child, NULL, WNOHANG) != 0)
            error = ECHILD;
        doze();
    }
    line_begin("daemon");
    line_number("pid", child);
    line_result(error);
    line_end();
    return 0;
}

/* Waits, and ignores whatever a batch system sends before SIGKILL: PREFIX.ready when it does. It ends by
 * PREFIX.go or after SECONDS. A third argument is only there to be found on its command line. */
int stay_stubborn(int count, char **arguments) {
    (void)count;
    static const int ignored[] = {SIGTERM, SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGXCPU};
    long long end = now_ns() + number(arguments[1]) * 1000000000LL;
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
        signal(ignored[i], SIG_IGN);
    int error = mark_file(arguments[0], ".ready", getpid());
    while (!error && !there_is(arguments[0], ".go") && now_ns() < end)
        doze();
    line_begin("stubborn");
    line_result(error);
    line_end();
    return 0;
}

/* Computes until it has used so much CPU time, whatever the clock on the wall says; what the process used before
   (it may have waited for a mark, which takes long on a slow machine) is none of it. */
int burn_cpu(int count, char **arguments) {
    (void)count;
    long long wanted = number(arguments[0]) * 1000000LL, used = 0;
    struct timespec began, now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
    volatile unsigned long value = 1;
    while (used < wanted) {
        for (int i = 0; i < 100000; i++)
            value = value * 6364136223846793005UL + 1442695040888963407UL;
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        used = (now.tv_sec - began.tv_sec) * 1000000000LL + now.tv_nsec - began.tv_nsec;
    }
    line_begin("burn");
    line_number("cpu_ns", used);
    line_result(0);
    line_end();
    return 0;
}

/* Starts up to COUNT children that wait, tells how many there could be at once, and ends them. They
 * end with their parent too. */
int start_children(int count, char **arguments) {
    (void)count;
    static pid_t children[MOST_CHILDREN];
    long wanted = number(arguments[0]), made = 0;
    int error = 0;
    if (wanted > MOST_CHILDREN)
        return 2;
    fflush(stdout);
    while (made < wanted) {
        pid_t child = fork();
        if (child < 0) {
            error = errno;
            break;
        }
        if (child == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            alarm(60);
            for (;;)
                pause();
        }
        children[made++] = child;
    }
    for (long i = 0; i < made; i++)
        kill(children[i], SIGKILL);
    for (long i = 0; i < made; i++)
        waitpid(children[i], NULL, 0);
    line_begin("children");
    line_number("made", made);
    line_result(error);
    line_end();
    return 0;
}

static void line_amount(const char *name, rlim_t amount) {
    char text[64] = "unlimited";
    if (amount != RLIM_INFINITY)
        snprintf(text, sizeof text, "%llu", (unsigned long long)amount);
    line_text(name, text);
}

static void line_limit(const char *name, int which) {
    struct rlimit limit;
    if (getrlimit(which, &limit) == 0)
        line_amount(name, limit.rlim_max);
    else
        line_text(name, "unknown");
}

/* What a job is given before it starts: hard limits (and the soft one of CPU time, which is all that some
 * schedulers set), processors, niceness. */
int tell_limits(int count, char **arguments) {
    (void)count;
    (void)arguments;
    cpu_set_t set;
    char list[CPU_SETSIZE * 5] = "unknown";
    size_t length = 0;
    if (sched_getaffinity(0, sizeof set, &set) == 0)
        for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
            if (CPU_ISSET(cpu, &set))
                length += (size_t)snprintf(list + length, sizeof list - length, "%s%d", length ? " " : "", cpu);
    line_begin("limits");
    line_limit("open_files", RLIMIT_NOFILE);
    line_limit("cpu_seconds", RLIMIT_CPU);
    line_limit("core_bytes", RLIMIT_CORE);
    line_limit("processes", RLIMIT_NPROC);
    struct rlimit cpu = {RLIM_INFINITY, RLIM_INFINITY};
    getrlimit(RLIMIT_CPU, &cpu);
    line_amount("cpu_soft_seconds", cpu.rlim_cur);
    line_text("processors", list);
    line_number("niceness", getpriority(PRIO_PROCESS, 0));
    line_end();
    return 0;
}

static int file_in(const char *directory, mode_t mode, char *path) {
    int length = snprintf(path, LONGEST_PATH, "%s/file", directory);
    if (length < 0 || length >= LONGEST_PATH)
        return ENAMETOOLONG;
    int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (file < 0)
        return errno;
    return close(file) < 0 ? errno : 0;
}

/* A directory and a file in it, asked for with all permissions: what is left of them is the umask's. */
int make_open_tree(int count, char **arguments) {
    (void)count;
    char path[LONGEST_PATH];
    int error = mkdir(arguments[0], 0777) < 0 ? errno : file_in(arguments[0], 0666, path);
    line_begin("make-open-tree");
    line_result(error);
    line_end();
    return 0;
}

/* The same tree, given to another user as far as the kernel allows; it stays removable by this one's root. */
int make_foreign_tree(int count, char **arguments) {
    (void)count;
    char path[LONGEST_PATH];
    uid_t uid = (uid_t)number(arguments[1]);
    int error = mkdir(arguments[0], 0755) < 0 ? errno : file_in(arguments[0], 0644, path);
    int given = 0;
    if (!error)
        given = lchown(path, uid, uid) < 0 || lchown(arguments[0], uid, uid) < 0 ? errno : 0;
    line_begin("make-foreign-tree");
    line_number("given_errno", given);
    line_text("given", given ? strerror(given) : "done");
    line_result(error);
    line_end();
    return 0;
}
