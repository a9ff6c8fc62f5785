// SPDX-License-Identifier: GPL-2.0
/*
 * klog [skip]: what the kernel has logged since the last look, from an open
 * /dev/kmsg on stdin, whose position is the memory from one look to the next;
 * "skip": nothing, but from here on. Unlike dmesg it does not read all of the log
 * after each test. Exit status 1 if messages were lost meanwhile.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static __attribute__((noreturn)) void die(const char *what)
{
	perror(what);
	exit(1);
}

/* "PRIORITY,SEQUENCE,MICROSECONDS,...;TEXT\n", then lines with what it is about */
static void show(const char *record)
{
	const char *text = strchr(record, ';');
	unsigned long long time;

	if (!text || sscanf(record, "%*u,%*u,%llu", &time) != 1)
		die("a record of the kernel log is not understood");
	printf("[%5llu.%06llu] %.*s\n", time / 1000000, time % 1000000, (int)strcspn(text + 1, "\n"), text + 1);
}

int main(int argc, char **argv)
{
	/* more than the kernel puts into one record */
	char record[16384];
	ssize_t n;

	if (argc > 1 && !strcmp(argv[1], "skip")) {
		if (lseek(0, 0, SEEK_END) < 0)
			die("lseek");
		return 0;
	}
	if (fcntl(0, F_SETFL, O_NONBLOCK))
		die("fcntl");
	while ((n = read(0, record, sizeof(record) - 1)) > 0) {
		record[n] = '\0';
		show(record);
	}
	if (n < 0 && errno != EAGAIN)
		die("the kernel log");
	return fflush(stdout) ? 1 : 0;
}
