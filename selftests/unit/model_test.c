// SPDX-License-Identifier: GPL-2.0
/*
 * Random edits against a model: one byte per MiB of the drive. After every step
 * the label is valid, its namespaces are the model's, and its dirty table holds
 * at least what is truly dirty; on a drive too small to fill the table exactly. What was
 * deleted comes back only if all its data is still there, and nobody else's.
 */
#include <stdlib.h>

#include "label_user.h"
#include "sample.h"
#include "tap.h"

#define UNITS_MAX 3000
#define FREE 0xff
#define DEAD 512

static struct pnvme_label work;
static u64 seed;

static struct {
	unsigned int units;		/* MiB of data range */
	u8 owner[UNITS_MAX];		/* index of a namespace, or FREE */
	bool dirty[UNITS_MAX];		/* truly dirty */
	bool listed[UNITS_MAX];		/* what the label says */
	bool exact;			/* these two must be equal */
	u32 number[PNVME_NS_MAX];	/* in names and UUIDs; 0: unused */
	u32 last;
	u32 content[UNITS_MAX];		/* number of the namespace whose data it is; 0: zeroed */
	struct {
		u32 number, from, count;
	} dead[DEAD];			/* deleted last, in a ring */
	unsigned int deaths;
	unsigned int undone, refused;
} model;

static u64 below(u64 limit)
{
	return random_below(&seed, limit);
}

static void model_init(unsigned int units, bool dirty)
{
	struct pnvme_label_params p = sample_params();

	p.capacity = (units + 2) * MIB;
	p.dirty = dirty;
	if (pnvme_label_init(&work, &p, NULL))
		abort();
	memset(&model, 0, sizeof(model));
	memset(model.owner, FREE, sizeof(model.owner));
	memset(model.dirty, dirty, units);
	model.units = units;
}

static void name_of(u32 number, char *name, u8 *uuid, u8 *nguid)
{
	snprintf(name, PNVME_NAME_BYTES, "ns-%u", number);
	memset(uuid, 0x11, 16);
	memset(nguid, 0x22, 16);
	memcpy(uuid, &number, sizeof(number));
	memcpy(nguid, &number, sizeof(number));
}

/* Comparing */

static void read_dirty(void)
{
	u64 pos = 0, start, bytes;

	memset(model.listed, 0, sizeof(model.listed));
	while (pnvme_dirty_next(&work, pos, ~0ULL - pos, &start, &bytes)) {
		memset(model.listed + start / MIB - 1, 1, bytes / MIB);
		pos = start + bytes;
	}
}

static bool dirty_agrees(void)
{
	unsigned int i;

	read_dirty();
	for (i = 0; i < model.units; i++) {
		if (model.dirty[i] && !model.listed[i])
			return false;
		if (model.listed[i] && model.owner[i] != FREE)
			return false;
		if (model.exact && model.dirty[i] != model.listed[i])
			return false;
	}
	return true;
}

static bool layout_agrees(void)
{
	static u8 seen[UNITS_MAX];
	unsigned int i;

	memset(seen, FREE, sizeof(seen));
	for (i = 0; i < PNVME_NS_MAX; i++) {
		const struct pnvme_label_ns *ns = &work.ns[i];

		if (pnvme_table_used(ns) != !!model.number[i])
			return false;
		memset(seen + le64_to_cpu(ns->start) / MIB - !!model.number[i], i,
		       le64_to_cpu(ns->bytes) / MIB);
	}
	return !memcmp(seen, model.owner, model.units);
}

static bool names_agree(void)
{
	char name[PNVME_NAME_BYTES];
	u8 uuid[16], nguid[16];
	int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (!model.number[i])
			continue;
		name_of(model.number[i], name, uuid, nguid);
		if (pnvme_table_by_uuid(&work, uuid) != i || pnvme_table_by_name(&work, name) != i)
			return false;
	}
	return true;
}

static bool space_agrees(void)
{
	unsigned int i, gap = 0, largest = 0, free = 0;
	struct pnvme_space s;

	for (i = 0; i < model.units; i++) {
		gap = model.owner[i] == FREE ? gap + 1 : 0;
		free += model.owner[i] == FREE;
		if (gap > largest)
			largest = gap;
	}
	pnvme_space_get(&work, &s);
	return s.size == model.units * MIB && s.free == free * MIB && s.largest == largest * MIB;
}

static bool compare(unsigned int step)
{
	const char *why = "";
	bool ok;

	pnvme_label_seal(&work);
	ok = EXPECT_AT(pnvme_label_check(&work, &why) == 0, step);
	if (!ok)
		printf("# %s\n", why);
	ok &= EXPECT_AT(layout_agrees(), step);
	ok &= EXPECT_AT(dirty_agrees(), step);
	ok &= EXPECT_AT(space_agrees(), step);
	if (step % 16 == 0)
		ok &= EXPECT_AT(names_agree(), step);
	return ok;
}

/* Questions to the model */

static bool model_free(unsigned int from, unsigned int count)
{
	while (count--) {
		if (model.owner[from++] != FREE)
			return false;
	}
	return true;
}

/* Start of the best fit, or model.units. */
static unsigned int model_find(unsigned int count)
{
	unsigned int i, start = 0, best = model.units, best_size = ~0U;

	for (i = 0; i <= model.units; i++) {
		if (i < model.units && model.owner[i] == FREE)
			continue;
		if (i - start >= count && i - start < best_size) {
			best_size = i - start;
			best = start;
		}
		start = i + 1;
	}
	return best;
}

static int pick_ns(void)
{
	unsigned int i, n = below(PNVME_NS_MAX);

	for (i = 0; i < PNVME_NS_MAX; i++, n++) {
		if (model.number[n % PNVME_NS_MAX])
			return n % PNVME_NS_MAX;
	}
	return -1;
}

static unsigned int ns_first(int index)
{
	return le64_to_cpu(work.ns[index].start) / MIB - 1;
}

static unsigned int ns_count(int index)
{
	return le64_to_cpu(work.ns[index].bytes) / MIB;
}

static unsigned int entries_used(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < PNVME_NS_MAX; i++)
		n += !!model.number[i];
	return n;
}

/* As before space is shown: zero what is listed. Sometimes clear it, too. */
static void zero_range(unsigned int from, unsigned int count)
{
	u64 pos = (from + 1) * MIB, end = pos + count * MIB, start, bytes;

	while (pnvme_dirty_next(&work, pos, end - pos, &start, &bytes)) {
		memset(model.dirty + start / MIB - 1, 0, bytes / MIB);
		pos = start + bytes;
	}
	memset(model.content + from, 0, count * sizeof(u32));
	if (below(2))
		pnvme_dirty_clear(&work, (from + 1) * MIB, count * MIB);
	for (; count; count--, from++)
		EXPECT_AT(!model.dirty[from], from);
}

/* Steps */

static void fill_content(unsigned int from, unsigned int count, u32 number)
{
	while (count--)
		model.content[from++] = number;
}

static int try_add(unsigned int from, unsigned int count)
{
	char name[PNVME_NAME_BYTES];
	u8 uuid[16], nguid[16];
	struct pnvme_ns_params p = {
		.name = name, .uuid = uuid, .nguid = nguid,
		.start = (from + 1) * MIB, .bytes = count * MIB, .policy = below(3),
	};
	int index;

	name_of(++model.last, name, uuid, nguid);
	index = pnvme_table_add(&work, &p, NULL);
	if (index >= 0) {
		memset(model.owner + from, index, count);
		model.number[index] = model.last;
		fill_content(from, count, model.last);
	}
	return index;
}

static void step_create(void)
{
	unsigned int count = 1 + below(1 + model.units / (model.exact ? 8 : 100));
	unsigned int from = model_find(count);
	u64 start;
	int ret = pnvme_space_find(&work, count * MIB, &start, NULL);

	if (entries_used() == PNVME_NS_MAX || from == model.units) {
		EXPECT(ret == -ENOSPC);
		return;
	}
	EXPECT(ret == 0 && start == (from + 1) * MIB);
	zero_range(from, count);
	EXPECT(try_add(from, count) >= 0);
}

static void step_create_anywhere(void)
{
	unsigned int from = below(model.units), count = 1 + below(4);
	bool is_free;
	int ret;

	if (entries_used() == PNVME_NS_MAX)
		return;
	if (from + count > model.units) {
		EXPECT(try_add(from, count) == -EINVAL);
		return;
	}
	is_free = model_free(from, count);
	ret = try_add(from, count);
	EXPECT(is_free ? ret >= 0 : ret == -ENOSPC);
	if (is_free)		/* its data is kept */
		memset(model.dirty + from, 0, count);
}

static void delete(int index)
{
	unsigned int i, from = ns_first(index), count = ns_count(index);

	EXPECT(pnvme_table_del(&work, index, NULL) == 0);
	model.dead[model.deaths % DEAD].number = model.number[index];
	model.dead[model.deaths % DEAD].from = from;
	model.dead[model.deaths++ % DEAD].count = count;
	model.number[index] = 0;
	for (i = from; i < from + count; i++) {
		model.owner[i] = FREE;
		model.dirty[i] = true;
	}
}

static void step_delete(void)
{
	int index = pick_ns();

	if (index >= 0)
		delete(index);
}

/* Is it all there, and free? */
static bool is_whole(u32 number, unsigned int from, unsigned int count)
{
	for (; count; count--, from++)
		if (model.owner[from] != FREE || model.content[from] != number)
			return false;
	return true;
}

static bool is_gone(u32 number)
{
	unsigned int i;

	for (i = 0; i < PNVME_NS_MAX; i++)
		if (model.number[i] == number)
			return false;
	return true;
}

/* It came back meanwhile, and may have had another size then. */
static bool died_again(u32 number, unsigned int age)
{
	while (--age)
		if (model.dead[(model.deaths + DEAD - age) % DEAD].number == number)
			return true;
	return false;
}

/* Of those that died last a grave is kept: only older ones may be forgotten. */
static void step_undelete(void)
{
	unsigned int age = below(below(4) ? 8 : DEAD), from, count;
	unsigned int which = (model.deaths + DEAD - age) % DEAD;
	u32 number = model.dead[which].number;
	char name[PNVME_NAME_BYTES];
	u8 uuid[16], nguid[16];
	struct pnvme_ns_params p = { .name = name, .uuid = uuid, .nguid = nguid };
	int index;

	if (!age || !number || died_again(number, age) || !is_gone(number) || entries_used() == PNVME_NS_MAX)
		return;
	from = model.dead[which].from;
	count = model.dead[which].count;
	name_of(number, name, uuid, nguid);
	p.start = (from + 1) * MIB;
	p.bytes = count * MIB;
	p.nsid = below(PNVME_NS_MAX + 1);
	index = pnvme_table_undelete(&work, &p, NULL);
	if (index < 0) {
		EXPECT(index == -ESTALE);
		EXPECT(age > PNVME_GRAVE_MAX || !is_whole(number, from, count));
		model.refused++;
		return;
	}
	EXPECT(is_whole(number, from, count));
	memset(model.owner + from, index, count);
	memset(model.dirty + from, 0, count);
	model.number[index] = number;
	model.undone++;
}

/* Sometimes everything goes, so that long sequences see all densities. */
static void step_delete_many(void)
{
	int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (model.number[i] && below(2))
			delete(i);
	}
}

static void shrink(int index, unsigned int count)
{
	unsigned int i, from = ns_first(index), old = ns_count(index);

	EXPECT(pnvme_table_resize(&work, index, count * MIB, NULL) == 0);
	for (i = from + count; i < from + old; i++) {
		model.owner[i] = FREE;
		model.dirty[i] = true;
	}
}

static void grow(int index, unsigned int count)
{
	unsigned int from = ns_first(index), old = ns_count(index);
	unsigned int tail = from + old;

	if (from + count > model.units || !model_free(tail, count - old)) {
		EXPECT(pnvme_table_resize(&work, index, count * MIB, NULL) == -ENOSPC);
		return;
	}
	zero_range(tail, count - old);
	EXPECT(pnvme_table_resize(&work, index, count * MIB, NULL) == 0);
	memset(model.owner + tail, index, count - old);
	fill_content(tail, count - old, model.number[index]);
}

static void step_resize(void)
{
	int index = pick_ns();
	unsigned int count;

	if (index < 0)
		return;
	count = 1 + below(2 * ns_count(index) + 2);
	if (count < ns_count(index))
		shrink(index, count);
	else
		grow(index, count);
}

static void step_rename(void)
{
	int index = pick_ns(), other = pick_ns();
	char name[PNVME_NAME_BYTES];
	u8 uuid[16], nguid[16];

	if (index < 0)
		return;
	name_of(model.number[other], name, uuid, nguid);
	EXPECT(pnvme_table_rename(&work, index, name, NULL) == (index == other ? 0 : -EEXIST));
	EXPECT(pnvme_table_rename(&work, index, "other.name", NULL) == 0);
	name_of(model.number[index], name, uuid, nguid);
	EXPECT(pnvme_table_rename(&work, index, name, NULL) == 0);
}

/* A wipe of some range. */
static void step_clear(void)
{
	unsigned int from = below(model.units), count = 1 + below(1 + model.units / 50), i;

	if (!model.exact && !below(20))
		count = model.units;
	if (from + count > model.units)
		count = model.units - from;
	pnvme_dirty_clear(&work, (from + 1) * MIB, count * MIB);
	for (i = from; i < from + count; i++) {
		model.dirty[i] = false;
		if (model.owner[i] == FREE)
			model.content[i] = 0;
	}
}

static void step_dirty(void)
{
	unsigned int from = below(model.units), count = 1 + below(3), i;

	pnvme_dirty_add(&work, (from + 1) * MIB, count * MIB);
	for (i = from; i < from + count && i < model.units; i++)
		model.dirty[i] = model.owner[i] == FREE || model.dirty[i];
}

static void step(void)
{
	static void (*const steps[])(void) = {
		step_create, step_create, step_create_anywhere, step_create_anywhere,
		step_create_anywhere, step_delete, step_delete, step_resize, step_resize,
		step_rename, step_undelete, step_undelete, step_clear, step_dirty, step_dirty, step_dirty, step_dirty,
	};

	unsigned int i;

	/* Scattered dirt overflows the table. */
	for (i = 0; i < 4 && !model.exact; i++)
		step_dirty();
	if (!below(100))
		step_delete_many();
	else
		steps[below(ARRAY_SIZE(steps))]();
}

static void run(unsigned int units, bool dirty, bool exact, unsigned int steps)
{
	unsigned int i, full = 0;

	seed = units;
	model_init(units, dirty);
	model.exact = exact;
	for (i = 0; i < steps; i++) {
		step();
		full += !!work.dirty[PNVME_DIRTY_MAX - 1].bytes;
		if (!compare(i))
			return;
	}
	printf("# %u MiB: the dirty table was full after %u of %u steps\n", units, full, steps);
	EXPECT(exact ? !full : full > steps / 100);
	printf("# %u came back, %u could not\n", model.undone, model.refused);
	EXPECT(model.undone > steps / 100 && model.refused > steps / 100);
}

/* At most 125 separate dirty ranges fit: the table never fills, nothing is rounded up. */
static void test_small(void)
{
	run(250, false, true, 10000);
}

static void test_small_dirty(void)
{
	run(250, true, true, 4000);
}

static void test_tiny(void)
{
	run(14, true, true, 3000);
}

static void test_large(void)
{
	run(3000, false, false, 10000);
}

static const struct tap_test tests[] = {
	{ "10,000 random edits, exact dirty table", test_small },
	{ "edits of a drive adopted dirty", test_small_dirty },
	{ "edits of the smallest drive", test_tiny },
	{ "10,000 random edits, overflowing dirty table", test_large },
};

int main(void)
{
	return tap_run(tests, ARRAY_SIZE(tests));
}
