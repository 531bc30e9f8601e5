/* The payload: one static program that runs inside every container and on the bare host.
 *
 * It needs nothing from the image. Commands are separated by "--", so that one launch can carry
 * several attempts; "@FILE" stands for the lines of FILE, for runtimes that drop or change the
 * environment and for words that must not stand on a command line. Every line of output is a JSON
 * object; the last is {"done": true}, so that a payload that was cut short is told from one that
 * ended, and a runtime's own exit status 1 from a program's. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "payload.h"

enum { ATTEMPT_SECONDS = 10, MOST_ARGUMENTS = 64, LONGEST_LINE = 4096 };

/* What `execs` starts. */
static int nothing_at_all(int count, char **arguments) {
    (void)count;
    (void)arguments;
    _exit(0);
}

static const struct command COMMANDS[] = {
    {"syscalls", bench_syscalls, 2, 0, "CALLS REPETITIONS"},
    {"cpu", bench_cpu, 2, 0, "ROUNDS REPETITIONS"},
    {"walk", bench_walk, 2, 0, "DIRECTORY LARGEST_BYTES"},
    {"cd", file_change_directory, 1, 0, "DIRECTORY"},
    {"lookups", bench_lookups, 3, 0, "DIRECTORY CALLS REPETITIONS"},
    {"opens", bench_opens, 3, 0, "DIRECTORY CALLS REPETITIONS"},
    {"reads", bench_reads, 4, 0, "DIRECTORY CALLS REPETITIONS READERS"},
    {"execs", bench_execs, 3, 0, "PROGRAM CALLS REPETITIONS"},
    {"tree", bench_tree, 1, 0, "DIRECTORY"},
    {"triad", bench_triad, 2, 0, "ELEMENTS REPETITIONS"},
    {"matrix", bench_matrix, 2, 0, "SIZE REPETITIONS"},
    {"hold", hold_memory, 3, 0, "BYTES PREFIX SECONDS"},
    {"bind-write", transfer_write, 2, 0, "FILE BYTES"},
    {"bind-read", transfer_read, 1, 0, "FILE"},
    {"evict", transfer_evict, 1, 0, "PATH"},
    {"loopback", transfer_loopback, 1, 1, "BYTES"},
    {"vsyscall-page", legacy_vsyscall_page, 0, 0, ""},
    {"vsyscall-call", legacy_vsyscall_call, 0, 1, ""},
    {"vsyscall-read", legacy_vsyscall_read, 0, 1, ""},
    {"uname26", legacy_uname, 0, 1, ""},
    {"programs", find_programs, 1, 0, "NAME ..."},
    {"nothing", nothing_at_all, 0, 0, ""},
    {"digest", tree_digest, 1, 0, "DIRECTORY [LIST [entries]]"},
    {"write", file_write, 2, 1, "FILE TEXT"},
    {"read", file_read, 1, 1, "FILE"},
    {"make-tree", file_make_tree, 1, 1, "DIRECTORY"},
    {"remove-tree", file_remove_tree, 1, 1, "DIRECTORY"},
    {"daemon", leave_daemon, 2, 0, "PREFIX SECONDS [TOKEN]"},
    {"burn", burn_cpu, 1, 0, "CPU_MILLISECONDS"},
    {"children", start_children, 1, 0, "COUNT"},
    {"limits", tell_limits, 0, 0, ""},
    {"make-open-tree", make_open_tree, 1, 1, "DIRECTORY"},
    {"make-foreign-tree", make_foreign_tree, 2, 1, "DIRECTORY UID"},
    {"tell-terminal", tell_terminal, 0, 0, ""},
    {"trace", attempt_trace, 0, 1, ""},
    {"identity", attempt_identity, 0, 1, ""},
    {"getenv", attempt_getenv, 1, 1, "NAME"},
    {"call", attempt_call, 1, 1, "DIRECTORY"},
    {"connect", attempt_connect, 2, 1, "PORT TOKEN"},
    {"run-helper", attempt_run_helper, 4, 1, "HELPER DIRECTORY UID GID"},
    {"plant", attempt_plant, 2, 1, "HELPER TARGET"},
    {"signal-process", attempt_signal_process, 1, 1, "TOKEN"},
    {"visit", attempt_visit, 1, 1, "DIRECTORY"},
    {"drop-groups", attempt_drop_groups, 1, 1, "FILE"},
    {"switch-user", attempt_switch_user, 2, 1, "DIRECTORY UID ..."},
    {"namespaces", attempt_namespaces, 1, 1, "DIRECTORY"},
    {"hostname", attempt_hostname, 1, 1, "DIRECTORY [own]"},
    {"mount", attempt_mount, 3, 1, "DIRECTORY TARGET WORD [own]"},
    {"unmask", attempt_unmask, 1, 1, "FILE ..."},
    {"reach", attempt_reach, 2, 1, "DIRECTORY PATH ..."},
    {"write-image", attempt_write_image, 3, 1, "DIRECTORY NAME TARGET ..."},
    {"make-node", attempt_make_node, 5, 1, "b|c MAJOR MINOR DIRECTORY PATH [keep]"},
    {"list-devices", attempt_list_devices, 1, 1, "DIRECTORY"},
    {"read-disks", attempt_read_disks, 1, 1, "DIRECTORY [MAJOR MINOR]"},
    {"await-signal", await_signal, 2, 0, "PREFIX SECONDS [TOKEN]"},
    {"stubborn", stay_stubborn, 2, 0, "PREFIX SECONDS [TOKEN]"},
    {"sysctl-write", attempt_sysctl_write, 1, 1, "FILE"},
    {"gates", attempt_gates, 0, 1, ""},
    {"kernel-log", attempt_kernel_log, 0, 1, ""},
    {"bpf-map", attempt_bpf_map, 0, 1, ""},
    {"io-uring", attempt_io_uring, 0, 1, ""},
    {"uncommon-calls", attempt_uncommon_calls, 0, 1, ""},
    {"release-agent", attempt_release_agent, 2, 1, "DIRECTORY HIERARCHY"},
    {"enter-namespaces", attempt_enter_namespaces, 1, 1, "NAME"},
    {"file-handle", attempt_file_handle, 1, 1, "FILE"},
    {"open-handle", attempt_open_handle, 2, 1, "DIRECTORY HANDLE"},
    {"linger", canary_linger, 3, 0, "PREFIX SECONDS NAME"},
    {"inspect", attempt_inspect, 2, 1, "NAME VARIABLE [FILE]"},
    {"connect-abstract", attempt_connect_abstract, 2, 1, "NAME TOKEN"},
    {"connect-file", attempt_connect_file, 2, 1, "FILE TOKEN"},
    {"raw-sockets", attempt_raw_sockets, 0, 1, ""},
    {"hold-shared", canary_hold_shared, 3, 0, "PREFIX SECONDS WORD"},
    {"read-home", attempt_read_home, 1, 1, "NAME"},
    {"read-shared", attempt_read_shared, 1, 1, "NUMBER"},
    {"read-key", attempt_read_key, 1, 1, "NAME"},
    {"engine-sockets", attempt_engine_sockets, 1, 1, "PATH ..."},
    {"start", tell_start, 0, 0, ""},
};
enum { COMMAND_COUNT = sizeof COMMANDS / sizeof COMMANDS[0] };

static void print_escaped(const char *text) {
    putchar('"');
    for (const unsigned char *byte = (const unsigned char *)text; *byte; byte++) {
        if (*byte == '"' || *byte == '\\')
            printf("\\%c", *byte);
        else if (*byte < 0x20 || *byte >= 0x7f)
            printf("\\u%04x", *byte); /* bytes as Latin-1: always valid JSON, never lossy */
        else
            putchar(*byte);
    }
    putchar('"');
}

void line_begin(const char *what) {
    printf("{\"what\": ");
    print_escaped(what);
}

static void field(const char *name) {
    printf(", ");
    print_escaped(name);
    printf(": ");
}

void line_number(const char *name, long long value) {
    field(name);
    printf("%lld", value);
}

void line_real(const char *name, double value) {
    field(name);
    printf("%.17g", value);
}

void line_text(const char *name, const char *value) {
    field(name);
    if (value)
        print_escaped(value);
    else
        printf("null");
}

void line_truth(const char *name, int value) {
    field(name);
    printf(value ? "true" : "false");
}

void line_result(int error) {
    line_truth("ok", error == 0);
    if (error) {
        line_number("errno", error);
        line_text("error", strerror(error));
    }
}

void line_end(void) {
    printf("}\n");
    fflush(stdout);
}

static void usage(void) {
    fprintf(stderr, "usage: probe COMMAND [-- COMMAND ...], or probe @FILE; the commands are\n");
    for (int i = 0; i < COMMAND_COUNT; i++)
        fprintf(stderr, "  %s %s\n", COMMANDS[i].name, COMMANDS[i].usage);
    exit(2);
}

long number(const char *text) {
    char *rest;
    errno = 0;
    long value = strtol(text, &rest, 10);
    if (errno || *rest || rest == text || value < 0) {
        fprintf(stderr, "probe: not a number: %s\n", text);
        exit(2);
    }
    return value;
}

/* An attempt may be killed by what it tries (a filter that kills, a hang): it gets its own child. */
static int run_forked(const struct command *command, int count, char **arguments) {
    fflush(stdout);
    pid_t child = fork();
    if (child < 0) {
        line_begin(command->name);
        line_result(errno);
        line_end();
        return 0;
    }
    if (child == 0) {
        alarm(ATTEMPT_SECONDS);
        int status = command->run(count, arguments);
        fflush(stdout);
        _exit(status);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 1;
    if (WIFSIGNALED(status)) {
        line_begin(command->name);
        line_truth("ok", 0);
        line_number("ended_by_signal", WTERMSIG(status));
        line_end();
        return 0;
    }
    return WEXITSTATUS(status);
}

static int run(int count, char **words) {
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (strcmp(words[0], COMMANDS[i].name) != 0)
            continue;
        if (count - 1 < COMMANDS[i].arguments)
            usage();
        return COMMANDS[i].forked ? run_forked(&COMMANDS[i], count - 1, words + 1)
                                  : COMMANDS[i].run(count - 1, words + 1);
    }
    fprintf(stderr, "probe: no command \"%s\"\n", words[0]);
    usage();
    return 2;
}

static int read_words(const char *path, char **words) {
    static char line[LONGEST_LINE];
    FILE *file = fopen(path, "r");
    int count = 0;
    if (!file) {
        fprintf(stderr, "probe: cannot read %s: %s\n", path, strerror(errno));
        exit(2);
    }
    while (count < MOST_ARGUMENTS && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        words[count++] = strdup(line);
    }
    fclose(file);
    return count;
}

int main(int argc, char **argv) {
    char *words[MOST_ARGUMENTS];
    int count = 0;
    /* Before anything is read as ours: what follows is another program's command line. */
    if (argc > 4 && strcmp(argv[1], "with-key") == 0)
        run_with_key(argv + 2);
    if (argc > 1 && strcmp(argv[1], "terminal") == 0)
        return run_in_terminal(argc - 2, argv + 2);
    for (int i = 1; i < argc && count < MOST_ARGUMENTS; i++) {
        if (argv[i][0] == '@')
            count += read_words(argv[i] + 1, words + count);
        else
            words[count++] = argv[i];
    }
    if (count == 0)
        usage();
    int exit_status = 0;
    for (int start = 0; start < count;) {
        int end = start;
        while (end < count && strcmp(words[end], "--") != 0)
            end++;
        if (end > start) {
            int status = run(end - start, words + start);
            if (status)
                exit_status = status;
        }
        start = end + 1;
    }
    printf("{\"done\": true}\n");
    fflush(stdout);
    return exit_status;
}
