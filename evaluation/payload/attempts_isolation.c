/* Attempts on what belongs to the same user, or to another job, outside of the container: canaries all. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "payload.h"

#ifndef PTRACE_SEIZE
#define PTRACE_SEIZE 0x4206
#endif

enum {
    LONGEST_PATH = 4096,
    LONGEST_WORD = 512,
    SHARED_BYTES = 4096,
    PAUSE_NS = 10 * 1000 * 1000,
    KEY_SECONDS = 60,
    ANSWER_MS = 2000,
    SESSION_KEYRING = -3, /* KEY_SPEC_SESSION_KEYRING */
    JOIN_SESSION_KEYRING = 1,
    KEYRING_SEARCH = 10,
    KEY_READ = 11,
    KEY_SET_TIMEOUT = 15,
    OWNING_USER_NAMESPACE = 0xb701, /* NS_GET_USERNS */
};

/* Waits until PREFIX.stop is there, or SECONDS are over. */
static void wait_for_stop(const char *prefix, long seconds) {
    char path[LONGEST_PATH];
    struct timespec pause = {.tv_nsec = PAUSE_NS};
    long long end = now_ns() + seconds * 1000000000LL;
    snprintf(path, sizeof path, "%s.stop", prefix);
    while (now_ns() < end && access(path, F_OK) < 0)
        nanosleep(&pause, NULL);
}

/* A process to be found by its name (at most 15 bytes), which stands on no other command line. */
int canary_linger(int count, char **arguments) {
    (void)count;
    prctl(PR_SET_NAME, arguments[2], 0, 0, 0);
    int error = mark_file(arguments[0], ".ready", getpid());
    if (!error)
        wait_for_stop(arguments[0], number(arguments[1]));
    line_begin("linger");
    line_result(error);
    line_end();
    return 0;
}

/* Finds NAME=... among the variables of a process. Returns errno; ENOMSG when it is not there. */
static int read_variable(long pid, const char *name, char *value, size_t size) {
    static char text[1 << 17];
    char path[64];
    size_t length = strlen(name);
    ssize_t got;
    size_t filled = 0;
    snprintf(path, sizeof path, "/proc/%ld/environ", pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return errno;
    while ((got = read(file, text + filled, sizeof text - 1 - filled)) > 0)
        filled += (size_t)got;
    int error = got < 0 ? errno : ENOMSG;
    close(file);
    for (char *word = text; word < text + filled; word += strlen(word) + 1)
        if (strncmp(word, name, length) == 0 && word[length] == '=') {
            snprintf(value, size, "%s", word + length + 1);
            return 0;
        }
    return error;
}

static int read_text(const char *path, char *text, size_t size) {
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return errno;
    ssize_t got = read(file, text, size - 1);
    int error = got < 0 ? errno : 0;
    text[got < 0 ? 0 : got] = '\0';
    close(file);
    return error;
}

static void inspected(const char *how, long pid, const char *text, int error) {
    line_begin("inspect");
    line_text("call", how);
    line_truth("seen", pid != 0);
    line_text("text", text);
    line_result(error);
    line_end();
}

/* Looks into the process of a name: a variable, a file by its root directory, and its memory (it is seized,
 * which does not even stop it, and let go when we end). Only the canary's process is ever touched. */
int attempt_inspect(int count, char **arguments) {
    char word[LONGEST_WORD] = "", path[LONGEST_PATH];
    long pid = process_named(arguments[0]);
    int error = pid ? read_variable(pid, arguments[1], word, sizeof word) : ESRCH;
    inspected("environ", pid, word, error);
    if (count < 3)
        return 0;
    error = ESRCH;
    word[0] = '\0';
    if (pid) {
        int length = snprintf(path, sizeof path, "/proc/%ld/root%s", pid, arguments[2]);
        error = length >= (int)sizeof path ? ENAMETOOLONG : read_text(path, word, sizeof word);
    }
    inspected("root", pid, word, error);
    error = pid ? 0 : ESRCH;
    if (pid && ptrace(PTRACE_SEIZE, (pid_t)pid, NULL, NULL) < 0)
        error = errno;
    inspected("ptrace", pid, "", error);
    return 0;
}

/* Sends a token to a Unix socket. One without a file has a name that begins with a zero byte. */
static int send_to(const struct sockaddr_un *address, socklen_t size, const char *token) {
    size_t length = strlen(token);
    int line = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (line < 0 || connect(line, (const struct sockaddr *)address, size) < 0)
        return errno;
    return send(line, token, length, MSG_NOSIGNAL) == (ssize_t)length ? 0 : EIO;
}

/* A Unix socket without a file: its name belongs to the network namespace, and has no permissions. */
int attempt_connect_abstract(int count, char **arguments) {
    (void)count;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t name = strlen(arguments[0]);
    int error = name < sizeof address.sun_path ? 0 : ENAMETOOLONG;
    if (!error) {
        memcpy(address.sun_path + 1, arguments[0], name);
        error = send_to(&address, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + name), arguments[1]);
    }
    line_begin("connect-abstract");
    line_result(error);
    line_end();
    return 0;
}

/* A Unix socket with a file, as a service on this machine offers to its clients. */
int attempt_connect_file(int count, char **arguments) {
    (void)count;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t name = strlen(arguments[0]);
    int error = name < sizeof address.sun_path ? 0 : ENAMETOOLONG;
    if (!error) {
        memcpy(address.sun_path, arguments[0], name);
        error = send_to(&address, (socklen_t)sizeof address, arguments[1]);
    }
    line_begin("connect-file");
    line_result(error);
    line_end();
    return 0;
}

/* Who owns our network: the number of its user namespace, 0 where that is none of ours to know. */
static long long network_owner(void) {
    struct stat status = {.st_ino = 0};
    int network = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int owner = network < 0 ? -1 : ioctl(network, OWNING_USER_NAMESPACE);
    if (owner >= 0 && fstat(owner, &status) < 0)
        status.st_ino = 0;
    if (owner >= 0)
        close(owner);
    if (network >= 0)
        close(network);
    return (long long)status.st_ino;
}

/* How many interfaces are up beside the loopback: on a network without any there is nobody to deceive. */
static int interfaces_up(void) {
    struct ifaddrs *all, *one;
    int count = 0;
    if (getifaddrs(&all) < 0)
        return -1;
    for (one = all; one; one = one->ifa_next)
        count += one->ifa_addr && one->ifa_addr->sa_family == AF_PACKET && (one->ifa_flags & IFF_UP) &&
                 !(one->ifa_flags & IFF_LOOPBACK);
    freeifaddrs(all);
    return count;
}

int attempt_raw_sockets(int count, char **arguments) {
    (void)count;
    (void)arguments;
    const struct {
        const char *name;
        int family, type, protocol;
    } tried[] = {
        {"raw", AF_INET, SOCK_RAW, IPPROTO_ICMP},
        {"packet", AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)},
    };
    struct stat status = {.st_ino = 0};
    if (stat("/proc/self/ns/net", &status) < 0)
        status.st_ino = 0;
    for (size_t i = 0; i < sizeof tried / sizeof tried[0]; i++) {
        int line = socket(tried[i].family, tried[i].type | SOCK_CLOEXEC, tried[i].protocol);
        int error = line < 0 ? errno : 0;
        if (line >= 0)
            close(line);
        line_begin("raw-sockets");
        line_text("call", tried[i].name);
        line_number("network", (long long)status.st_ino);
        line_number("owner", network_owner());
        line_number("interfaces", interfaces_up());
        line_result(error);
        line_end();
    }
    return 0;
}

/* Keeps a word in a System V segment, whose number is in PREFIX.ready. It is marked for removal at once: it
 * can still be reached by its number (shmctl(2), Linux alone), and ends with this process however that ends. */
int canary_hold_shared(int count, char **arguments) {
    (void)count;
    int error = 0;
    char *text = (char *)-1;
    int id = shmget(IPC_PRIVATE, SHARED_BYTES, IPC_CREAT | 0600);
    if (id < 0 || (text = shmat(id, NULL, 0)) == (char *)-1)
        error = errno;
    if (id >= 0 && shmctl(id, IPC_RMID, NULL) < 0 && !error)
        error = errno;
    if (!error) {
        snprintf(text, SHARED_BYTES, "%s", arguments[2]);
        error = mark_file(arguments[0], ".ready", id);
    }
    if (!error)
        wait_for_stop(arguments[0], number(arguments[1]));
    line_begin("hold-shared");
    line_result(error);
    line_end();
    return 0;
}

/* Reads a file of the home as it is called inside: a runtime may show the user's under another name. */
int attempt_read_home(int count, char **arguments) {
    (void)count;
    char path[LONGEST_PATH], *one[] = {path};
    const char *home = getenv("HOME");
    int length = snprintf(path, sizeof path, "%s/%s", home ? home : "/root", arguments[0]);
    return length < (int)sizeof path ? file_read(1, one) : 1;
}

int attempt_read_shared(int count, char **arguments) {
    (void)count;
    char word[LONGEST_WORD] = "";
    char *text = shmat((int)number(arguments[0]), NULL, SHM_RDONLY);
    int error = text == (char *)-1 ? errno : 0;
    if (!error) {
        snprintf(word, sizeof word, "%.500s", text);
        shmdt(text);
    }
    line_begin("read-shared");
    line_text("text", word);
    line_result(error);
    line_end();
    return 0;
}

/* Starts a command with a new session keyring that holds one key: NAME WORD COMMAND ... The key ends by
 * itself, because a helper that a runtime leaves behind may keep the keyring. Never returns. */
void run_with_key(char **arguments) {
    const char *failed = "join a session keyring";
    if (syscall(SYS_keyctl, JOIN_SESSION_KEYRING, NULL) >= 0) {
        failed = "add a key";
        long key = syscall(SYS_add_key, "user", arguments[0], arguments[1], strlen(arguments[1]), SESSION_KEYRING);
        if (key >= 0 && syscall(SYS_keyctl, KEY_SET_TIMEOUT, key, KEY_SECONDS) >= 0) {
            failed = arguments[2];
            execvp(arguments[2], arguments + 2);
        }
    }
    fprintf(stderr, "probe: cannot %s: %s\n", failed, strerror(errno));
    _exit(3);
}

int attempt_read_key(int count, char **arguments) {
    (void)count;
    char word[LONGEST_WORD] = "";
    long got = 0;
    long key = syscall(SYS_keyctl, KEYRING_SEARCH, SESSION_KEYRING, "user", arguments[0], 0);
    if (key >= 0)
        got = syscall(SYS_keyctl, KEY_READ, key, word, sizeof word - 1);
    int error = key < 0 || got < 0 ? errno : 0;
    word[!error && got < (long)sizeof word ? got : 0] = '\0';
    line_begin("read-key");
    line_text("text", word);
    line_result(error);
    line_end();
    return 0;
}

/* Calls an engine's socket and asks whether it lives. An engine that speaks another protocol than HTTP has
 * answered enough by taking the call. */
static int ping(const char *path, char *said, size_t size) {
    static const char QUESTION[] = "GET /_ping HTTP/1.0\r\nHost: localhost\r\n\r\n";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int line = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (line < 0 || connect(line, (struct sockaddr *)&address, sizeof address) < 0) {
        int error = errno;
        if (line >= 0)
            close(line);
        return error;
    }
    struct pollfd waiting = {.fd = line, .events = POLLIN};
    ssize_t got = 0;
    if (send(line, QUESTION, sizeof QUESTION - 1, MSG_NOSIGNAL) > 0 && poll(&waiting, 1, ANSWER_MS) > 0)
        got = read(line, said, size - 1);
    said[got > 0 ? got : 0] = '\0';
    said[strcspn(said, "\r\n")] = '\0';
    close(line);
    return 0;
}

int attempt_engine_sockets(int count, char **arguments) {
    for (int i = 0; i < count; i++) {
        char said[64] = "";
        int error = ping(arguments[i], said, sizeof said);
        line_begin("engine-sockets");
        line_text("call", arguments[i]);
        line_text("text", said);
        line_result(error);
        line_end();
    }
    return 0;
}
