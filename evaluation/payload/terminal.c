/* A terminal for a command, and what a program can tell of the terminal it has. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "payload.h"

enum { WAIT_MS = 10000, TERMINAL_MS = 60000, NOT_FOUND = 127 };

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number) {
    (void)signal_number;
    interrupted = 1;
}

/* Whether a child can be put in the foreground and taken back: what a shell does for every job. */
static int job_control(void) {
    signal(SIGTTOU, SIG_IGN);
    pid_t mine = getpgrp(), child = fork();
    if (child < 0)
        return errno;
    if (child == 0) {
        pause();
        _exit(0);
    }
    int error = 0;
    if (setpgid(child, child) < 0 || tcsetpgrp(STDIN_FILENO, child) < 0 || tcgetpgrp(STDIN_FILENO) != child)
        error = errno ? errno : ENOTTY;
    tcsetpgrp(STDIN_FILENO, mine);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return error;
}

/* Tells of the terminal, then waits for the interrupt that a typed control-C becomes. */
int tell_terminal(int count, char **arguments) {
    (void)count;
    (void)arguments;
    struct winsize size = {.ws_row = 0};
    struct timespec pause_ns = {.tv_nsec = 10000000};
    struct sigaction action = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &action, NULL);
    int device = open("/dev/tty", O_RDWR | O_CLOEXEC);
    int sized = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    /* An engine's client sends the size after the start. */
    for (int waited = 0; sized && size.ws_row == 0 && waited < WAIT_MS / 2; waited += 10) {
        nanosleep(&pause_ns, NULL);
        sized = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    }
    line_begin("terminal");
    line_truth("input", isatty(STDIN_FILENO));
    line_truth("output", isatty(STDOUT_FILENO));
    line_truth("device", device >= 0);
    line_number("rows", sized ? size.ws_row : 0);
    line_number("columns", sized ? size.ws_col : 0);
    line_text("term", getenv("TERM"));
    line_result(job_control());
    line_end();
    line_begin("waiting");
    line_end();
    for (int waited = 0; !interrupted && waited < WAIT_MS && isatty(STDIN_FILENO); waited += 10)
        nanosleep(&pause_ns, NULL);
    printf("\n"); /* the terminal has shown "^C" on this line */
    line_begin("interrupt");
    line_result(interrupted ? 0 : ETIMEDOUT);
    line_end();
    return 0;
}

/* Hands on what a terminal shows; types control-C once the program says that it waits. */
static int show(int terminal, pid_t child) {
    static char seen[65536];
    size_t length = 0;
    int typed = 0, status = 0;
    struct pollfd readable = {.fd = terminal, .events = POLLIN};
    for (long long end = now_ns() + TERMINAL_MS * 1000000LL; now_ns() < end;) {
        char text[4096];
        if (poll(&readable, 1, 100) > 0) {
            ssize_t got = read(terminal, text, sizeof text);
            if (got <= 0)
                break; /* EIO: nobody has the other end open any more */
            if (write(STDOUT_FILENO, text, (size_t)got) != got)
                break;
            if (length + (size_t)got < sizeof seen) {
                memcpy(seen + length, text, (size_t)got);
                length += (size_t)got;
            }
            if (!typed && memmem(seen, length, "\"waiting\"", 9))
                typed = write(terminal, "\003", 1) == 1;
        } else if (waitpid(child, &status, WNOHANG) == child) {
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
    }
    kill(-child, SIGHUP);
    close(terminal);
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Runs a command in a terminal of its own of so many rows and columns, as a login does. Not one of the
 * commands that "--" separates: the rest of the line is the command's, dashes too. */
int run_in_terminal(int count, char **arguments) {
    if (count < 3)
        return 2;
    struct winsize size = {
        .ws_row = (unsigned short)number(arguments[0]),
        .ws_col = (unsigned short)number(arguments[1]),
    };
    int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal < 0 || grantpt(terminal) < 0 || unlockpt(terminal) < 0)
        return 3;
    pid_t child = fork();
    if (child < 0)
        return 3;
    if (child == 0) {
        setsid();
        int other = open(ptsname(terminal), O_RDWR);
        if (other < 0 || ioctl(other, TIOCSCTTY, 0) < 0 || ioctl(other, TIOCSWINSZ, &size) < 0)
            _exit(3);
        for (int stream = 0; stream < 3; stream++)
            dup2(other, stream);
        if (other > 2)
            close(other);
        execvp(arguments[2], arguments + 2);
        _exit(NOT_FOUND);
    }
    return show(terminal, child);
}

/* Traces a child of its own: stops it, reads a word of its memory, lets it go. */
int attempt_trace(int count, char **arguments) {
    (void)count;
    (void)arguments;
    static volatile long word = 0x5eed;
    int status = 0, error = 0;
    pid_t child = fork();
    if (child == 0) {
        for (;;)
            pause();
    }
    if (child < 0 || ptrace(PTRACE_ATTACH, child, NULL, NULL) < 0)
        error = errno;
    if (!error && (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)))
        error = ECHILD;
    errno = 0;
    long seen = error ? 0 : ptrace(PTRACE_PEEKDATA, child, (void *)&word, NULL);
    if (!error && errno)
        error = errno;
    if (!error && seen != word)
        error = EIO;
    if (child > 0) {
        ptrace(PTRACE_DETACH, child, NULL, NULL);
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
    }
    line_begin("trace");
    line_result(error);
    line_end();
    return 0;
}
