/* When a program's first instruction ran, by the kernel's clocks. A container shares them with its host. */
#define _GNU_SOURCE
#include <time.h>

#include "payload.h"

int tell_start(int count, char **arguments) {
    (void)count;
    (void)arguments;
    long long started = now_ns();
    struct timespec wall = {0};
    clock_gettime(CLOCK_REALTIME, &wall);
    line_begin("start");
    line_number("monotonic_ns", started);
    line_number("realtime_ns", wall.tv_sec * 1000000000LL + wall.tv_nsec);
    line_end();
    return 0;
}
