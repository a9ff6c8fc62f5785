// SPDX-License-Identifier: GPL-2.0
/*
 * What a drive holds that lost power in the middle of a label update, made from a
 * log of all writes to it (dm-log-writes). Each such state must have the label as it
 * was before the update or after it, whole.
 *
 *   replay_log LOG BYTES list            each mark in the log: how many updates came before it,
 *                                        and what the label says then
 *   replay_log LOG BYTES judge STATE...  all states of these kinds, in memory, by the module's
 *                                        own label code
 *   replay_log LOG BYTES attach DEV HOST [-n N] [-s SEED] [-m MARK] STATE...
 *                                        writes states to DEV, which has as many bytes, and has the
 *                                        module attach and detach it: all, or N at random; or those
 *                                        of the one update that ends with MARK
 *
 * STATE, kinds of cuts:
 *   cut     after each write
 *   torn    within each write, after each sector of 512 bytes
 *   tail    the same, but it was the sectors of the end that were written
 *   lost    writes since the last flush are missing, and those that are not are torn: a cache
 *           was lost, FUA or not
 *   both    of two writes since the last flush, each torn in each place
 *   pairs   after each write, and then any two of the four copies are destroyed
 *
 * The drive must have been blank when the log began.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "label_user.h"
#include "nl_client.h"
#include <pnvme/label.h>

#define SECTOR		512U
#define LOG_MAGIC	0x6a736677736872ULL
#define LOG_FLUSH	1
#define LOG_DISCARD	4
#define LOG_MARK	8
#define SLOT_SECTORS	(PNVME_LABEL_BYTES / SECTOR)
#define SHOWN		20	/* failures that are told */

/**
 * struct event - an entry of the log, if it is about labels
 * @entry: its number in the log
 * @flush: everything before it is durable
 * @mark: the text of a mark, else NULL
 * @at: first byte, of a write that touches a slot
 * @bytes: 0 if it is no such write
 * @data: what was written
 */
struct event {
	u64	entry;
	bool	flush;
	char	*mark;
	u64	at;
	u64	bytes;
	u8	*data;
};

/* The four slots. */
struct image {
	struct pnvme_label	slot[PNVME_LABEL_SLOTS];
};

/**
 * struct steady - a state between two updates: four equal copies, or no label at all
 * @event: the flush that made it so
 * @none: no slot has a label
 * @label: the label, zeros if @none
 */
struct steady {
	int			event;
	bool			none;
	struct pnvme_label	label;
};

static struct event *events;
static int n_events;
static struct steady *steadies;
static int n_steadies;
static u64 capacity;

/* CRC32C, several times as fast as the one of the tools: it is most of the work here. */

static u32 crc_table[8][256];

static void crc_init(void)
{
	unsigned int i, j;
	u32 crc;

	for (i = 0; i < 256; i++) {
		crc = i;
		for (j = 0; j < 8; j++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
		crc_table[0][i] = crc;
	}
	for (i = 0; i < 256; i++)
		for (j = 1; j < 8; j++)
			crc_table[j][i] = crc_table[j - 1][i] >> 8 ^
					  crc_table[0][crc_table[j - 1][i] & 255];
}

__u32 crc32c(__u32 crc, const void *p, unsigned int len)
{
	const u8 *b = p;
	u64 word;

	for (; len >= 8; len -= 8, b += 8) {
		memcpy(&word, b, 8);
		word = le64toh(word) ^ crc;
		crc = crc_table[7][word & 255] ^ crc_table[6][word >> 8 & 255] ^
		      crc_table[5][word >> 16 & 255] ^ crc_table[4][word >> 24 & 255] ^
		      crc_table[3][word >> 32 & 255] ^ crc_table[2][word >> 40 & 255] ^
		      crc_table[1][word >> 48 & 255] ^ crc_table[0][word >> 56];
	}
	while (len--)
		crc = crc >> 8 ^ crc_table[0][(crc ^ *b++) & 255];
	return crc;
}

/* Reading the log. */

static void *get_mem(size_t bytes)
{
	void *p = calloc(1, bytes);

	if (!p)
		nl_die("no memory");
	return p;
}

static void read_at(int fd, void *to, size_t bytes, u64 at)
{
	if (pread(fd, to, bytes, (off_t)at) != (ssize_t)bytes)
		nl_die("the log ends early, at byte %llu", at);
}

static bool touches_slot(u64 at, u64 bytes)
{
	unsigned int i;
	u64 slot;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++) {
		slot = pnvme_label_slot(capacity, i);
		if (at < slot + PNVME_LABEL_BYTES && slot < at + bytes)
			return true;
	}
	return false;
}

static void add_event(const struct event *e)
{
	events = realloc(events, (n_events + 1) * sizeof(*events));
	if (!events)
		nl_die("no memory");
	events[n_events++] = *e;
}

/* One entry, a sector and what follows it. Returns where the next one is. */
static u64 read_entry(int fd, u64 number, u64 at, u32 unit)
{
	struct { __le64 sector, sectors, flags, length; } entry;
	struct event e = { .entry = number };
	u64 flags, bytes, length;

	read_at(fd, &entry, sizeof(entry), at);
	flags = le64_to_cpu(entry.flags);
	bytes = le64_to_cpu(entry.sectors) * unit;
	length = le64_to_cpu(entry.length);
	if (flags & LOG_MARK) {
		e.mark = get_mem(length + 1);
		read_at(fd, e.mark, length, at + sizeof(entry));
		add_event(&e);
		return at + unit;
	}
	e.at = le64_to_cpu(entry.sector) * unit;
	if (bytes && touches_slot(e.at, bytes)) {
		if (flags & LOG_DISCARD)
			nl_die("entry %llu discards a label: nobody here does", number);
		e.bytes = bytes;
		e.data = get_mem(bytes);
		read_at(fd, e.data, bytes, at + unit);
	}
	if (e.bytes && flags & LOG_FLUSH)
		nl_die("entry %llu writes and flushes in one: nobody here does", number);
	e.flush = flags & LOG_FLUSH;
	if (e.flush || e.bytes)
		add_event(&e);
	return at + unit + (flags & LOG_DISCARD ? 0 : bytes);
}

static void read_log(const char *path)
{
	struct { __le64 magic, version, entries; __le32 unit; } super;
	int fd = open(path, O_RDONLY);
	u64 i, at;
	u32 unit;

	if (fd < 0)
		nl_die("cannot open %s", path);
	read_at(fd, &super, sizeof(super), 0);
	unit = le32_to_cpu(super.unit);
	if (le64_to_cpu(super.magic) != LOG_MAGIC || le64_to_cpu(super.version) != 1 || !unit)
		nl_die("%s is no log of dm-log-writes", path);
	for (i = 0, at = unit; i < le64_to_cpu(super.entries); i++)
		at = read_entry(fd, i, at, unit);
	close(fd);
}

/* Images. */

static bool image_changed;	/* since a state was looked at */

/* Bytes @from to @to of a write. */
static void apply(struct image *img, const struct event *e, u64 from, u64 to)
{
	unsigned int i;
	u64 slot, first, last;
	const u8 *data;
	u8 *there;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++) {
		slot = pnvme_label_slot(capacity, i);
		first = e->at + from > slot ? e->at + from : slot;
		last = to < e->bytes ? e->at + to : e->at + e->bytes;
		if (last > slot + PNVME_LABEL_BYTES)
			last = slot + PNVME_LABEL_BYTES;
		if (first >= last)
			continue;
		there = (u8 *)&img->slot[i] + (first - slot);
		data = e->data + (first - e->at);
		if (!memcmp(there, data, last - first))
			continue;
		memcpy(there, data, last - first);
		image_changed = true;
	}
}

static void copy_image(struct image *to, const struct image *from)
{
	*to = *from;
	image_changed = true;
}

static bool same(const struct pnvme_label *a, const struct pnvme_label *b)
{
	return !memcmp(a, b, sizeof(*a));
}

static bool four_equal(const struct image *img)
{
	return same(&img->slot[0], &img->slot[1]) && same(&img->slot[0], &img->slot[2]) &&
	       same(&img->slot[0], &img->slot[3]);
}

static bool no_label(const struct image *img)
{
	unsigned int i;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++)
		if (!memcmp(img->slot[i].magic, PNVME_LABEL_MAGIC, sizeof(img->slot[i].magic)))
			return false;
	return true;
}

static bool is_steady(const struct image *img)
{
	return no_label(img) || (four_equal(img) && !pnvme_label_check(&img->slot[0], NULL));
}

static int pick(const struct image *img)
{
	const struct pnvme_label *copies[PNVME_LABEL_SLOTS];
	bool repair;
	int i;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++)
		copies[i] = &img->slot[i];
	return pnvme_label_pick(copies, &repair, NULL);
}

/* Is this what is found in an image, where pnvme_label_pick() said @found? */
static bool is_found(const struct image *img, int found, const struct steady *s)
{
	if (s->none)
		return found == PNVME_LABEL_NONE;
	return found >= 0 && same(&img->slot[found], &s->label);
}

static void add_steady(int event, const struct image *img)
{
	const struct steady *last = n_steadies ? &steadies[n_steadies - 1] : NULL;
	struct steady s = { .event = event, .none = no_label(img) };

	if (!s.none)
		s.label = img->slot[0];
	if (last && last->none == s.none && same(&last->label, &s.label))
		return;
	steadies = realloc(steadies, (n_steadies + 1) * sizeof(*steadies));
	if (!steadies)
		nl_die("no memory");
	steadies[n_steadies++] = s;
}

static void find_steadies(void)
{
	struct image *img = get_mem(sizeof(*img));
	int i;

	add_steady(-1, img);
	for (i = 0; i < n_events; i++) {
		if (events[i].bytes)
			apply(img, &events[i], 0, events[i].bytes);
		else if (events[i].flush && is_steady(img))
			add_steady(i, img);
	}
	free(img);
}

/* The marks. */

static void show_names(const struct pnvme_label *l)
{
	const struct pnvme_label_ns *ns;

	for (ns = l->ns; ns < l->ns + PNVME_NS_MAX; ns++)
		if (pnvme_table_used(ns))
			printf(" %s=%lluM", ns->name, (u64)le64_to_cpu(ns->bytes) >> 20);
}

static int list(void)
{
	struct image *img = get_mem(sizeof(*img));
	int i, now = 0, before = 0;

	for (i = 0; i < n_events; i++) {
		while (now + 1 < n_steadies && steadies[now + 1].event <= i)
			now++;
		if (events[i].bytes)
			apply(img, &events[i], 0, events[i].bytes);
		if (!events[i].mark)
			continue;
		printf("%s: %d%s", events[i].mark, now - before, steadies[now].none ? " none" : "");
		show_names(&steadies[now].label);
		printf("%s\n", is_steady(img) ? "" : " unfinished");
		before = now;
	}
	free(img);
	return 0;
}

/* States. */

enum kinds { CUT = 1, TORN = 2, TAIL = 4, LOST = 8, BOTH = 16, PAIRS = 32 };

/**
 * struct state - what a drive may hold
 * @img: its slots
 * @old: what was there before the update
 * @new: what is there after it
 * @must: the only one of these that may be found; NULL: either
 * @event: of the last write that it has to do with
 * @how: the kind
 * @arg: a number that tells it from others of the kind
 * @arg2: another one
 */
struct state {
	struct image		*img;
	const struct steady	*old;
	const struct steady	*new;
	const struct steady	*must;
	int			event;
	const char		*how;
	u64			arg;
	u64			arg2;
};

static void (*visit)(const struct state *s);	/* what is done with each state */
static unsigned int kinds;
static const char *only;	/* the mark that ends the one update to look at */
static long n_states, n_different, n_failed;

/*
 * The same image again, with the same to be found? Most sectors of a label do not change, so that
 * most places to tear it in make no difference.
 */
static bool seen_just_now(const struct state *s)
{
	static const struct steady *last_of[3];
	const struct steady *of[3] = { s->old, s->new, s->must };

	if (!image_changed && !memcmp(last_of, of, sizeof(of)))
		return true;
	image_changed = false;
	memcpy(last_of, of, sizeof(of));
	n_different++;
	return false;
}

static void failed(const struct state *s, const char *what)
{
	if (n_failed++ < SHOWN)
		printf("entry %llu, %s %llu %llu: %s\n",
		       events[s->event].entry, s->how, s->arg, s->arg2, what);
}

static void make_state(struct state *s, int event, const char *how, u64 arg, u64 arg2)
{
	s->event = event;
	s->how = how;
	s->arg = arg;
	s->arg2 = arg2;
	n_states++;
	visit(s);
}

/* Writes since the last flush, and what was there before them. */
struct window {
	struct image	base;
	int		first;	/* event */
	int		count;
	int		write[64];	/* events */
};

/* Each set of up to four writes; of more, each alone and each missing. */
static void lose_whole(struct state *s, const struct window *w)
{
	bool few = w->count <= 4, missing;
	int i, n = w->count, set;

	for (set = 0; set < (few ? (1 << n) - 1 : 2 * n); set++) {
		missing = set < n;
		copy_image(s->img, &w->base);
		for (i = 0; i < n; i++)
			if (few ? set >> i & 1 : (i == set % n) != missing)
				apply(s->img, &events[w->write[i]], 0, U64_MAX);
		make_state(s, w->write[n - 1], few ? "only writes of the set" :
			   missing ? "without write" : "with only write", few ? set : set % n, 0);
	}
}

/* One sector of a write, from the front or from the end. */
static void apply_sector(struct image *img, const struct event *e, u64 n, bool tail)
{
	u64 from = tail ? e->bytes - (n + 1) * SECTOR : n * SECTOR;

	if ((n + 1) * SECTOR <= e->bytes)
		apply(img, e, from, from + SECTOR);
}

/* All are torn in the same place. */
static void lose_parts(struct state *s, const struct window *w, bool tail)
{
	u64 m;
	int i;

	copy_image(s->img, &w->base);
	for (m = 1; m < SLOT_SECTORS; m++) {
		for (i = 0; i < w->count; i++)
			apply_sector(s->img, &events[w->write[i]], m - 1, tail);
		make_state(s, w->write[w->count - 1], tail ? "all torn, ends of" : "all torn at",
			   m, 0);
	}
}

static void lose_both(struct state *s, const struct window *w, bool tail)
{
	const struct event *first = &events[w->write[0]], *second = &events[w->write[1]];
	u64 m, n;

	for (m = 1; m < SLOT_SECTORS; m++) {
		copy_image(s->img, &w->base);
		for (n = 0; n < m; n++)
			apply_sector(s->img, first, n, tail);
		for (n = 1; n < SLOT_SECTORS; n++) {
			apply_sector(s->img, second, n - 1, tail);
			make_state(s, w->write[1], tail ? "both torn, ends of" : "both torn at",
				   m, n);
		}
	}
}

static void lose(struct state *s, const struct window *w)
{
	if (!w->count)
		return;
	if (kinds & LOST) {
		lose_whole(s, w);
		lose_parts(s, w, false);
		lose_parts(s, w, true);
	}
	if (kinds & BOTH && w->count == 2) {
		lose_both(s, w, false);
		lose_both(s, w, true);
	}
}

static void tear(struct state *s, const struct image *before, int event, bool tail)
{
	const struct event *e = &events[event];
	u64 m;

	copy_image(s->img, before);
	for (m = 1; m * SECTOR < e->bytes; m++) {
		apply_sector(s->img, e, m - 1, tail);
		make_state(s, event, tail ? "torn, end of" : "torn at", m, 0);
	}
}

static void destroy(struct image *img, unsigned int slot, bool flip)
{
	if (flip)
		img->slot[slot].reserved3[100] ^= 0x10;
	else
		memset(&img->slot[slot], 0, sizeof(img->slot[slot]));
}

/* Of the copies that are left, the newest must be found: each is known to be old or new. */
static void lose_pair(struct state *s, const struct image *now, int event, int a, int b)
{
	bool newest = false;
	int i, flip;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++)
		newest |= i != a && i != b && same(&now->slot[i], &s->new->label);
	for (flip = 0; flip < 2; flip++) {
		copy_image(s->img, now);
		destroy(s->img, a, flip);
		destroy(s->img, b, !flip);
		s->must = newest ? s->new : s->old;
		make_state(s, event, "pair destroyed", a * 10 + b, flip);
	}
}

static void lose_pairs(struct state *s, const struct image *now, int event)
{
	const struct steady *must = s->must;
	int a, b;

	if (s->old->none || s->new->none)
		return;
	for (a = 0; a < PNVME_LABEL_SLOTS; a++)
		if (!same(&now->slot[a], &s->old->label) && !same(&now->slot[a], &s->new->label))
			return;
	for (a = 0; a < PNVME_LABEL_SLOTS; a++)
		for (b = a + 1; b < PNVME_LABEL_SLOTS; b++)
			lose_pair(s, now, event, a, b);
	s->must = must;
}

/* One write: all that a cut may leave of it. @now: before it, then after it. */
static void walk_write(struct state *s, struct image *now, struct window *w, int event)
{
	if (w->count == 64)
		nl_die("entry %llu: too many writes without a flush", events[event].entry);
	if (kinds & PAIRS && is_steady(now))
		lose_pairs(s, now, event);
	if (kinds & TORN)
		tear(s, now, event, false);
	if (kinds & TAIL)
		tear(s, now, event, true);
	apply(now, &events[event], 0, events[event].bytes);
	w->write[w->count++] = event;
	if (kinds & CUT) {
		copy_image(s->img, now);
		make_state(s, event, "cut", 0, 0);
	}
	if (kinds & PAIRS)
		lose_pairs(s, now, event);
}

/* The update that an event belongs to. */
static void set_update(struct state *s, int event, const struct window *w)
{
	int i = 0;

	while (i + 1 < n_steadies && steadies[i + 1].event < event)
		i++;
	s->old = &steadies[i];
	s->new = i + 1 < n_steadies ? &steadies[i + 1] : s->old;
	/* what a flush has made durable must not be lost again */
	s->must = is_found(&w->base, pick(&w->base), s->new) ? s->new : NULL;
}

/* Events from the mark before @only to it; all without it. */
static bool set_range(int *from, int *to)
{
	int i;

	*from = 0;
	*to = n_events;
	for (i = 0; only && i < n_events; i++) {
		if (events[i].mark && !strcmp(events[i].mark, only)) {
			*to = i;
			return true;
		}
		if (events[i].mark)
			*from = i;
	}
	return !only;
}

static void walk(void)
{
	struct image *now = get_mem(sizeof(*now));
	struct window *w = get_mem(sizeof(*w));
	struct state s = { .img = get_mem(sizeof(*now)) };
	int i, from, to;

	if (!set_range(&from, &to))
		nl_die("there is no mark %s", only);
	n_states = 0;
	for (i = 0; i < to; i++) {
		set_update(&s, i, w);
		if (events[i].bytes && i >= from)
			walk_write(&s, now, w, i);
		else if (events[i].bytes)
			apply(now, &events[i], 0, events[i].bytes);
		if (!events[i].flush)
			continue;
		lose(&s, w);
		w->base = *now;
		w->count = 0;
	}
	free(now);
	free(w);
	free(s.img);
}

/* In memory. */

static void judge(const struct state *s)
{
	char text[80];
	int found;

	if (seen_just_now(s))
		return;
	found = pick(s->img);
	if (s->must ? is_found(s->img, found, s->must) :
		      is_found(s->img, found, s->old) || is_found(s->img, found, s->new))
		return;
	snprintf(text, sizeof(text), "%s (%d)", found < 0 ? "no label is found" :
		 is_found(s->img, found, s->old) ? "what had been written is lost" :
		 "neither the old nor the new label is found", found);
	failed(s, text);
}

/* For real. */

static struct nl_sock *sk;
static struct nl_reply reply;
static const char *target, *host;
static struct image shadow;	/* what the target holds */
static int target_fd;
static u8 *chosen;		/* states to take, NULL: all */
static long n_attached;

static const char *asked(const char *op, const char *const *items)
{
	struct nl_msg *msg = nl_request(op, 0);
	static char text[600];

	for (; items[0]; items += 2)
		nl_put_named(msg, op, items[0], items[1]);
	if (!nl_ask(sk, msg, &reply))
		return NULL;
	snprintf(text, sizeof(text), "%s: refused with %d: %s", op, reply.error, reply.message);
	return text;
}

#define ask(op, ...) asked(op, (const char *const []){ __VA_ARGS__, NULL })

static void slot_io(bool write, struct image *img, int i)
{
	static u8 buf[PNVME_LABEL_BYTES] __attribute__((aligned(4096)));
	off_t at = (off_t)pnvme_label_slot(capacity, i);
	ssize_t got;

	memcpy(buf, &img->slot[i], sizeof(buf));
	got = write ? pwrite(target_fd, buf, sizeof(buf), at) :
		      pread(target_fd, buf, sizeof(buf), at);
	if (got != (ssize_t)sizeof(buf))
		nl_die("%s: copy %d cannot be %s", target, i, write ? "written" : "read");
	memcpy(&img->slot[i], buf, sizeof(buf));
}

static void put_image(struct image *img)
{
	int i;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++)
		if (!same(&shadow.slot[i], &img->slot[i]))
			slot_io(true, img, i);
}

static void get_image(void)
{
	int i;

	for (i = 0; i < PNVME_LABEL_SLOTS; i++)
		slot_io(false, &shadow, i);
}

/* What attaching makes of a label, but for the nonce, which is taken from @now. */
static bool is_attached(const struct pnvme_label *now, const struct steady *before)
{
	struct pnvme_label l = before->label;

	if (before->none)
		return false;
	l.sequence = cpu_to_le64(le64_to_cpu(l.sequence) + 1);
	l.epoch = cpu_to_le64(le64_to_cpu(l.epoch) + 1);
	l.nonce = now->nonce;
	nl_parse_id(host, l.owner);
	pnvme_label_seal(&l);
	return same(&l, now);
}

static const char *namespace_flaw(const struct pnvme_label_ns *ns)
{
	const char *flaw;
	char uuid[37];

	nl_format_id(ns->uuid, uuid);
	flaw = ask("ns-get", "uuid", uuid);
	if (flaw)
		return flaw;
	if (strcmp(nl_text(&reply, nl_namespace, "name"), ns->name) ||
	    nl_number(&reply, nl_namespace, "size") != le64_to_cpu(ns->bytes) ||
	    nl_number(&reply, nl_namespace, "start") != le64_to_cpu(ns->start))
		return "a namespace is not what the label says";
	return strcmp(nl_text(&reply, nl_namespace, "state"), "live") ? "a namespace is not live" :
									NULL;
}

/* The answer to an attach, the drive's label, and the namespaces. */
static const char *attached_flaw(const struct state *s)
{
	u64 namespaces = nl_number(&reply, nl_drive, "namespaces");
	bool repaired = nl_number(&reply, nl_drive, "repaired");
	const struct pnvme_label_ns *ns;
	const char *flaw;

	get_image();
	if (!four_equal(&shadow) || pnvme_label_check(&shadow.slot[0], NULL))
		return "it has not got four equal whole copies";
	if (repaired != !four_equal(s->img))
		return repaired ? "said to be repaired" : "not said to be repaired";
	if (s->must && !is_attached(&shadow.slot[0], s->must))
		return s->must == s->new ? "it was not the new label that was found" :
					   "it was not the old label that was found";
	if (!is_attached(&shadow.slot[0], s->old) && !is_attached(&shadow.slot[0], s->new))
		return "neither the old nor the new label was found";
	for (ns = shadow.slot[0].ns; ns < shadow.slot[0].ns + PNVME_NS_MAX; ns++) {
		if (!pnvme_table_used(ns))
			continue;
		namespaces--;
		flaw = namespace_flaw(ns);
		if (flaw)
			return flaw;
	}
	return namespaces ? "another number of namespaces" : NULL;
}

static const char *detach_flaw(void)
{
	const char *flaw = NULL;
	char uuid[37];
	int tries;

	nl_format_id(shadow.slot[0].drive_uuid, uuid);
	for (tries = 0; tries < 100; tries++) {
		flaw = ask("drive-detach", "uuid", uuid);
		if (!flaw || reply.error != -EBUSY)
			break;
		usleep(20000);
	}
	return flaw;
}

static void attach(const struct state *s)
{
	char major_text[16], minor_text[16];
	const char *flaw, *stays;
	struct stat st;

	if (chosen && !chosen[n_states - 1])
		return;
	n_attached++;
	if (!chosen && seen_just_now(s))
		return;
	put_image(s->img);
	if (fstat(target_fd, &st))
		nl_die("cannot ask about %s", target);
	snprintf(major_text, sizeof(major_text), "%u", major(st.st_rdev));
	snprintf(minor_text, sizeof(minor_text), "%u", minor(st.st_rdev));
	flaw = ask("drive-attach", "major", major_text, "minor", minor_text, "host", host);
	if (flaw) {
		if (s->must ? !s->must->none : !s->old->none && !s->new->none)
			failed(s, flaw);
		else if (reply.error != PNVME_LABEL_NONE)
			failed(s, flaw);
		get_image();
		return;
	}
	flaw = attached_flaw(s);
	if (flaw)
		failed(s, flaw);
	stays = detach_flaw();
	if (stays)
		nl_die("%s", stays);
}

static void count_only(const struct state *s)
{
	(void)s;
}

/* @wanted of all states, at random. */
static void choose(long wanted, unsigned int seed)
{
	long i, left;

	visit = count_only;
	walk();
	chosen = get_mem(n_states + 1);
	srandom(seed);
	for (i = 0, left = wanted; i < n_states; i++) {
		if (random() % (n_states - i) >= left)
			continue;
		chosen[i] = 1;
		left--;
	}
}

static unsigned int kind_named(const char *name)
{
	static const char *const names[] = { "cut", "torn", "tail", "lost", "both", "pairs" };
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return 1U << i;
	nl_die("there is no kind of state %s", name);
}

static int result(const char *what, long n)
{
	if (n_failed > SHOWN)
		printf("... and %ld more\n", n_failed - SHOWN);
	printf("%ld states %s (%ld that differ from the one before), %ld wrong\n", n, what,
	       n_different ? n_different : n, n_failed);
	return n_failed || !n;
}

static int run_judge(char **args)
{
	while (*args)
		kinds |= kind_named(*args++);
	visit = judge;
	walk();
	return result("judged", n_states);
}

static int run_attach(int argc, char **argv)
{
	unsigned int seed = 1;
	long wanted = 0;
	int opt;

	target = argv[1];
	host = argv[2];
	while ((opt = getopt(argc - 2, argv + 2, "+n:s:m:")) != -1) {
		if (opt == 'n')
			wanted = atol(optarg);
		else if (opt == 's')
			seed = strtoul(optarg, NULL, 0);
		else if (opt == 'm')
			only = optarg;
		else
			return 2;
	}
	for (argv += 2 + optind; *argv; argv++)
		kinds |= kind_named(*argv);
	target_fd = open(target, O_RDWR | O_DIRECT);
	if (target_fd < 0)
		nl_die("cannot open %s", target);
	get_image();
	sk = nl_open();
	if (nl_family(sk) < 0)
		nl_die("no family pnvme: is the module loaded?");
	if (wanted)
		choose(wanted, seed);
	visit = attach;
	walk();
	return result("attached", n_attached);
}

int main(int argc, char **argv)
{
	if (argc < 4)
		nl_die("usage: replay_log LOG BYTES list | judge STATE... | attach DEV HOST ... STATE...");
	setvbuf(stdout, NULL, _IOLBF, 0);
	crc_init();
	capacity = strtoull(argv[2], NULL, 0);
	read_log(argv[1]);
	find_steadies();
	if (!strcmp(argv[3], "list"))
		return list();
	if (!strcmp(argv[3], "judge") && argc > 4)
		return run_judge(argv + 4);
	if (!strcmp(argv[3], "attach") && argc > 6)
		return run_attach(argc - 3, argv + 3);
	nl_die("replay_log: what is that?");
}
