/* What software of old systems asks of the kernel: the vsyscall page, and a release that begins 2.6. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "payload.h"

#ifndef UNAME26
#define UNAME26 0x0020000
#endif

/* Where the C libraries of RHEL 5 and 6 find time(): a fixed address, from before the vDSO. */
#define VSYSCALL_PAGE 0xffffffffff600000UL
#define VSYSCALL_TIME 0xffffffffff600400UL

/* The permissions of the page as the kernel lists them; null where there is none. "r-xp" is EMULATE,
 * "--xp" is XONLY. */
int legacy_vsyscall_page(int count, char **arguments) {
    (void)count;
    (void)arguments;
    char line[512], permissions[8] = "";
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps && fgets(line, sizeof line, maps))
        if (strstr(line, "[vsyscall]"))
            sscanf(line, "%*s %7s", permissions);
    line_begin("vsyscall-page");
    line_truth("listed", maps != NULL);
    line_text("permissions", *permissions ? permissions : NULL);
    line_end();
    if (maps)
        fclose(maps);
    return 0;
}

/* Calls it; where there is no page this ends by SIGSEGV, which the parent reports. */
int legacy_vsyscall_call(int count, char **arguments) {
    (void)count;
    (void)arguments;
#ifdef __x86_64__
    time_t (*old_time)(time_t *) = (time_t (*)(time_t *))VSYSCALL_TIME;
    time_t now = time(NULL), told = old_time(NULL);
    line_begin("vsyscall-call");
    line_truth("ok", told >= now && told - now < 10);
    line_end();
#else
    line_begin("vsyscall-call");
    line_result(ENOSYS);
    line_end();
#endif
    return 0;
}

/* Reads it, as some tools of that age do; XONLY refuses that by SIGSEGV. */
int legacy_vsyscall_read(int count, char **arguments) {
    (void)count;
    (void)arguments;
#ifdef __x86_64__
    volatile const unsigned char *page = (volatile const unsigned char *)VSYSCALL_PAGE;
    unsigned char first = *page;
    line_begin("vsyscall-read");
    line_truth("ok", 1);
    line_number("first", first);
    line_end();
#else
    line_begin("vsyscall-read");
    line_result(ENOSYS);
    line_end();
#endif
    return 0;
}

int legacy_uname(int count, char **arguments) {
    (void)count;
    (void)arguments;
    struct utsname before, after;
    int error = 0;
    memset(&after, 0, sizeof after);
    if (uname(&before) < 0 || personality(UNAME26) < 0 || uname(&after) < 0)
        error = errno;
    line_begin("uname26");
    line_text("before", before.release);
    line_text("after", after.release);
    line_result(error);
    line_end();
    return 0;
}

/* Which of these programs the image has, on the usual path. */
int find_programs(int count, char **arguments) {
    static const char *const directories[] = {"/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"};
    char path[4096];
    for (int i = 0; i < count; i++) {
        int found = 0;
        for (size_t place = 0; place < sizeof directories / sizeof *directories; place++) {
            snprintf(path, sizeof path, "%s/%s", directories[place], arguments[i]);
            found |= access(path, X_OK) == 0;
        }
        line_begin("program");
        line_text("name", arguments[i]);
        line_truth("ok", found);
        line_end();
    }
    return 0;
}
