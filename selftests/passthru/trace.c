// SPDX-License-Identifier: GPL-2.0
/*
 * What a drive is told, as its driver's tracepoint nvme_setup_cmd has it. The data of commands is
 * not in there, so neither are the ranges of Dataset Management and the sources of Copy.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "passthru.h"

#define EVENT "events/nvme/nvme_setup_cmd/"

static struct traced seen;
static uint64_t first, lbas;
static pthread_t reader;
static bool stop;
static bool was_on;	/* the tracepoint, with tracing off (selftests/vm/run --traced) */
static FILE *shown;	/* some of what lies outside */

int trace_open(const char *file, int flags)
{
	static const char *const places[] = { "/sys/kernel/tracing", "/sys/kernel/debug/tracing" };
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", places[access("/sys/kernel/tracing/trace", F_OK) ? 1 : 0], file);
	return open(path, flags | O_CLOEXEC);
}

void trace_put(const char *file, const char *text)
{
	int fd = trace_open(file, O_WRONLY | O_TRUNC);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		die("tracing: %s: %s", file, strerror(errno));
	close(fd);
}

static uint64_t after(const char *line, const char *key, uint64_t without)
{
	const char *at = strstr(line, key);

	return at ? strtoull(at + strlen(key), NULL, 0) : without;
}

/* Commands that the driver has no words for: dwords 10 to 15 as bytes */
static bool raw(const char *line, uint64_t *slba, uint64_t *nlb)
{
	const char *at = strstr(line, "cdw10=");
	unsigned int b[10], i;

	if (!at || sscanf(at, "cdw10=%x %x %x %x %x %x %x %x %x %x", b, b + 1, b + 2, b + 3, b + 4, b + 5, b + 6, b + 7,
			  b + 8, b + 9) != 10)
		return false;
	*slba = 0;
	for (i = 0; i < 8; i++)
		*slba |= (uint64_t)b[i] << 8 * i;
	*nlb = (b[8] | b[9] << 8) + 1UL;
	return true;
}

/* Where in the namespace of the drive, if anywhere */
static bool has_lbas(const char *line, uint64_t *slba, uint64_t *nlb)
{
	if (strstr(line, "slba=")) {
		*slba = after(line, "slba=", 0);
		*nlb = after(line, "len=", 0) + 1;
		return true;
	}
	if (strstr(line, "cmd=(nvme_cmd_compare") || strstr(line, "cmd=(nvme_cmd_write_uncor") ||
	    strstr(line, "cmd=(nvme_cmd_verify") || strstr(line, "cmd=(0xc "))
		return raw(line, slba, nlb);
	/* its name is not known to all drivers; how many there are is in its data */
	if (strstr(line, "cmd=(nvme_cmd_copy") || strstr(line, "cmd=(0x19 ")) {
		bool known = raw(line, slba, nlb);

		*nlb = 1;
		return known;
	}
	return false;
}

/* Those without LBAs that are let through */
static bool may_pass(const char *line)
{
	return strstr(line, "cmd=(nvme_cmd_flush") || strstr(line, "cmd=(nvme_cmd_dsm");
}

/* Our module, and what scans for partitions, look at the drive's first LBA when they please. */
static bool is_a_look(const char *line)
{
	return strstr(line, "kworker/") && strstr(line, "cmd=(nvme_cmd_read slba=0, len=0,");
}

static void look_at(const char *line)
{
	uint64_t slba, nlb;
	bool wrong;

	if (strstr(line, "LOST"))
		seen.lost++;
	if (!strstr(line, "nvme_setup_cmd:") || is_a_look(line))
		return;
	seen.commands++;
	if (has_lbas(line, &slba, &nlb))
		wrong = slba < first || slba - first > lbas || nlb > lbas - (slba - first);
	else
		wrong = !may_pass(line);
	if (wrong && seen.outside++ < 8)
		fprintf(shown, "passthru: outside the namespace: %s\n", line);
}

static void *follow(void *arg)
{
	int fd = (int)(intptr_t)arg;
	char text[1 << 16];
	size_t have = 0;
	ssize_t n;
	bool last = false;
	char *line, *end;

	for (;;) {
		last = __atomic_load_n(&stop, __ATOMIC_ACQUIRE);
		while ((n = read(fd, text + have, sizeof(text) - 1 - have)) > 0) {
			have += (size_t)n;
			text[have] = 0;
			for (line = text; (end = strchr(line, '\n')); line = end + 1) {
				*end = 0;
				look_at(line);
			}
			have = strlen(line);
			memmove(text, line, have + 1);
		}
		if (last)
			break;
		usleep(20000);
	}
	close(fd);
	return NULL;
}

/*
 * @drive: "nvme0n1"; where on it the namespace is, so that a command beside it is found out. False
 * if this kernel has no such tracepoint.
 */
bool trace_begin(const char *drive, uint64_t slba, uint64_t nlb)
{
	char text[160], on;
	int number, fd;

	fd = trace_open(EVENT "enable", O_RDWR);
	if (fd < 0)
		return false;
	was_on = read(fd, &on, 1) == 1 && on == '1';
	close(fd);
	if (sscanf(drive, "nvme%d", &number) != 1)
		die("'%s' is no NVMe drive", drive);
	first = slba;
	lbas = nlb;
	shown = stderr;
	trace_put("trace", "\n");
	trace_put("buffer_size_kb", "16384");
	snprintf(text, sizeof(text), "ctrl_id == %d", number);
	trace_put(EVENT "filter", text);
	trace_put(was_on ? "tracing_on" : EVENT "enable", "1");
	fd = trace_open("trace_pipe", O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		die("tracing: trace_pipe: %s", strerror(errno));
	if (pthread_create(&reader, NULL, follow, (void *)(intptr_t)fd))
		die("no thread");
	return true;
}

struct traced trace_end(void)
{
	trace_put(was_on ? "tracing_on" : EVENT "enable", "0");
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(reader, NULL);
	trace_put(EVENT "filter", "0");
	trace_put("buffer_size_kb", "1408");
	if (seen.lost)
		die("the trace has holes");
	return seen;
}
