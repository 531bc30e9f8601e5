/* Attempts to be more than a plain job of this user is: other ids, fewer groups, namespaces, the
 * host's name. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "payload.h"

enum { READ_BYTES = 64, TOO_LONG_FOR_A_NAME = 1000 };

static void read_line(const char *what, const char *path) {
    char text[READ_BYTES + 1];
    int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, READ_BYTES);
    int error = got < 0 ? errno : 0;
    if (file >= 0)
        close(file);
    line_begin(what);
    line_result(error);
    if (got >= 0) {
        text[got] = '\0';
        line_text("text", text);
    }
    line_end();
}

/* Lays down, for this process alone, the two capabilities that look past a file's mode. What is left
 * to decide is who owns the file and which groups we are in. */
static int lay_down_file_capabilities(void) {
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &header, data) < 0)
        return errno;
    data[0].effective &= ~(1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
    return syscall(SYS_capset, &header, data) < 0 ? errno : 0;
}

/* Reads a file that is closed to one group and open to everybody else, before and after leaving all
 * supplementary groups. */
int attempt_drop_groups(int count, char **arguments) {
    (void)count;
    int error = lay_down_file_capabilities();
    line_begin("lay-down");
    line_result(error);
    line_end();
    if (error)
        return 0;
    read_line("read-before", arguments[0]);
    error = setgroups(0, NULL) < 0 ? errno : 0;
    line_begin("drop-groups");
    line_result(error);
    line_end();
    read_line("read-after", arguments[0]);
    return 0;
}

/* Becomes each of the given users in turn, shows itself, and comes back. */
int attempt_switch_user(int count, char **arguments) {
    int line = visit_begin(arguments[0]);
    int error = line < 0 ? errno : visit_show(line, 'a', -1);
    uid_t before = geteuid();
    line_begin("visit");
    line_result(error);
    line_end();
    for (int i = 1; i < count && !error; i++) {
        uid_t wanted = (uid_t)number(arguments[i]);
        int refused = syscall(SYS_setresuid, -1, wanted, -1) < 0 ? errno : 0;
        int unseen = refused ? 0 : visit_show(line, 'b', -1);
        if (!refused && syscall(SYS_setresuid, -1, before, -1) < 0)
            error = errno; /* we stay who we are; nothing further is tried */
        line_begin("switch-user");
        line_number("uid", wanted);
        line_truth("seen", !refused && !unseen);
        line_result(refused);
        line_end();
    }
    return 0;
}

static int leave_namespace(const char *name, int flag) {
    int error = unshare(flag) < 0 ? errno : 0;
    line_begin("unshare");
    line_text("name", name);
    line_result(error);
    line_end();
    return error;
}

/* A user namespace, and in it what only its root may make: a network and a mount namespace. They end
 * with this process. */
int attempt_namespaces(int count, char **arguments) {
    (void)count;
    int line = visit_begin(arguments[0]);
    int error = line < 0 ? errno : visit_show(line, 'a', -1);
    int made = !error && leave_namespace("user", CLONE_NEWUSER) == 0;
    if (made) {
        leave_namespace("net", CLONE_NEWNET);
        leave_namespace("mnt", CLONE_NEWNS);
        error = visit_show(line, 'b', -1);
    }
    line_begin("visit");
    line_result(error);
    line_end();
    return 0;
}

/* A name longer than any may be: EINVAL says that we were past the privilege check, and nothing can
 * change. Whose name it would have been the verifier sees by our namespace; where it may not look, the
 * kernel's name of that namespace is the same from inside. With "own" it is tried as root of namespaces
 * of our own: the verifier's control. */
int attempt_hostname(int count, char **arguments) {
    char space[64] = "";
    int line = visit_begin(arguments[0]);
    int unseen = line < 0 ? errno : 0;
    if (count > 1 && unshare(CLONE_NEWUSER | CLONE_NEWUTS) < 0)
        unseen = errno;
    if (!unseen)
        unseen = visit_show(line, 'a', -1);
    if (readlink("/proc/self/ns/uts", space, sizeof space - 1) < 0)
        space[0] = '\0';
    int error = syscall(SYS_sethostname, "", TOO_LONG_FOR_A_NAME) < 0 ? errno : 0;
    line_begin("visit");
    line_result(unseen);
    line_end();
    line_begin("hostname");
    line_text("uts", space);
    line_truth("past_the_check", error == EINVAL || error == 0);
    line_result(error);
    line_end();
    return 0;
}
