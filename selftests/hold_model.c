// SPDX-License-Identifier: GPL-2.0
/*
 * Drives hold and resume of the real module through random events, and compares what it
 * does with a small model: the state of the drive, what each I/O does, what a read finds,
 * how much waits, which namespace is fenced, and that nothing is written below unless the
 * drive is live.
 *
 *   hold_model STEPS SEED DISK HOST TARGET NULL_BLK
 *
 * TARGET is the directory in configfs of a namespace of the NVMe target, which stands on DISK,
 * and NULL_BLK that of this one. To disable the namespace takes the drive away, and costs some
 * ten milliseconds. Prints the
 * last events if model and module differ; the same seed gives the same events.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <pnvme/label.h>

#include "nl_client.h"

#define BLOCK 4096
#define BLOCKS 16
#define IOS 24
#define SLOTS 4
#define PATIENCE 20.0		/* seconds, for what must happen */
#define TRAIL 20

enum state { DETACHED, LIVE, HELD, FAILED };
enum lower { ABSENT, OURS, OTHER_ID, OLD_LABEL, NO_LABEL };
enum fence { NO_FENCE, FENCE_FLUSH, FENCE_ALL };
enum doubt { NO_DOUBT, IN_DOUBT, WHO_KNOWS };
enum policy { POLICY_FENCE, POLICY_TRUST, POLICY_FAIL };
enum op { READ, WRITE, FUA, FLUSH };

static const char *const state_names[] = { "detached", "live", "held", "failed" };
static const char *const lower_names[] = { "absent", "the drive", "another ID", "old label", "no label" };
static const char *const fence_names[] = { "none", "flush", "all" };
static const char *const policy_names[] = { "fence", "trust", "fail" };
static const char *const op_names[] = { "read", "write", "fua", "flush" };

/* The model: what must be. */
static struct {
	enum state	state;
	enum lower	lower;
	enum fence	fence;
	enum doubt	doubt;
	enum policy	policy;
	unsigned int	timeout;
	bool		open;
	unsigned int	holds, fences;
	uint64_t	held_total;
	int		bad;		/* block that cannot be read, or -1 */
} m;

/* A block holds the one or the other, all of it. */
static struct {
	uint32_t	value, maybe;
} block[BLOCKS];

static struct io {
	bool		busy;
	bool		raced;		/* it was under way when the drive went */
	bool		parked;
	enum op		op;
	int		at;
	uint32_t	value;
	uint32_t	*data;
	struct iocb	cb;
	long		result;
} ios[IOS];

/* What happened, so that nobody takes a run in which nothing did for a good one. */
static struct {
	int	holds, resumes, expired, failed, attached, detached, impostors, io, waited, raced, fenced,
		errors;
} n_of;

static aio_context_t aio;
static struct nl_sock *sk, *events;
static struct nl_reply reply;
static const char *disk, *host, *target, *null_blk;
static char uuid[40];
static char enable[256], nguid[256];
static const char id_ours[] = "6d1c2a34-0000-4000-8000-0000000000d1";
static const char id_other[] = "6d1c2a34-0000-4000-8000-0000000000d2";
static int fd = -1, disk_fd;
static uint64_t disk_bytes, written;
static uint32_t next_value = 1;
static unsigned char label_now[SLOTS][PNVME_LABEL_BYTES], label_old[SLOTS][PNVME_LABEL_BYTES];
static bool have_old;
static char trail[TRAIL][160];
static int step;
static long seed;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void nap(void)
{
	usleep(2000);
}

static int any(int below)
{
	return random() % below;
}

static void __attribute__((format(printf, 1, 2))) note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(trail[step % TRAIL], sizeof(trail[0]), fmt, args);
	va_end(args);
}

static void __attribute__((noreturn, format(printf, 1, 2))) differ(const char *fmt, ...)
{
	va_list args;
	int i;

	printf("model and module differ at step %d, seed %ld: ", step, seed);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\nmodel: %s, below is %s, fence %s, doubt %d, on-resume=%s, hold-timeout=%u, %s; events:\n",
	       state_names[m.state], lower_names[m.lower], fence_names[m.fence], m.doubt,
	       policy_names[m.policy], m.timeout, m.open ? "open" : "closed");
	for (i = step < TRAIL ? 0 : step - TRAIL + 1; i <= step; i++)
		printf("%6d %s\n", i, trail[i % TRAIL]);
	exit(1);
}

static void stopped(int sig)
{
	differ("signal %d", sig);
}

/* What is below. */

static void set(const char *path, const char *text)
{
	int file = open(path, O_WRONLY);

	if (file < 0 || write(file, text, strlen(text)) < 0)
		nl_die("cannot write %s to %s: %s", text, path, strerror(errno));
	close(file);
}

static void get(const char *path, char *text, size_t size)
{
	int file = open(path, O_RDONLY);
	ssize_t got = file < 0 ? -1 : read(file, text, size - 1);

	text[got < 0 ? 0 : got] = '\0';
	if (file >= 0)
		close(file);
}

/* The device with that ID, if it is there: of a multipath disk the head, not a path. */
static bool find_lower(const char *id, dev_t *dev)
{
	char text[64], path[300];
	struct stat st;
	bool found = false;
	glob_t g;
	size_t i;

	glob("/sys/block/nvme*/nguid", 0, NULL, &g);
	for (i = 0; i < g.gl_pathc && !found; i++) {
		get(g.gl_pathv[i], text, sizeof(text));
		if (strncmp(text, id, 36))
			continue;
		snprintf(path, sizeof(path), "/dev/%s", g.gl_pathv[i] + strlen("/sys/block/"));
		path[strlen(path) - strlen("/nguid")] = '\0';
		found = !stat(path, &st) && S_ISBLK(st.st_mode);
	}
	globfree(&g);
	if (found && dev)
		*dev = st.st_rdev;
	return found;
}

static const char *id_below(void)
{
	return m.lower == OTHER_ID ? id_other : id_ours;
}

/*
 * Newer targets tell of a namespace before it is in their list, so the host may look too
 * early, and would not look again.
 */
static void look_again(void)
{
	glob_t g;
	size_t i;

	glob("/sys/class/nvme/nvme*/rescan_controller", 0, NULL, &g);
	for (i = 0; i < g.gl_pathc; i++)
		set(g.gl_pathv[i], "1");
	globfree(&g);
}

static void wait_lower(bool there)
{
	double end = now() + PATIENCE, again = now() + 2;

	while (find_lower(id_below(), NULL) != there) {
		if (now() > end)
			differ("the lower device is %sthere", there ? "not " : "still ");
		if (there && now() > again) {
			look_again();
			again = now() + 2;
		}
		nap();
	}
}

static uint64_t slot_at(int slot)
{
	const uint64_t end = disk_bytes / BLOCK * BLOCK;
	const uint64_t at[SLOTS] = { 65536, 524288, end - 983040, end - 524288 };

	return at[slot];
}

/* Whole copies: each has one checksum over all of it. */
static void slots(unsigned char (*label)[PNVME_LABEL_BYTES], bool put)
{
	static unsigned char copy[PNVME_LABEL_BYTES] __attribute__((aligned(4096)));
	ssize_t done;
	int i;

	for (i = 0; i < SLOTS; i++) {
		memcpy(copy, label[i], sizeof(copy));
		done = put ? pwrite(disk_fd, copy, sizeof(copy), slot_at(i)) :
			     pread(disk_fd, copy, sizeof(copy), slot_at(i));
		if (done != sizeof(copy))
			nl_die("cannot %s a label: %s", put ? "write" : "read", strerror(errno));
		memcpy(label[i], copy, sizeof(copy));
	}
}

/* Before the label changes: it will be that of an older copy of the drive. */
static void keep_label(void)
{
	slots(label_old, false);
	have_old = true;
}

static uint64_t writes_below(void)
{
	char path[128], text[256];
	uint64_t f[14] = { };
	char *at = text;
	int i;

	snprintf(path, sizeof(path), "/sys/block/%s/stat", strrchr(disk, '/') + 1);
	get(path, text, sizeof(text));
	for (i = 0; i < 14; i++)
		f[i] = strtoull(at, &at, 10);
	return f[4] + f[11];
}

/* The block device below our namespace starts where ns-get says. */
static uint64_t ns_start;

static void bad_block(bool bad)
{
	char path[256], text[64];
	uint64_t first = ns_start / 512 + m.bad * (BLOCK / 512);

	snprintf(path, sizeof(path), "%s/badblocks", null_blk);
	snprintf(text, sizeof(text), "%c%" PRIu64 "-%" PRIu64, bad ? '+' : '-', first, first + BLOCK / 512 - 1);
	set(path, text);
	if (!bad)
		m.bad = -1;
}

/* The module. */

static struct nl_msg *request;
static const char *request_op;

static void begin(const char *op)
{
	request_op = op;
	request = nl_request(op, 0);
}

static void put(const char *name, const char *value)
{
	nl_put_named(request, request_op, name, value);
}

static void put_dev(dev_t dev)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", major(dev));
	put("major", text);
	snprintf(text, sizeof(text), "%u", minor(dev));
	put("minor", text);
	put("host", host);
}

static int ask(void)
{
	return nl_ask(sk, request, &reply);
}

static void must(int error)
{
	if (ask() != -error)
		differ("%s: error %d (%s) \"%s\", expected %d", request_op, -reply.error,
		       strerror(-reply.error), reply.message, error);
	if (error && !reply.message[0])
		differ("%s: refused without a sentence", request_op);
}

static int drive_get(void)
{
	begin("drive-get");
	put("uuid", uuid);
	return ask();
}

static int ns_get(void)
{
	begin("ns-get");
	put("name", "model");
	return ask();
}

static unsigned int held_now(void)
{
	if (ns_get())
		return 0;
	return nl_number(&reply, nl_namespace, "held");
}

static bool state_is(enum state state)
{
	int error = drive_get();

	if (error)
		return state == DETACHED && error == -ENOENT;
	return !strcmp(nl_text(&reply, nl_drive, "state"), state_names[state]);
}

static void becomes(enum state state)
{
	double end = now() + PATIENCE;

	while (!state_is(state)) {
		if (now() > end)
			differ("the drive does not become %s but is %s", state_names[state],
			       nl_text(&reply, nl_drive, "state"));
		nap();
	}
	m.state = state;
}

static void event_comes(const char *type)
{
	struct nl_reply event;
	double end = now() + PATIENCE;

	do {
		if (!nl_next_event(events, &event, 100) &&
		    !strcmp(nl_text(&event, nl_event, "type"), type))
			return;
	} while (now() < end);
	differ("there is no event %s", type);
}

static void forget_events(void)
{
	struct nl_reply event;

	while (!nl_next_event(events, &event, 0))
		;
}

/* I/O. */

static int waiting(void)
{
	int i, n = 0;

	for (i = 0; i < IOS; i++)
		n += ios[i].busy;
	return n;
}

/* Which have ended since; their number. */
static int reap(struct io **done)
{
	struct timespec none = { };
	struct io_event ev[IOS];
	int i, n = syscall(SYS_io_getevents, aio, 0, IOS, ev, &none);

	for (i = 0; i < n; i++) {
		done[i] = (struct io *)(uintptr_t)ev[i].data;
		done[i]->result = ev[i].res;
		done[i]->busy = false;
	}
	return n < 0 ? 0 : n;
}

static void judge_read(const struct io *io)
{
	uint32_t found = io->data[0];
	unsigned int i;

	for (i = 1; i < BLOCK / sizeof(found); i++)
		if (io->data[i] != found)
			differ("block %d is torn: %u and %u", io->at, found, io->data[i]);
	if (found != block[io->at].value && found != block[io->at].maybe)
		differ("block %d holds %u, not %u or %u", io->at, found, block[io->at].value,
		       block[io->at].maybe);
	block[io->at].value = block[io->at].maybe = found;
}

static void done_well(const struct io *io)
{
	if (io->op == READ)
		judge_read(io);
	else if (io->op != FLUSH)
		block[io->at].value = block[io->at].maybe = io->value;
	if (io->op == WRITE)
		m.doubt = IN_DOUBT;
	else if (io->op == FLUSH)
		m.doubt = NO_DOUBT;
}

/* It must end like that; 0 well, or an errno. */
static void ended(const struct io *io, int error)
{
	long expected = error ? -error : io->op == FLUSH ? 0 : BLOCK;

	if (io->result != expected)
		differ("%s of block %d ended with %ld, expected %ld", op_names[io->op], io->at,
		       io->result, expected);
	if (!error)
		done_well(io);
	else if (io->raced && io->op != READ && io->op != FLUSH)
		block[io->at].maybe = io->value;
}

static int fence_says(enum op op)
{
	if (m.fence == FENCE_ALL)
		return EIO;
	return m.fence == FENCE_FLUSH && (op == FLUSH || op == FUA) ? EIO : 0;
}

static bool block_in_use(int at)
{
	int i;

	for (i = 0; i < IOS; i++)
		if (ios[i].busy && ios[i].op != FLUSH && ios[i].at == at)
			return true;
	return false;
}

/* NULL if there is no room, or somebody is at that block. */
static struct io *submit(enum op op, int at, bool nowait)
{
	struct io *io = NULL;
	struct iocb *cb;
	unsigned int i;

	for (i = 0; i < IOS && !io; i++)
		if (!ios[i].busy)
			io = &ios[i];
	if (!io || (op != FLUSH && block_in_use(at)))
		return NULL;
	io->op = op;
	io->at = at;
	io->value = next_value++;
	io->raced = io->parked = false;
	for (i = 0; i < BLOCK / sizeof(io->value); i++)
		io->data[i] = op == READ ? ~0U : io->value;
	cb = &io->cb;
	memset(cb, 0, sizeof(*cb));
	cb->aio_data = (uintptr_t)io;
	cb->aio_lio_opcode = op == READ ? IOCB_CMD_PREAD : op == FLUSH ? IOCB_CMD_FSYNC : IOCB_CMD_PWRITE;
	cb->aio_fildes = fd;
	if (op != FLUSH) {
		cb->aio_buf = (uintptr_t)io->data;
		cb->aio_nbytes = BLOCK;
		cb->aio_offset = (uint64_t)at * BLOCK;
		cb->aio_rw_flags = (op == FUA ? RWF_DSYNC : 0) | (nowait ? RWF_NOWAIT : 0);
	}
	if (syscall(SYS_io_submit, aio, 1, &cb) != 1)
		nl_die("io_submit: %s", strerror(errno));
	io->busy = true;
	return io;
}

/* The one just sent ends, and nothing else does. */
static void wait_io(struct io *io)
{
	double end = now() + PATIENCE;
	struct io *done[IOS];
	int i, n;

	while (io->busy) {
		n = reap(done);
		for (i = 0; i < n; i++)
			if (done[i] != io)
				differ("%s of block %d does not wait any more", op_names[done[i]->op],
				       done[i]->at);
		if (now() > end)
			differ("%s of block %d does not end", op_names[io->op], io->at);
	}
}

static void nothing_ends(void)
{
	struct io *done[IOS];

	if (reap(done))
		differ("%s of block %d does not wait any more: %ld", op_names[done[0]->op],
		       done[0]->at, done[0]->result);
}

static void held_is_right(void)
{
	double end = now() + PATIENCE;
	unsigned int held;

	/* a flush comes from a work of the kernel's */
	while ((held = held_now()) != (unsigned int)waiting()) {
		if (now() > end)
			differ("%u are held, not %d", held, waiting());
		nap();
	}
}

/* All that waited ends: well, as the fence lets it, or with an error. */
static void all_end(bool well)
{
	double end = now() + PATIENCE;
	bool wrote = false, flushed = false;
	struct io *done[IOS];
	int i, n, error;

	while (waiting()) {
		n = reap(done);
		for (i = 0; i < n; i++) {
			error = well ? fence_says(done[i]->op) : EIO;
			ended(done[i], error);
			wrote |= !error && done[i]->op == WRITE;
			flushed |= !error && done[i]->op == FLUSH;
		}
		if (now() > end)
			differ("%d I/Os that waited do not end", waiting());
		nap();
	}
	/* which of them came first is the kernel's */
	if (wrote && flushed)
		m.doubt = WHO_KNOWS;
}

/* Events. */

static void fences_now(void)
{
	enum doubt was = m.doubt;
	enum fence kind = m.policy == POLICY_FAIL ? FENCE_ALL : FENCE_FLUSH;

	if (m.policy == POLICY_TRUST)
		return;
	m.doubt = NO_DOUBT;
	if (was == WHO_KNOWS) {
		drive_get();
		was = nl_number(&reply, nl_drive, "fences") != m.fences ? IN_DOUBT : NO_DOUBT;
	}
	if (was != IN_DOUBT || !m.open)
		return;
	m.fences++;
	n_of.fenced++;
	if (kind > m.fence)
		m.fence = kind;
}

static void live_again(void)
{
	becomes(LIVE);
	fences_now();
	all_end(true);
}

static void fails_all(void)
{
	becomes(FAILED);
	all_end(false);
}

static void read_ns(void)
{
	if (ns_get())
		differ("there is no namespace: %s", reply.message);
	ns_start = nl_number(&reply, nl_namespace, "start");
}

static void ns_is_live(void)
{
	double end = now() + PATIENCE;

	do {
		read_ns();
		if (!strcmp(nl_text(&reply, nl_namespace, "state"), "live"))
			return;
		nap();
	} while (now() < end);
	differ("the namespace does not become live but is %s", nl_text(&reply, nl_namespace, "state"));
}

static void open_it(void)
{
	char path[64];

	note("open");
	if (m.open || m.state == DETACHED)
		return;
	read_ns();
	snprintf(path, sizeof(path), "/dev/%s", nl_text(&reply, nl_namespace, "device"));
	fd = open(path, O_RDWR | O_DIRECT);
	if (fd < 0)
		differ("cannot open %s: %s", path, strerror(errno));
	m.open = true;
}

static void do_io(void)
{
	enum op op = any(3) ? any(2) : any(4);
	bool nowait = op != FLUSH && !any(8);
	int at = any(BLOCKS);
	struct io *io;

	open_it();
	note("%s%s of block %d", nowait ? "nowait " : "", op_names[op], at);
	if (!m.open || at == m.bad)
		return;
	io = submit(op, at, nowait);
	if (!io)
		return;
	if (m.state == HELD && !nowait) {
		m.held_total++;
		n_of.waited++;
		return;
	}
	wait_io(io);
	n_of.io++;
	if (m.state == FAILED)
		ended(io, EIO);
	else if (m.state == HELD || (nowait && io->result == -EAGAIN))
		ended(io, EAGAIN);
	else
		ended(io, fence_says(op));
}

static void close_it(void)
{
	note("close");
	if (!m.open || waiting())
		return;
	close(fd);
	m.open = false;
	m.fence = NO_FENCE;
}

/* Disable it; what is under way at that moment may be done or not. */
static void take_away(void)
{
	set(enable, "0");
	wait_lower(false);
	if (m.lower == OLD_LABEL || m.lower == NO_LABEL)
		slots(label_now, true);
	written = writes_below();
	m.lower = ABSENT;
	set(nguid, id_ours);
}

static void lose(void)
{
	if (m.state == LIVE && m.timeout) {
		becomes(HELD);
		m.holds++;
		n_of.holds++;
	} else if (m.state == LIVE) {
		becomes(FAILED);
	}
}

/* Those that were done before, or that the target refused as it does at that moment. */
static void sort_raced(void)
{
	struct io *done[IOS];
	int i, n;

	/* what was on its way is done, or is counted as held */
	for (n = 0; n < 100 && held_now() != (unsigned int)waiting(); n++) {
		for (i = reap(done); i > 0; i--) {
			if (done[i - 1]->result == -EOPNOTSUPP || (!m.timeout && done[i - 1]->result == -EIO))
				block[done[i - 1]->at].maybe = done[i - 1]->op == READ ?
					block[done[i - 1]->at].maybe : done[i - 1]->value;
			else
				ended(done[i - 1], fence_says(done[i - 1]->op));
		}
		nap();
	}
	ns_get();
	m.held_total = nl_number(&reply, nl_namespace, "held-total");
}

static void pull(void)
{
	bool race = m.state == LIVE && m.lower == OURS && m.open && m.bad < 0 && !any(3);
	enum doubt was = m.doubt;
	struct io *io;
	int i, n = 0;

	note("pull%s", race ? " with I/O under way" : "");
	if (m.lower == ABSENT)
		return;
	for (i = 0; race && i < 6; i++) {
		io = submit(any(2) ? WRITE : READ, any(BLOCKS), false);
		if (io && ++n)
			io->raced = true;
	}
	take_away();
	lose();
	if (n) {
		n_of.raced += n;
		sort_raced();
		m.doubt = was == IN_DOUBT || m.fence == FENCE_ALL ? was : WHO_KNOWS;
	}
}

static void bring(enum lower what)
{
	m.lower = what;
	set(nguid, id_below());
	slots(label_now, false);
	if (what == OLD_LABEL) {
		slots(label_old, true);
	} else if (what == NO_LABEL) {
		static unsigned char nothing[SLOTS][PNVME_LABEL_BYTES];

		slots(nothing, true);
	}
	written = writes_below();
	if (m.bad >= 0)
		bad_block(false);
	forget_events();
	set(enable, "1");
	wait_lower(true);
}

static void come_back(void)
{
	note("return");
	if (m.lower != ABSENT)
		return;
	bring(OURS);
	if (m.state == HELD) {
		live_again();
		n_of.resumes++;
	}
}

static void impostor(void)
{
	enum lower what = OTHER_ID + any(3);

	note("impostor: %s", lower_names[what]);
	if (m.lower != ABSENT || (what == OLD_LABEL && !have_old))
		return;
	bring(what);
	n_of.impostors++;
	if (m.state != HELD)
		return;
	if (what != NO_LABEL)
		event_comes("drive-impostor");
	else
		usleep(300000);		/* it is looked at ten times a second */
}

static void fail_it(void)
{
	note("drive-fail");
	begin("drive-fail");
	put("uuid", uuid);
	must(m.state == DETACHED ? ENOENT : 0);
	if (m.state == DETACHED)
		return;
	n_of.failed += m.state != FAILED;
	fails_all();
}

/* What it says of a device that still is, or that is on its way out, may change in a moment. */
static int attach_until(int error)
{
	double end = now() + PATIENCE;
	dev_t dev;

	do {
		if (!find_lower(id_below(), &dev))
			differ("the lower device is not there");
		begin("drive-attach");
		put_dev(dev);
		if (ask() != -EBUSY || error == EBUSY)
			break;
		nap();
	} while (now() < end);
	return reply.error;
}

static void attach(void)
{
	enum state was = m.state;

	note("drive-attach");
	/* an old label is good enough for a host that does not know better */
	if (m.lower == ABSENT || m.state == HELD || (m.state == DETACHED && m.lower == OLD_LABEL))
		return;
	if (m.state == LIVE || m.lower != OURS) {
		attach_until(m.state == LIVE ? EBUSY : 0);
		if (!reply.error || !reply.message[0])
			differ("drive-attach: %d \"%s\"", reply.error, reply.message);
		return;
	}
	keep_label();
	if (attach_until(0))
		differ("drive-attach: %d \"%s\"", -reply.error, reply.message);
	n_of.attached++;
	if (was == DETACHED) {
		m.holds = m.fences = m.held_total = 0;
		m.doubt = NO_DOUBT;
		becomes(LIVE);
	} else {
		have_old = false;	/* its label has not changed */
		live_again();
	}
}

static void detach(void)
{
	note("drive-detach");
	begin("drive-detach");
	put("uuid", uuid);
	must(m.state == DETACHED ? ENOENT : m.open ? EBUSY : 0);
	if (m.open)
		return;
	n_of.detached += m.state != DETACHED;
	m.state = DETACHED;
}

/* Deleted, and made anew on the same place with what it holds. */
static void remake(void)
{
	note("ns-delete");
	begin("ns-delete");
	put("name", "model");
	if (m.state != LIVE || m.open) {
		must(m.state == DETACHED ? ENOENT : m.state == LIVE ? EBUSY : ENODEV);
		return;
	}
	keep_label();
	must(0);
	begin("ns-create");
	put("drive", uuid);
	put("name", "model");
	put("size", "1M");
	put("keep-data", "");
	must(0);
	ns_is_live();
	m.held_total = 0;
	m.doubt = NO_DOUBT;
}

static void set_policy(enum policy policy, const char *timeout)
{
	bool changes = policy != m.policy || strtoul(timeout, NULL, 10) != m.timeout;

	begin("drive-set");
	put("uuid", uuid);
	put("on-resume", policy_names[policy]);
	put("hold-timeout", timeout);
	if (m.state != LIVE) {
		must(m.state == DETACHED ? ENOENT : ENODEV);
		return;
	}
	if (changes)
		keep_label();
	must(0);
	m.policy = policy;
	m.timeout = strtoul(timeout, NULL, 10);
}

static void settings(void)
{
	enum policy policy = any(3);
	const char *timeout = any(4) ? "600" : "0";

	note("drive-set on-resume=%s hold-timeout=%s", policy_names[policy], timeout);
	set_policy(policy, timeout);
}

static void time_out(void)
{
	unsigned int was = m.timeout;
	struct io *io;

	note("pull, and the time is over");
	if (m.state != LIVE || m.lower != OURS)
		return;
	set_policy(m.policy, "2");
	take_away();
	lose();
	io = m.open ? submit(any(2), any(BLOCKS), false) : NULL;
	if (io) {
		held_is_right();
		m.held_total++;
	}
	fails_all();
	n_of.expired++;
	/* back as it was */
	come_back();
	note("time over, and attached again");
	attach();
	set_policy(m.policy, was ? "600" : "0");
}

static void unfence(void)
{
	note("ns-unfence");
	begin("ns-unfence");
	put("name", "model");
	must(m.state == DETACHED ? ENOENT : 0);
	if (m.state != DETACHED)
		m.fence = NO_FENCE;
}

/* Its status is that of a drive that goes: so it waits until it is known that it does not. */
static void io_error(void)
{
	int at = any(BLOCKS), how = any(4);
	struct io *io;

	note("I/O error of block %d, then %s", at, how == 0 ? "pull" : how == 1 ? "drive-fail" : "nothing");
	if (m.state != LIVE || m.lower != OURS || !m.open || m.fence == FENCE_ALL || m.bad >= 0)
		return;
	m.bad = at;
	bad_block(true);
	n_of.errors++;
	io = submit(READ, at, false);
	if (!io)
		return;
	if (m.timeout) {
		held_is_right();
		m.held_total++;
		if (how == 0) {
			take_away();
			lose();
			return;		/* the block is good when it returns */
		}
		if (how == 1) {
			begin("drive-fail");
			put("uuid", uuid);
			must(0);
			becomes(FAILED);
		}
	}
	wait_io(io);
	ended(io, EIO);
	bad_block(false);
}

/* How likely each is in each state. */
static const struct {
	void	(*fn)(void);
	int	weight[4];	/* detached, live, held, failed */
} table[] = {
	{ do_io,	{  2, 60, 40, 20 } },
	{ open_it,	{  1,  5,  5,  5 } },
	{ close_it,	{  1,  3,  3,  3 } },
	{ pull,		{  4,  8, 12,  6 } },
	{ come_back,	{ 10,  2, 18, 12 } },
	{ impostor,	{  3,  1,  9,  4 } },
	{ fail_it,	{  1,  1,  1,  1 } },
	{ attach,	{ 20,  1,  1, 25 } },
	{ detach,	{  1,  2,  2,  3 } },
	{ remake,	{  1,  2,  1,  1 } },
	{ settings,	{  1,  4,  1,  1 } },
	{ unfence,	{  1,  3,  2,  2 } },
	{ io_error,	{  0,  1,  0,  0 } },
	{ time_out,	{  0,  1,  0,  0 } },
};

static void one_event(void)
{
	int i, sum = 0, pick;

	for (i = 0; i < (int)(sizeof(table) / sizeof(table[0])); i++)
		sum += table[i].weight[m.state];
	pick = any(sum);
	for (i = 0; pick >= table[i].weight[m.state]; i++)
		pick -= table[i].weight[m.state];
	table[i].fn();
}

static void compare_ns(void)
{
	uint64_t total;

	if (ns_get())
		differ("there is no namespace: %s", reply.message);
	total = nl_number(&reply, nl_namespace, "held-total");
	if (total != m.held_total)
		differ("%" PRIu64 " were held in all, not %" PRIu64, total, m.held_total);
	if (strcmp(nl_text(&reply, nl_namespace, "fence"), fence_names[m.fence]))
		differ("the fence is %s, not %s", nl_text(&reply, nl_namespace, "fence"), fence_names[m.fence]);
}

static void compare(void)
{
	uint64_t count = writes_below();

	nothing_ends();
	if (m.state == LIVE)
		written = count;
	else if (count != written)
		differ("%" PRIu64 " writes went down", count - written);
	if (!state_is(m.state))
		differ("the drive is %s", reply.error ? reply.message : nl_text(&reply, nl_drive, "state"));
	if (m.state == DETACHED)
		return;
	if (nl_number(&reply, nl_drive, "holds") != m.holds)
		differ("%" PRIu64 " holds, not %u", nl_number(&reply, nl_drive, "holds"), m.holds);
	if (nl_number(&reply, nl_drive, "fences") != m.fences)
		differ("%" PRIu64 " fences, not %u", nl_number(&reply, nl_drive, "fences"), m.fences);
	held_is_right();
	compare_ns();
}

static void set_up(void)
{
	dev_t dev;
	int i;

	snprintf(enable, sizeof(enable), "%s/enable", target);
	snprintf(nguid, sizeof(nguid), "%s/device_nguid", target);
	disk_fd = open(disk, O_RDWR | O_DIRECT);
	if (disk_fd < 0 || ioctl(disk_fd, BLKGETSIZE64, &disk_bytes))
		nl_die("%s: %s", disk, strerror(errno));
	for (i = 0; i < IOS; i++)
		if (posix_memalign((void **)&ios[i].data, BLOCK, BLOCK))
			nl_die("no memory");
	if (syscall(SYS_io_setup, 64, &aio))
		nl_die("io_setup: %s", strerror(errno));
	sk = nl_open();
	events = nl_open();
	if (nl_family(sk) < 0 || nl_listen(events))
		nl_die("the module is not loaded");
	m.lower = OURS;
	wait_lower(true);
	find_lower(id_ours, &dev);
	begin("drive-adopt");
	put("uuid", uuid);
	put_dev(dev);
	must(0);
	m.state = LIVE;
	m.timeout = 60;
	m.policy = POLICY_FENCE;
	m.bad = -1;
	begin("ns-create");
	put("drive", uuid);
	put("name", "model");
	put("size", "1M");
	must(0);
	ns_is_live();
	set_policy(POLICY_FENCE, "600");
}

/* Nothing is left: the drive is there, all is done, and what was written is what is read. */
static void finish(void)
{
	struct io *io;
	int i;

	note("the end");
	if (m.lower != ABSENT && m.lower != OURS)
		take_away();
	if (m.lower == ABSENT)
		come_back();
	if (m.state != LIVE)
		attach();
	if (m.fence)
		unfence();
	if (!m.open)
		open_it();
	for (i = 0; i < BLOCKS; i++) {
		io = submit(READ, i, false);
		if (!io)
			differ("I/O still waits");
		wait_io(io);
		ended(io, 0);
	}
	compare();
	close_it();
	detach();
}

int main(int argc, char **argv)
{
	double start = now();
	int steps;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 7)
		nl_die("usage: hold_model STEPS SEED DISK HOST TARGET NULL_BLK");
	steps = atoi(argv[1]);
	seed = atol(argv[2]);
	disk = argv[3];
	host = argv[4];
	target = argv[5];
	null_blk = argv[6];
	srandom(seed);
	/* too slow, or stuck: in what? */
	signal(SIGTERM, stopped);
	snprintf(uuid, sizeof(uuid), "6d1c2a34-0000-4000-8000-%012lx", seed & 0xffffffffffffUL);
	printf("seed %ld\n", seed);
	set_up();
	printf("set up in %.1f s\n", now() - start);
	for (step = 0; step < steps; step++) {
		one_event();
		compare();
		if (step % 100 == 99)
			printf("%d steps in %.1f s\n", step + 1, now() - start);
	}
	finish();
	printf("%d steps in %.0f s\n", steps, now() - start);
	printf("I/O done %d, waited %d, under way at a loss %d, failed below %d\n", n_of.io, n_of.waited,
	       n_of.raced, n_of.errors);
	printf("held %d, resumed %d, given up in time %d, by hand %d; impostors %d, fenced %d, attached %d, detached %d\n",
	       n_of.holds, n_of.resumes, n_of.expired, n_of.failed, n_of.impostors, n_of.fenced,
	       n_of.attached, n_of.detached);
	if (steps >= 200 && (!n_of.io || !n_of.waited || !n_of.holds || !n_of.resumes))
		nl_die("too little happened");
	return 0;
}
