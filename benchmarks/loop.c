/* The least that starting a program costs: posix_spawn and wait4, nothing in between.
 *
 *     loop WARM_UPS LAUNCHES PROGRAM
 *
 * Prints the seconds of each counted launch, one a line. Streams go to /dev/null, as hyperfine -N has it.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

extern char **environ;

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

int main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	int warm_ups = atoi(argv[1]), launches = atoi(argv[2]);
	char *command[] = {argv[3], NULL};
	double *taken = calloc((size_t)launches, sizeof *taken);
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	posix_spawn_file_actions_t streams;

	if (!taken || null < 0 || posix_spawn_file_actions_init(&streams))
		return 2;
	for (int stream = 0; stream < 3; stream++)
		posix_spawn_file_actions_adddup2(&streams, null, stream);
	for (int i = -warm_ups; i < launches; i++) {
		pid_t child;
		int status;
		struct rusage usage;
		double began = seconds();
		if (posix_spawn(&child, command[0], &streams, NULL, command, environ))
			return 3;
		if (wait4(child, &status, 0, &usage) != child || status != 0)
			return 4;
		if (i >= 0)
			taken[i] = seconds() - began;
	}
	for (int i = 0; i < launches; i++)
		printf("%.9f\n", taken[i]);
	return 0;
}
