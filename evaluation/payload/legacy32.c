/* A 32-bit program without any library: what an i386 package of RHEL 5 asks of kernel and filter. */
typedef char only_for_32_bits[sizeof(void *) == 4 ? 1 : -1];

static long call(long number, long first, long second, long third) {
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(first), "c"(second), "d"(third) : "memory");
    return result;
}

void _start(void) {
    static const char answer[] = "{\"what\": \"legacy-32bit\", \"ok\": true}\n{\"done\": true}\n";
    call(4, 1, (long)answer, sizeof answer - 1); /* write */
    for (;;)
        call(1, 0, 0, 0); /* exit */
}
