/* The setuid canary: it says who it is, calls the verifier's socket, and can do nothing else.
 *
 * It is a program of its own because it stands setuid root on a real host, for a few seconds or for as
 * long as an administrator leaves it planted. It takes nothing from the environment, reads and writes no
 * file, and calls one fixed socket name, in a directory that its caller may enter without it: what it
 * answers tells nobody what lies behind doors that only root may open. The name is looked up as the caller,
 * and a link of that name is not followed: nobody has root call another socket. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Opens the socket's place as the caller would; the descriptor, or -1. */
static int place_of_socket(const char *directory, uid_t caller, uid_t gained) {
    if ((gained != caller && seteuid(caller) < 0) || chdir(directory) < 0)
        return -1;
    int place = open("verifier.sock", O_PATH | O_NOFOLLOW | O_CLOEXEC);
    return gained != caller && seteuid(gained) < 0 ? -1 : place;
}

int main(int argc, char **argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    uid_t caller = getuid(), gained = geteuid();
    int error = 0;
    alarm(5);
    if (argc == 2) {
        int line = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int place = place_of_socket(argv[1], caller, gained);
        snprintf(address.sun_path, sizeof address.sun_path, "/proc/self/fd/%d", place);
        if (line < 0 || place < 0 || connect(line, (struct sockaddr *)&address, sizeof address) < 0)
            error = errno;
        else if (write(line, "helper\n", 7) != 7)
            error = EIO;
    }
    printf("{\"what\": \"helper\", \"uid\": %ld, \"euid\": %ld, \"ok\": %s, \"errno\": %d}\n",
           (long)caller, (long)gained, error ? "false" : "true", error);
    printf("{\"done\": true}\n");
    return fflush(stdout) ? 1 : 0;
}
