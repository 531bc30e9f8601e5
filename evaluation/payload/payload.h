/* What the files of the payload share: JSON lines out, and the list of commands. */
#ifndef PAYLOAD_H
#define PAYLOAD_H

/* One JSON object per line: begin, fields, end. `end` flushes, so a later crash loses no line. */
void line_begin(const char *what);
void line_number(const char *name, long long value);
void line_real(const char *name, double value);
void line_text(const char *name, const char *value);
void line_truth(const char *name, int value);
/* Writes "ok", and on failure "errno" and "error" from the given error number (0 means success). */
void line_result(int error);
void line_end(void);

/* Monotonic time in nanoseconds. */
long long now_ns(void);

/* Makes the new file PREFIX SUFFIX with a number in it; the verifier waits for it. Returns errno. */
int mark_file(const char *prefix, const char *suffix, long long value);

/* Reads a decimal number of at least 0; ends the program with a usage message when it is none. */
long number(const char *text);

/* A command takes its arguments (name not counted) and prints its lines. What it returns is the
 * program's exit status when it is not 0. */
typedef int command_function(int count, char **arguments);

struct command {
    const char *name;
    command_function *run;
    int arguments; /* how many it needs at least */
    int forked;    /* run in a child of its own with an alarm */
    const char *usage;
};

command_function bench_syscalls, bench_cpu, bench_walk;
command_function bench_lookups, bench_opens, bench_execs, bench_tree;
command_function bench_triad, bench_matrix, hold_memory;
command_function transfer_write, transfer_read, transfer_evict, transfer_loopback;
command_function legacy_vsyscall_page, legacy_vsyscall_call, legacy_vsyscall_read, legacy_uname;
command_function leave_daemon, burn_cpu, start_children, tell_limits, make_open_tree, make_foreign_tree;
command_function tell_terminal, attempt_trace;
command_function find_programs, tree_digest;
command_function file_change_directory, file_write, file_read, file_make_tree, file_remove_tree;
command_function attempt_identity, attempt_getenv, attempt_call, attempt_connect;
command_function attempt_run_helper, attempt_plant, attempt_signal_process, await_signal;

/* "terminal ROWS COLUMNS COMMAND ...": the rest of the line is one command. */
int run_in_terminal(int count, char **arguments);

#endif
