// SPDX-License-Identifier: GPL-2.0
/*
 * passthru COMMAND ...: NVMe commands to the character device or the block device of a namespace.
 *
 *   io DEV [KEY=VALUE...]		data, by many ways; see io.c
 *   cmd DEV [KEY=VALUE...] [-- ...]	single commands; see cmd.c
 *   refusals DEV [KEY=VALUE...]	all that must be refused, with which error; see refusals.c
 *   race DEV [KEY=VALUE...]		commands that are rewritten while they are sent; see race.c
 *   life DEV				files closed, passed on and inherited; see life.c
 *   bench DEV WAY DEPTH COUNT		how long a read takes; see bench.c
 *   allocs DEV NATIVE LBA		how often a command allocates memory; see allocs.c
 *
 * Exit: 0 all was as expected, 1 something was not, and what, 2 wrong usage.
 */
#include <stdio.h>
#include <string.h>
#include "passthru.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "io", main_io }, { "cmd", main_cmd }, { "refusals", main_refusals }, { "race", main_race }, { "life", main_life },
	{ "bench", main_bench }, { "allocs", main_allocs },
};

int main(int argc, char **argv)
{
	size_t i;

	for (i = 0; argc > 2 && i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 2, argv + 2);
	}
	fprintf(stderr, "usage: passthru io|cmd|refusals|race|life|bench|allocs DEVICE ...\n");
	return 2;
}
