/* The setuid canary: it says who it is, calls the verifier's socket, and can do nothing else.
 *
 * It is a program of its own because it stands setuid root on a real host, for a few seconds or for as
 * long as an administrator leaves it planted. It takes nothing from the environment, reads and writes no
 * file, and calls one fixed socket name, in a directory that its caller may enter without it: what it
 * answers tells nobody what lies behind doors that only root may open. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "verifier.sock"};
    uid_t caller = getuid(), gained = geteuid();
    int error = 0;
    alarm(5);
    if (argc == 2) {
        int line = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (line < 0 || (gained != caller && seteuid(caller) < 0) || chdir(argv[1]) < 0 ||
            (gained != caller && seteuid(gained) < 0) ||
            connect(line, (struct sockaddr *)&address, sizeof address) < 0)
            error = errno;
        else if (write(line, "helper\n", 7) != 7)
            error = EIO;
    }
    printf("{\"what\": \"helper\", \"uid\": %ld, \"euid\": %ld, \"ok\": %s, \"errno\": %d}\n",
           (long)caller, (long)gained, error ? "false" : "true", error);
    printf("{\"done\": true}\n");
    return fflush(stdout) ? 1 : 0;
}
