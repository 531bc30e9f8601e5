/* Visits: an attempt shows itself to the verifier while it stands. The verifier reads what the host's
 * kernel says of this process (its credentials, namespaces, mounts), not what the process believes. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "payload.h"

enum { PATIENCE_SECONDS = 5 };

/* Relative to the directory, because a socket's name must be shorter than 108 bytes. Connected before
 * an attempt changes who we are: afterwards the directory may be closed to us. */
int visit_begin(const char *directory) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "verifier.sock"};
    struct timeval patience = {.tv_sec = PATIENCE_SECONDS};
    int line = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int before = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int error = 0;
    if (line < 0 || chdir(directory) < 0 || connect(line, (struct sockaddr *)&address, sizeof address) < 0 ||
        setsockopt(line, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0)
        error = errno;
    if (before >= 0) {
        if (fchdir(before) < 0 && !error)
            error = errno;
        close(before);
    }
    if (!error)
        return line;
    if (line >= 0)
        close(line);
    errno = error;
    return -1;
}

/* Sends one letter, and a descriptor when it is not negative; comes back when the verifier has looked. */
int visit_show(int line, char letter, int handed) {
    char answer;
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = &letter, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (line < 0)
        return ENOTCONN;
    if (handed >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.space;
        message.msg_controllen = sizeof control.space;
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(&control.header), &handed, sizeof handed);
    }
    /* Without this a process that has changed who it is hides its namespaces from its own user. */
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (sendmsg(line, &message, MSG_NOSIGNAL) != 1)
        return errno;
    ssize_t got = recv(line, &answer, 1, 0);
    return got == 1 ? 0 : got == 0 ? EPIPE : errno;
}

int attempt_visit(int count, char **arguments) {
    (void)count;
    int line = visit_begin(arguments[0]);
    int error = line < 0 ? errno : visit_show(line, 'v', -1);
    line_begin("visit");
    line_result(error);
    line_end();
    return 0;
}
