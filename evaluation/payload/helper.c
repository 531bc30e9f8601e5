/* The setuid canary: it says who it is, calls the verifier's socket, and can do nothing else.
 *
 * It is a program of its own because for a few seconds it stands setuid root on a real host. It
 * takes nothing from the environment, reads and writes no file, and calls one fixed socket name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "verifier.sock"};
    int error = 0;
    alarm(5);
    if (argc == 2) {
        int line = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (line < 0 || chdir(argv[1]) < 0 ||
            connect(line, (struct sockaddr *)&address, sizeof address) < 0)
            error = errno;
        else if (write(line, "helper\n", 7) != 7)
            error = EIO;
    }
    printf("{\"what\": \"helper\", \"uid\": %ld, \"euid\": %ld, \"ok\": %s, \"errno\": %d}\n",
           (long)getuid(), (long)geteuid(), error ? "false" : "true", error);
    printf("{\"done\": true}\n");
    return fflush(stdout) ? 1 : 0;
}
