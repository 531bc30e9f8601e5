/* Attempts on the kernel itself: what an ordinary job hardly needs, and what escapes have used.
 *
 * "ok" means past the gate: the kernel did it, or it complained of an argument that is invalid on purpose,
 * which it looks at only after the caller's privilege. Nothing here changes anything: values are written
 * back as they were, maps and rings are closed again, mounts are made in a namespace that ends with us. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "payload.h"

/* A system call that the headers do not know is answered ENOSYS, as by a kernel that does not. */
#ifndef SYS_bpf
#define SYS_bpf -1
#endif
#ifndef SYS_io_uring_setup
#define SYS_io_uring_setup 425 /* the same on every architecture */
#endif
#ifndef SYS_userfaultfd
#define SYS_userfaultfd -1
#endif

enum {
    LONGEST_PATH = 4096,
    LONGEST_VALUE = 256,
    PROC_MAGIC = 0x9fa0,
    MAP_CREATE = 0,       /* BPF_MAP_CREATE */
    MAP_ARRAY = 2,        /* BPF_MAP_TYPE_ARRAY */
    LOG_READ_ALL = 3,     /* SYSLOG_ACTION_READ_ALL */
    PROCESS_KEYRING = -2, /* KEY_SPEC_PROCESS_KEYRING: ends with the process */
    MOST_HANDLE_BYTES = 128,
};

static void answer(const char *what, const char *call, int error) {
    line_begin(what);
    line_text("call", call);
    line_result(error);
    line_end();
}

/* Reads a kernel parameter and writes the very same bytes back. */
int attempt_sysctl_write(int count, char **arguments) {
    (void)count;
    char value[LONGEST_VALUE + 1] = "";
    struct statfs system = {.f_type = 0};
    int error = 0;
    ssize_t got = 0;
    int file = open(arguments[0], O_RDWR | O_CLOEXEC);
    if (file < 0) {
        error = errno;
    } else if (fstatfs(file, &system) < 0 || (got = read(file, value, LONGEST_VALUE)) < 0) {
        error = errno;
    } else if (system.f_type != PROC_MAGIC || got == 0 || got == LONGEST_VALUE) {
        error = EINVAL; /* not the kernel's file, or not the whole of its value: nothing is written */
    } else {
        value[got] = '\0';
        if (pwrite(file, value, (size_t)got, 0) != got)
            error = errno;
    }
    if (file >= 0)
        close(file);
    line_begin("sysctl-write");
    line_text("call", arguments[0]);
    line_text("value", value);
    line_result(error);
    line_end();
    return 0;
}

/* The number of a namespace; 0 where it cannot be told. */
static long long namespace_number(const char *path) {
    struct stat status;
    return stat(path, &status) < 0 ? 0 : (long long)status.st_ino;
}

/* reboot(2) with magic numbers that mean nothing, and settimeofday(2) with a time zone beyond the world's. */
int attempt_gates(int count, char **arguments) {
    (void)count;
    (void)arguments;
    struct timezone nowhere = {.tz_minuteswest = 1000000};
    int error = syscall(SYS_reboot, 0x1, 0x2, 0x3, NULL) < 0 ? errno : 0;
    line_begin("gates");
    line_text("call", "reboot");
    line_number("pid_namespace", namespace_number("/proc/self/ns/pid"));
    line_result(error == EINVAL ? 0 : error);
    line_end();
    error = syscall(SYS_settimeofday, NULL, &nowhere) < 0 ? errno : 0;
    answer("gates", "settimeofday", error == EINVAL ? 0 : error);
    return 0;
}

/* How much of the kernel's log is handed out; not a word of it is kept. */
int attempt_kernel_log(int count, char **arguments) {
    (void)count;
    (void)arguments;
    static char text[8192];
    int got = klogctl(LOG_READ_ALL, text, sizeof text);
    answer("kernel-log", "syslog", got > 0 ? 0 : got < 0 ? errno : ENODATA);
    int error = 0;
    int file = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    if (file < 0) {
        error = errno;
    } else if (fstat(file, &status) < 0 || !S_ISCHR(status.st_mode)) {
        error = ENODEV; /* a runtime's stand-in is not the kernel's log */
    } else {
        ssize_t length = read(file, text, sizeof text);
        if (length <= 0)
            error = length == 0 ? ENODATA : errno == EPIPE ? 0 : errno; /* EPIPE: overwritten meanwhile */
    }
    if (file >= 0)
        close(file);
    answer("kernel-log", "/dev/kmsg", error);
    return 0;
}

static int opened(long descriptor) {
    int error = descriptor < 0 ? errno : 0;
    if (descriptor >= 0)
        close((int)descriptor);
    return error;
}

int attempt_bpf_map(int count, char **arguments) {
    (void)count;
    (void)arguments;
    /* union bpf_attr as BPF_MAP_CREATE reads it; what follows is zero, which every kernel takes. */
    struct {
        unsigned int type, key_size, value_size, entries, rest[8];
    } map = {.type = MAP_ARRAY, .key_size = 4, .value_size = 4, .entries = 1};
    answer("bpf-map", "bpf", opened(syscall(SYS_bpf, MAP_CREATE, &map, sizeof map)));
    return 0;
}

int attempt_io_uring(int count, char **arguments) {
    (void)count;
    (void)arguments;
    unsigned char parameters[256] = {0}; /* struct io_uring_params, which is 120 bytes long */
    answer("io-uring", "io_uring_setup", opened(syscall(SYS_io_uring_setup, 1, parameters)));
    return 0;
}

/* Three doors that escapes have gone through and that computing rarely needs. */
int attempt_uncommon_calls(int count, char **arguments) {
    (void)count;
    (void)arguments;
    struct perf_event_attr event = {
        .type = PERF_TYPE_SOFTWARE,
        .size = sizeof event,
        .config = PERF_COUNT_SW_TASK_CLOCK,
        .disabled = 1,
        .exclude_kernel = 1,
        .exclude_hv = 1,
    };
    /* Without UFFD_USER_MODE_ONLY: only faults of the kernel can be held up to win a race in it. */
    answer("uncommon-calls", "userfaultfd", opened(syscall(SYS_userfaultfd, O_CLOEXEC)));
    answer("uncommon-calls", "perf_event_open", opened(syscall(SYS_perf_event_open, &event, 0, -1, -1, 0)));
    long key = syscall(SYS_add_key, "user", "container-evaluation", "canary", 6, PROCESS_KEYRING);
    answer("uncommon-calls", "add_key", key < 0 && errno != EDQUOT ? errno : 0);
    return 0;
}

/* Mounts a cgroup hierarchy that there is already, and looks whether its release_agent, the program that the
 * kernel runs as root, is in reach. It is opened for reading and never written. */
int attempt_release_agent(int count, char **arguments) {
    (void)count;
    const char *step = "mount";
    char path[LONGEST_PATH];
    int error = 0, mounted = 0;
    int length = snprintf(path, sizeof path, "%s/release_agent", arguments[0]);
    if (length < 0 || length >= (int)sizeof path)
        error = ENAMETOOLONG;
    /* Where it can be, the mount is in a namespace of our own, and ends with us. */
    if (!error && unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        error = errno;
    if (!error && mount("cgroup", arguments[0], "cgroup", MS_NOSUID | MS_NODEV | MS_NOEXEC, arguments[1]) < 0)
        error = errno;
    if (!error) {
        mounted = 1;
        step = "open release_agent";
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0) {
            error = errno;
        } else {
            close(file);
            step = "write permission for release_agent";
            error = access(path, W_OK) < 0 ? errno : 0;
        }
        umount2(arguments[0], 0);
    }
    line_begin("release-agent");
    line_text("call", step);
    line_truth("mounted", mounted);
    line_result(error);
    line_end();
    return 0;
}

/* The process that goes by a name (its comm), which the verifier made up; 0 where none is in sight. */
long process_named(const char *name) {
    struct dirent *entry;
    long found = 0;
    DIR *processes = opendir("/proc");
    while (processes && !found && (entry = readdir(processes))) {
        char path[64], text[64] = "";
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
            continue;
        snprintf(path, sizeof path, "/proc/%.20s/comm", entry->d_name);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t got = file < 0 ? -1 : read(file, text, sizeof text - 1);
        if (file >= 0)
            close(file);
        if (got <= 0)
            continue;
        text[strcspn(text, "\n")] = '\0';
        if (strcmp(text, name) == 0)
            found = atol(entry->d_name);
    }
    if (processes)
        closedir(processes);
    return found;
}

/* Enters the namespaces of the canary's process, the mounts last, because they change what is in sight. */
int attempt_enter_namespaces(int count, char **arguments) {
    (void)count;
    static const char *const NAMES[] = {"net", "uts", "ipc", "cgroup", "pid", "mnt"};
    enum { NAME_COUNT = sizeof NAMES / sizeof NAMES[0] };
    int files[NAME_COUNT], errors[NAME_COUNT];
    long pid = process_named(arguments[0]);
    for (int i = 0; i < NAME_COUNT; i++) {
        char path[64];
        snprintf(path, sizeof path, "/proc/%ld/ns/%s", pid, NAMES[i]);
        files[i] = pid ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        errors[i] = files[i] >= 0 ? 0 : pid ? errno : ESRCH;
    }
    for (int i = 0; i < NAME_COUNT; i++) {
        if (files[i] >= 0)
            errors[i] = setns(files[i], 0) < 0 ? errno : 0;
        line_begin("enter-namespaces");
        line_text("call", NAMES[i]);
        line_truth("seen", pid != 0);
        line_result(errors[i]);
        line_end();
    }
    return 0;
}

/* Prints a file's handle, by which it can be opened without a path: TYPE:HEX. */
int attempt_file_handle(int count, char **arguments) {
    (void)count;
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MOST_HANDLE_BYTES];
    } space = {.handle = {.handle_bytes = MOST_HANDLE_BYTES}};
    char text[2 * MOST_HANDLE_BYTES + 32] = "";
    int mount_number, error = 0;
    if (name_to_handle_at(AT_FDCWD, arguments[0], &space.handle, &mount_number, 0) < 0)
        error = errno;
    size_t length = error ? 0 : (size_t)snprintf(text, sizeof text, "%d:", space.handle.handle_type);
    for (unsigned int i = 0; !error && i < space.handle.handle_bytes; i++)
        length += (size_t)snprintf(text + length, sizeof text - length, "%02x", space.handle.f_handle[i]);
    line_begin("file-handle");
    line_text("text", text);
    line_result(error);
    line_end();
    return 0;
}

/* Opens a file by its handle, through any file of its file system, and reads it. */
int attempt_open_handle(int count, char **arguments) {
    (void)count;
    union {
        struct file_handle handle;
        char room[sizeof(struct file_handle) + MOST_HANDLE_BYTES];
    } space = {.handle = {.handle_bytes = 0}};
    char text[LONGEST_VALUE + 1] = "", *digits;
    int error = 0, file = -1;
    space.handle.handle_type = (int)strtol(arguments[1], &digits, 10);
    unsigned int value;
    for (digits += *digits == ':'; space.handle.handle_bytes < MOST_HANDLE_BYTES; digits += 2) {
        if (sscanf(digits, "%2x", &value) != 1)
            break;
        space.handle.f_handle[space.handle.handle_bytes++] = (unsigned char)value;
    }
    int anchor = open(arguments[0], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (anchor < 0 || (file = open_by_handle_at(anchor, &space.handle, O_RDONLY | O_CLOEXEC)) < 0)
        error = errno;
    ssize_t got = error ? 0 : read(file, text, LONGEST_VALUE);
    if (got < 0)
        error = errno;
    else
        text[got] = '\0';
    line_begin("open-handle");
    line_text("call", anchor < 0 ? "open the bind" : "open_by_handle_at");
    line_text("text", text);
    line_result(error);
    line_end();
    return 0;
}
