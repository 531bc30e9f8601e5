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

/* The process that goes by a name (its comm), which the verifier made up; 0 where none is in sight. */
long process_named(const char *name);

/* Starts a command with a new session keyring that holds one key: NAME WORD COMMAND ... Never returns. */
void run_with_key(char **arguments);

/* Makes the file PREFIX SUFFIX with a number in it; the verifier waits for it. It is there once it is whole:
 * who is killed while writing it (a limit on the size of files) has said nothing. Returns errno. */
int mark_file(const char *prefix, const char *suffix, long long value);

/* Reads a decimal number of at least 0; ends the program with a usage message when it is none. */
long number(const char *text);

/* Shows the attempt to the verifier while it stands: `visit_begin` connects to the socket in a directory
 * (-1 and errno on failure), `visit_show` sends a letter, and a descriptor unless it is negative, and
 * waits until the verifier has looked. Returns errno. */
int visit_begin(const char *directory);
int visit_show(int line, char letter, int handed);

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
command_function bench_lookups, bench_opens, bench_reads, bench_execs, bench_tree;
command_function bench_triad, bench_matrix, hold_memory;
command_function transfer_write, transfer_read, transfer_evict, transfer_loopback;
command_function legacy_vsyscall_page, legacy_vsyscall_call, legacy_vsyscall_read, legacy_uname;
command_function attempt_sysctl_write, attempt_gates, attempt_kernel_log, attempt_bpf_map, attempt_io_uring;
command_function attempt_uncommon_calls, attempt_release_agent, attempt_enter_namespaces;
command_function attempt_file_handle, attempt_open_handle;
command_function canary_linger, canary_hold_shared, attempt_inspect, attempt_connect_abstract;
command_function attempt_connect_file;
command_function attempt_raw_sockets, attempt_read_shared, attempt_read_key, attempt_engine_sockets;
command_function attempt_read_home;
command_function leave_daemon, burn_cpu, start_children, tell_limits, make_open_tree, make_foreign_tree;
command_function stay_stubborn;
command_function tell_terminal, attempt_trace, tell_start;
command_function find_programs, tree_digest;
command_function file_change_directory, file_write, file_read, file_make_tree, file_remove_tree;
command_function attempt_identity, attempt_getenv, attempt_call, attempt_connect;
command_function attempt_run_helper, attempt_plant, attempt_signal_process, await_signal;
command_function attempt_visit, attempt_drop_groups, attempt_switch_user, attempt_namespaces;
command_function attempt_hostname, attempt_mount, attempt_unmask, attempt_write_image;
command_function attempt_reach;
command_function attempt_make_node, attempt_list_devices, attempt_read_disks;

/* "terminal ROWS COLUMNS COMMAND ...": the rest of the line is one command. */
int run_in_terminal(int count, char **arguments);

#endif
