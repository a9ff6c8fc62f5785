// SPDX-License-Identifier: GPL-2.0
/*
 * The on-disk label: checking, picking and editing copies in memory. Pure: the
 * tools and the unit tests compile this file in userspace.
 *
 * Functions named *_flaw return what is wrong as a constant phrase, or NULL.
 */
#ifdef __KERNEL__
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/string.h>
#include <linux/types.h>
#include <asm/byteorder.h>
#else
#include "label_user.h"
#endif
#include <pnvme/label.h>

#define CAPACITY_MAX	(U64_MAX >> 1)
#define CAPACITY_GRAIN	4096ULL		/* the end label lies on this */
#define SLOT2_FROM_END	(960ULL << 10)
#define SLOT3_FROM_END	(512ULL << 10)
#define END_RESERVED	PNVME_ALIGN	/* end labels and backup GPT */
#define PI_TYPE_LAST	3
#define PI_TUPLE_BYTES	8

static int refuse(const char **why, int err, const char *phrase)
{
	if (why)
		*why = phrase;
	return err;
}

static bool all_zero(const void *p, size_t bytes)
{
	const u8 *b = p;

	while (bytes--) {
		if (*b++)
			return false;
	}
	return true;
}

static bool aligned(u64 v)
{
	return !(v & (PNVME_ALIGN - 1));
}

/* The end of a range given by a caller; it may be nonsense. */
static u64 end_saturated(u64 start, u64 bytes)
{
	return bytes > U64_MAX - start ? U64_MAX : start + bytes;
}

/* Geometry */

u64 pnvme_label_slot(u64 capacity, unsigned int slot)
{
	u64 end = capacity & ~(CAPACITY_GRAIN - 1);

	switch (slot) {
	case 0:
		return PNVME_SLOT0;
	case 1:
		return PNVME_SLOT1;
	case 2:
		return end - SLOT2_FROM_END;
	default:
		return end - SLOT3_FROM_END;
	}
}

u64 pnvme_data_end(u64 capacity)
{
	u64 end = capacity & ~(CAPACITY_GRAIN - 1);

	if (end < PNVME_DATA_START + END_RESERVED)
		return PNVME_DATA_START;
	return (end - END_RESERVED) & ~(PNVME_ALIGN - 1);
}

static u64 data_end(const struct pnvme_label *l)
{
	return le64_to_cpu(l->data_end);
}

static const char *range_flaw(const struct pnvme_label *l, u64 start, u64 bytes)
{
	if (!bytes)
		return "range is empty";
	if (!aligned(start) || !aligned(bytes))
		return "range is not a multiple of 1 MiB";
	if (start < PNVME_DATA_START || start >= data_end(l) || bytes > data_end(l) - start)
		return "range lies outside the data range";
	return NULL;
}

/* Strings */

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool pnvme_name_ok(const char *name, size_t max)
{
	size_t i;

	if (max > PNVME_NAME_BYTES)
		max = PNVME_NAME_BYTES;
	if (!max || !is_alnum(name[0]))
		return false;
	for (i = 1; i < max && name[i]; i++) {
		if (!is_alnum(name[i]) && name[i] != '.' && name[i] != '_' && name[i] != '-')
			return false;
	}
	return i < max;
}

/* Printable ASCII without trailing blanks, terminated, zeros to the end of the field. */
static bool text_ok(const char *s, size_t bytes)
{
	size_t len = strnlen(s, bytes);
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] < ' ' || s[i] > '~')
			return false;
	}
	return len < bytes && all_zero(s + len, bytes - len) && !(len && s[len - 1] == ' ');
}

/* Into a zeroed field. One byte too long leaves no NUL, which the checks refuse. */
static void copy_text(char *field, size_t bytes, const char *s)
{
	if (s)
		memcpy(field, s, strnlen(s, bytes));
}

/* Checking one copy */

static u32 label_crc(const struct pnvme_label *l)
{
	static const u8 zero[sizeof(l->crc)];
	const size_t before = offsetof(struct pnvme_label, crc);
	const size_t after = before + sizeof(l->crc);
	u32 crc;

	crc = crc32c(~0U, l, before);
	crc = crc32c(crc, zero, sizeof(zero));
	crc = crc32c(crc, (const u8 *)l + after, sizeof(*l) - after);
	return ~crc;
}

void pnvme_label_seal(struct pnvme_label *l)
{
	l->crc = cpu_to_le32(label_crc(l));
}

/* An unknown compatible feature may have put something into reserved fields. */
static bool reserved_ok(const struct pnvme_label *l, const void *p, size_t bytes)
{
	return l->feature_compat || all_zero(p, bytes);
}

static const char *hwid_flaw(u8 type, const u8 *hwid)
{
	switch (type) {
	case PNVME_HWID_NONE:
		return all_zero(hwid, 16) ? NULL : "hardware ID without a type";
	case PNVME_HWID_EUI64:
		if (all_zero(hwid, 8))
			return "hardware ID is zero";
		return all_zero(hwid + 8, 8) ? NULL : "hardware ID is not padded with zeros";
	case PNVME_HWID_NGUID:
		return all_zero(hwid, 16) ? "hardware ID is zero" : NULL;
	default:
		return "hardware ID type is not known";
	}
}

static const char *identity_flaw(const struct pnvme_label *l)
{
	if (!l->sequence)
		return "sequence is zero";
	if (all_zero(l->drive_uuid, sizeof(l->drive_uuid)))
		return "drive UUID is zero";
	if (!l->epoch)
		return "epoch is zero";
	if (!text_ok(l->serial, sizeof(l->serial)))
		return "serial number is not clean text";
	if (!text_ok(l->model, sizeof(l->model)))
		return "model is not clean text";
	if (le32_to_cpu(l->instance) > PNVME_INSTANCE_MAX)
		return "instance is out of range";
	return hwid_flaw(l->hwid_type, l->hwid);
}

static const char *lba_flaw(const struct pnvme_label *l)
{
	u32 lba = le32_to_cpu(l->lba_size);

	if (lba < PNVME_LBA_MIN || lba > PNVME_LBA_MAX || (lba & (lba - 1)))
		return "LBA size is not 512 to 4096 and a power of two";
	if (l->pi_type > PI_TYPE_LAST)
		return "protection information type is not known";
	if (l->pi_type && le16_to_cpu(l->metadata_bytes) < PI_TUPLE_BYTES)
		return "metadata is too small for protection information";
	return NULL;
}

static const char *geometry_flaw(const struct pnvme_label *l)
{
	u64 capacity = le64_to_cpu(l->capacity);
	const char *flaw = lba_flaw(l);

	if (flaw)
		return flaw;
	if (capacity < PNVME_MIN_CAPACITY)
		return "capacity is below 16 MiB";
	if (capacity > CAPACITY_MAX)
		return "capacity is out of range";
	if (capacity & (le32_to_cpu(l->lba_size) - 1))
		return "capacity is not a multiple of the LBA size";
	if (le64_to_cpu(l->data_start) != PNVME_DATA_START)
		return "data start is wrong";
	if (data_end(l) != pnvme_data_end(capacity))
		return "data end is wrong";
	return NULL;
}

static const char *settings_flaw(const struct pnvme_label *l)
{
	u32 timeout = le32_to_cpu(l->hold_timeout);

	if (timeout > PNVME_HOLD_MAX && timeout != PNVME_HOLD_FOREVER)
		return "hold timeout is out of range";
	if (le32_to_cpu(l->latency) > PNVME_LATENCY_MAX)
		return "latency setting is out of range";
	if (l->on_resume > PNVME_ON_RESUME_LAST)
		return "on-resume setting is not known";
	if (l->hold_proof > PNVME_HOLD_PROOF_LAST)
		return "hold-proof setting is not known";
	return NULL;
}

static const char *reserved_flaw(const struct pnvme_label *l)
{
	if (!reserved_ok(l, &l->reserved0, sizeof(l->reserved0)) ||
	    !reserved_ok(l, l->reserved1, sizeof(l->reserved1)) ||
	    !reserved_ok(l, l->reserved2, sizeof(l->reserved2)) ||
	    !reserved_ok(l, l->reserved3, sizeof(l->reserved3)))
		return "reserved bytes are not zero";
	return NULL;
}

/* One used entry by itself. */
static const char *ns_flaw(const struct pnvme_label *l, const struct pnvme_label_ns *ns)
{
	u32 nsid = le32_to_cpu(ns->nsid);

	if (!pnvme_name_ok(ns->name, sizeof(ns->name)) || !text_ok(ns->name, sizeof(ns->name)))
		return "namespace name is not valid";
	if (!nsid || nsid > PNVME_NS_MAX)
		return "namespace ID is out of range";
	if (all_zero(ns->nguid, sizeof(ns->nguid)))
		return "namespace NGUID is zero";
	if (le32_to_cpu(ns->flags) & ~PNVME_NS_FLAGS_KNOWN)
		return "namespace flags are not known";
	if (ns->policy > PNVME_POLICY_LAST)
		return "namespace policy is not known";
	if (!reserved_ok(l, ns->reserved0, sizeof(ns->reserved0)) ||
	    !reserved_ok(l, ns->reserved, sizeof(ns->reserved)))
		return "reserved bytes of a namespace are not zero";
	return range_flaw(l, le64_to_cpu(ns->start), le64_to_cpu(ns->bytes));
}

/* What two used entries must not share. */
static const char *ns_clash(const struct pnvme_label_ns *a, const struct pnvme_label_ns *b)
{
	if (!memcmp(a->name, b->name, sizeof(a->name)))
		return "namespace name is taken";
	if (!memcmp(a->uuid, b->uuid, sizeof(a->uuid)))
		return "namespace UUID is taken";
	if (!memcmp(a->nguid, b->nguid, sizeof(a->nguid)))
		return "namespace NGUID is taken";
	if (a->nsid == b->nsid)
		return "namespace ID is taken";
	return NULL;
}

static u64 ns_start(const struct pnvme_label_ns *ns)
{
	return le64_to_cpu(ns->start);
}

static u64 ns_end(const struct pnvme_label_ns *ns)
{
	return le64_to_cpu(ns->start) + le64_to_cpu(ns->bytes);
}

static bool ns_overlaps(const struct pnvme_label_ns *ns, u64 start, u64 end)
{
	return ns_start(ns) < end && start < ns_end(ns);
}

/* Entry @index by itself and against those before it. */
static const char *ns_entry_flaw(const struct pnvme_label *l, unsigned int index)
{
	const struct pnvme_label_ns *ns = &l->ns[index], *other;
	const char *flaw;

	if (!pnvme_table_used(ns))
		return all_zero(ns, sizeof(*ns)) ? NULL : "unused namespace entry is not zero";
	flaw = ns_flaw(l, ns);
	if (flaw)
		return flaw;
	for (other = l->ns; other < ns; other++) {
		if (!pnvme_table_used(other))
			continue;
		flaw = ns_clash(ns, other);
		if (flaw)
			return flaw;
		if (ns_overlaps(ns, ns_start(other), ns_end(other)))
			return "namespaces overlap";
	}
	return NULL;
}

static const char *ns_table_flaw(const struct pnvme_label *l)
{
	const char *flaw = NULL;
	unsigned int i;

	for (i = 0; i < PNVME_NS_MAX && !flaw; i++)
		flaw = ns_entry_flaw(l, i);
	return flaw;
}

static const char *peer_flaw(const struct pnvme_label *l, unsigned int index)
{
	const struct pnvme_label_peer *peer = &l->roster[index], *other;

	if (all_zero(peer->uuid, sizeof(peer->uuid)))
		return all_zero(peer, sizeof(*peer)) ? NULL : "unused roster entry is not zero";
	if (!text_ok(peer->slot, sizeof(peer->slot)))
		return "roster slot is not clean text";
	if (!reserved_ok(l, peer->reserved0, sizeof(peer->reserved0)) ||
	    !reserved_ok(l, peer->reserved, sizeof(peer->reserved)))
		return "reserved bytes of the roster are not zero";
	for (other = l->roster; other < peer; other++) {
		if (!memcmp(other->uuid, peer->uuid, sizeof(peer->uuid)))
			return "drive is in the roster twice";
	}
	return hwid_flaw(peer->hwid_type, peer->hwid);
}

static const char *roster_flaw(const struct pnvme_label *l)
{
	const char *flaw = NULL;
	unsigned int i;

	for (i = 0; i < PNVME_ROSTER_MAX && !flaw; i++)
		flaw = peer_flaw(l, i);
	return flaw;
}

static u64 extent_start(const struct pnvme_label_extent *x)
{
	return le64_to_cpu(x->start);
}

static u64 extent_end(const struct pnvme_label_extent *x)
{
	return le64_to_cpu(x->start) + le64_to_cpu(x->bytes);
}

static void extent_set(struct pnvme_label_extent *x, u64 start, u64 end)
{
	x->start = cpu_to_le64(start);
	x->bytes = cpu_to_le64(end - start);
}

static unsigned int dirty_count(const struct pnvme_label *l)
{
	unsigned int n = 0;

	while (n < PNVME_DIRTY_MAX && l->dirty[n].bytes)
		n++;
	return n;
}

/* Is there a namespace in [start, end)? */
static bool range_live(const struct pnvme_label *l, u64 start, u64 end)
{
	unsigned int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (pnvme_table_used(&l->ns[i]) && ns_overlaps(&l->ns[i], start, end))
			return true;
	}
	return false;
}

static const char *dirty_flaw(const struct pnvme_label *l)
{
	unsigned int i, n = dirty_count(l);
	const struct pnvme_label_extent *x;

	if (!all_zero(&l->dirty[n], (PNVME_DIRTY_MAX - n) * sizeof(l->dirty[0])))
		return "unused dirty range is not zero";
	for (i = 0; i < n; i++) {
		x = &l->dirty[i];
		if (range_flaw(l, extent_start(x), le64_to_cpu(x->bytes)))
			return "dirty range is not aligned or lies outside the data range";
		if (i && extent_start(x) < extent_end(x - 1))
			return "dirty ranges overlap or are not sorted";
		if (range_live(l, extent_start(x), extent_end(x)))
			return "dirty range covers a namespace";
	}
	return NULL;
}

/* Everything but the header. */
static const char *content_flaw(const struct pnvme_label *l)
{
	const char *flaw = identity_flaw(l);

	if (!flaw)
		flaw = geometry_flaw(l);
	if (!flaw)
		flaw = settings_flaw(l);
	if (!flaw)
		flaw = reserved_flaw(l);
	if (!flaw)
		flaw = ns_table_flaw(l);
	if (!flaw)
		flaw = dirty_flaw(l);
	if (!flaw)
		flaw = roster_flaw(l);
	return flaw;
}

int pnvme_label_check(const struct pnvme_label *l, const char **why)
{
	const char *flaw;

	if (memcmp(l->magic, PNVME_LABEL_MAGIC, sizeof(l->magic)))
		return refuse(why, PNVME_LABEL_NONE, "no label");
	/* Size and CRC may lie elsewhere in another version. */
	if (le32_to_cpu(l->version) != PNVME_LABEL_VERSION)
		return refuse(why, PNVME_LABEL_UNKNOWN, "label version is not known");
	if (le32_to_cpu(l->size) != PNVME_LABEL_BYTES)
		return refuse(why, PNVME_LABEL_CORRUPT, "label size is wrong");
	if (le32_to_cpu(l->crc) != label_crc(l))
		return refuse(why, PNVME_LABEL_CORRUPT, "checksum is wrong");
	if (le64_to_cpu(l->feature_incompat) & ~PNVME_INCOMPAT_KNOWN)
		return refuse(why, PNVME_LABEL_UNKNOWN, "label has an unknown feature");
	flaw = content_flaw(l);
	return flaw ? refuse(why, PNVME_LABEL_INVALID, flaw) : 0;
}

int pnvme_label_fits(const struct pnvme_label *l, u64 capacity, u32 lba_size, const char **why)
{
	if (le64_to_cpu(l->capacity) != capacity)
		return refuse(why, -ERANGE, "capacity differs from the label");
	if (le32_to_cpu(l->lba_size) != lba_size)
		return refuse(why, -ERANGE, "LBA size differs from the label");
	return 0;
}

/* Picking among the copies */

/* How much an error tells about the drive. */
static unsigned int error_rank(int err)
{
	switch (err) {
	case PNVME_LABEL_UNKNOWN:
		return 4;
	case PNVME_LABEL_INVALID:
		return 3;
	case PNVME_LABEL_CORRUPT:
		return 2;
	case PNVME_LABEL_NONE:
		return 0;
	default:
		return 1;
	}
}

static int check_copy(const struct pnvme_label *l, const char **why)
{
	return l ? pnvme_label_check(l, why) : refuse(why, -EIO, "label cannot be read");
}

static bool same_label(const struct pnvme_label *a, const struct pnvme_label *b)
{
	return a && b && !memcmp(a, b, sizeof(*a));
}

static bool newer(const struct pnvme_label *a, const struct pnvme_label *b)
{
	return le64_to_cpu(a->sequence) > le64_to_cpu(b->sequence);
}

int pnvme_label_pick(const struct pnvme_label *const copies[PNVME_LABEL_SLOTS], bool *repair,
		     const char **why)
{
	const char *flaw = "no label", *phrase = NULL;
	int i, ret, best = -1, err = PNVME_LABEL_NONE;
	bool valid[PNVME_LABEL_SLOTS];

	for (i = 0; i < PNVME_LABEL_SLOTS; i++) {
		ret = check_copy(copies[i], &phrase);
		valid[i] = !ret;
		if (valid[i] && (best < 0 || newer(copies[i], copies[best])))
			best = i;
		if (ret && error_rank(ret) > error_rank(err)) {
			err = ret;
			flaw = phrase;
		}
	}
	if (best < 0 || err == PNVME_LABEL_UNKNOWN)
		return refuse(why, err, flaw);

	*repair = false;
	for (i = 0; i < PNVME_LABEL_SLOTS; i++) {
		if (same_label(copies[i], copies[best]))
			continue;
		*repair = true;
		if (valid[i] && !newer(copies[best], copies[i]))
			return refuse(why, -EUCLEAN, "copies of the same sequence differ");
	}
	return best;
}

/* Making and continuing a label */

static void copy_id(u8 id[16], const u8 *from)
{
	if (from)
		memcpy(id, from, 16);
}

static void init_identity(struct pnvme_label *l, const struct pnvme_label_params *p)
{
	l->sequence = cpu_to_le64(1);
	l->epoch = cpu_to_le64(1);
	l->nonce = cpu_to_le64(p->nonce);
	l->instance = cpu_to_le32(p->instance);
	copy_id(l->drive_uuid, p->drive_uuid);
	copy_id(l->owner, p->owner);
	copy_id(l->hwid, p->hwid);
	l->hwid_type = p->hwid_type;
	copy_text(l->serial, sizeof(l->serial), p->serial);
	copy_text(l->model, sizeof(l->model), p->model);
}

static void init_geometry(struct pnvme_label *l, const struct pnvme_label_params *p)
{
	l->pi_type = p->pi_type;
	l->metadata_bytes = cpu_to_le16(p->metadata_bytes);
	l->lba_size = cpu_to_le32(p->lba_size);
	l->capacity = cpu_to_le64(p->capacity);
	l->data_start = cpu_to_le64(PNVME_DATA_START);
	l->data_end = cpu_to_le64(pnvme_data_end(p->capacity));
}

/* Fields that are zero by default: on_resume (fence), hold_proof (any). */
static void init_settings(struct pnvme_label *l)
{
	l->hold_timeout = cpu_to_le32(PNVME_HOLD_DEFAULT);
	l->latency = cpu_to_le32(1);
}

int pnvme_label_init(struct pnvme_label *l, const struct pnvme_label_params *p, const char **why)
{
	const char *flaw;

	memset(l, 0, sizeof(*l));
	memcpy(l->magic, PNVME_LABEL_MAGIC, sizeof(l->magic));
	l->version = cpu_to_le32(PNVME_LABEL_VERSION);
	l->size = cpu_to_le32(PNVME_LABEL_BYTES);
	init_identity(l, p);
	init_geometry(l, p);
	init_settings(l);
	flaw = content_flaw(l);
	if (flaw)
		return refuse(why, -EINVAL, flaw);
	if (p->dirty)
		extent_set(&l->dirty[0], PNVME_DATA_START, data_end(l));
	return 0;
}

int pnvme_label_next(struct pnvme_label *l)
{
	u64 sequence = le64_to_cpu(l->sequence);

	if (sequence == U64_MAX)
		return -EOVERFLOW;
	l->sequence = cpu_to_le64(sequence + 1);
	return 0;
}

/* Finding namespaces */

bool pnvme_table_used(const struct pnvme_label_ns *ns)
{
	return !all_zero(ns->uuid, sizeof(ns->uuid));
}

int pnvme_table_by_name(const struct pnvme_label *l, const char *name)
{
	int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (pnvme_table_used(&l->ns[i]) && !strncmp(l->ns[i].name, name, PNVME_NAME_BYTES))
			return i;
	}
	return -ENOENT;
}

int pnvme_table_by_uuid(const struct pnvme_label *l, const u8 *uuid)
{
	int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (pnvme_table_used(&l->ns[i]) && !memcmp(l->ns[i].uuid, uuid, 16))
			return i;
	}
	return -ENOENT;
}

/* Space */

/* The namespace with the lowest start of those that end behind @pos. */
static const struct pnvme_label_ns *ns_after(const struct pnvme_label *l, u64 pos)
{
	const struct pnvme_label_ns *ns, *first = NULL;

	for (ns = l->ns; ns < l->ns + PNVME_NS_MAX; ns++) {
		if (pnvme_table_used(ns) && ns_end(ns) > pos &&
		    (!first || ns_start(ns) < ns_start(first)))
			first = ns;
	}
	return first;
}

/* The first gap at or behind *@pos, which moves on. */
static bool next_gap(const struct pnvme_label *l, u64 *pos, u64 *start, u64 *end)
{
	const struct pnvme_label_ns *ns;

	while (*pos < data_end(l)) {
		ns = ns_after(l, *pos);
		*start = *pos;
		*end = ns ? ns_start(ns) : data_end(l);
		*pos = ns ? ns_end(ns) : data_end(l);
		if (*end > *start)
			return true;
	}
	return false;
}

static unsigned int entries_free(const struct pnvme_label *l)
{
	unsigned int i, n = 0;

	for (i = 0; i < PNVME_NS_MAX; i++)
		n += !pnvme_table_used(&l->ns[i]);
	return n;
}

void pnvme_space_get(const struct pnvme_label *l, struct pnvme_space *s)
{
	u64 pos = PNVME_DATA_START, start, end;

	memset(s, 0, sizeof(*s));
	s->size = data_end(l) - PNVME_DATA_START;
	s->entries_free = entries_free(l);
	while (next_gap(l, &pos, &start, &end)) {
		s->free += end - start;
		if (end - start > s->largest)
			s->largest = end - start;
	}
}

static const char *size_flaw(u64 bytes)
{
	if (!bytes)
		return "size is zero";
	return aligned(bytes) ? NULL : "size is not a multiple of 1 MiB";
}

/* Why @bytes do not fit, or NULL. */
static const char *space_flaw(const struct pnvme_label *l, u64 bytes)
{
	struct pnvme_space s;

	pnvme_space_get(l, &s);
	if (!s.entries_free)
		return "namespace table is full";
	if (bytes > s.free)
		return "not enough space";
	return bytes > s.largest ? "space is fragmented" : NULL;
}

int pnvme_space_find(const struct pnvme_label *l, u64 bytes, u64 *start, const char **why)
{
	u64 pos = PNVME_DATA_START, from, to, best = U64_MAX;
	const char *flaw = size_flaw(bytes);

	if (flaw)
		return refuse(why, -EINVAL, flaw);
	flaw = space_flaw(l, bytes);
	if (flaw)
		return refuse(why, -ENOSPC, flaw);
	while (next_gap(l, &pos, &from, &to)) {
		if (to - from >= bytes && to - from < best) {
			best = to - from;
			*start = from;
		}
	}
	return 0;
}

/* Dirty ranges */

static void dirty_remove(struct pnvme_label *l, unsigned int index)
{
	unsigned int n = dirty_count(l);

	memmove(&l->dirty[index], &l->dirty[index + 1],
		(n - index - 1) * sizeof(l->dirty[0]));
	memset(&l->dirty[n - 1], 0, sizeof(l->dirty[0]));
}

/* Caller made room and keeps the order. */
static void dirty_insert(struct pnvme_label *l, unsigned int index, u64 start, u64 end)
{
	unsigned int n = dirty_count(l);

	memmove(&l->dirty[index + 1], &l->dirty[index],
		(n - index) * sizeof(l->dirty[0]));
	extent_set(&l->dirty[index], start, end);
}

/* Bytes between entry @index and the next; U64_MAX if they must stay apart. */
static u64 merge_cost(const struct pnvme_label *l, unsigned int index)
{
	u64 from = extent_end(&l->dirty[index]), to = extent_start(&l->dirty[index + 1]);

	return range_live(l, from, to) ? U64_MAX : to - from;
}

/*
 * Merges the two nearest entries of a full table. There are more entries than
 * gaps between namespaces, so that some pair shares a gap.
 */
static void dirty_make_room(struct pnvme_label *l)
{
	unsigned int i, best = 0;
	u64 cost, lowest = U64_MAX;

	for (i = 0; i < PNVME_DIRTY_MAX - 1; i++) {
		cost = merge_cost(l, i);
		if (cost < lowest) {
			lowest = cost;
			best = i;
		}
	}
	extent_set(&l->dirty[best], extent_start(&l->dirty[best]),
		   extent_end(&l->dirty[best + 1]));
	dirty_remove(l, best + 1);
}

/* Takes the entries that touch the range into it; returns the place for it. */
static unsigned int dirty_absorb(struct pnvme_label *l, u64 *start, u64 *end)
{
	unsigned int i = 0;

	while (i < PNVME_DIRTY_MAX && l->dirty[i].bytes && extent_start(&l->dirty[i]) <= *end) {
		if (extent_end(&l->dirty[i]) < *start) {
			i++;
			continue;
		}
		if (extent_start(&l->dirty[i]) < *start)
			*start = extent_start(&l->dirty[i]);
		if (extent_end(&l->dirty[i]) > *end)
			*end = extent_end(&l->dirty[i]);
		dirty_remove(l, i);
	}
	return i;
}

/* A range within one gap. */
static void dirty_add_gap(struct pnvme_label *l, u64 start, u64 end)
{
	unsigned int place = dirty_absorb(l, &start, &end);

	if (dirty_count(l) == PNVME_DIRTY_MAX) {
		dirty_make_room(l);
		/* What was merged may now surround the range. */
		place = dirty_absorb(l, &start, &end);
	}
	dirty_insert(l, place, start, end);
}

void pnvme_dirty_add(struct pnvme_label *l, u64 start, u64 bytes)
{
	u64 pos = PNVME_DATA_START, from, to;
	u64 end = end_saturated(start, bytes);

	start &= ~(PNVME_ALIGN - 1);
	if (end < data_end(l))
		end = (end + PNVME_ALIGN - 1) & ~(PNVME_ALIGN - 1);
	while (bytes && next_gap(l, &pos, &from, &to)) {
		if (from < start)
			from = start;
		if (to > end)
			to = end;
		if (from < to)
			dirty_add_gap(l, from, to);
	}
}

/* Takes [start, end) out of entry @index; false if that makes two and the table is full. */
static bool dirty_cut(struct pnvme_label *l, unsigned int index, u64 start, u64 end)
{
	struct pnvme_label_extent *x = &l->dirty[index];
	u64 from = extent_start(x), to = extent_end(x);

	if (start <= from && end >= to) {
		dirty_remove(l, index);
	} else if (start <= from) {
		extent_set(x, end, to);
	} else if (end >= to) {
		extent_set(x, from, start);
	} else {
		if (dirty_count(l) == PNVME_DIRTY_MAX)
			return false;
		extent_set(x, from, start);
		dirty_insert(l, index + 1, end, to);
	}
	return true;
}

/* The last entry that overlaps [start, end), or -1. */
static int dirty_last(const struct pnvme_label *l, u64 start, u64 end)
{
	int i = dirty_count(l);

	while (--i >= 0) {
		if (extent_start(&l->dirty[i]) < end && extent_end(&l->dirty[i]) > start)
			break;
	}
	return i;
}

void pnvme_dirty_clear(struct pnvme_label *l, u64 start, u64 bytes)
{
	u64 end = end_saturated(start, bytes) & ~(PNVME_ALIGN - 1);
	int i;

	if (start > U64_MAX - PNVME_ALIGN)
		return;
	start = (start + PNVME_ALIGN - 1) & ~(PNVME_ALIGN - 1);
	if (start >= end)
		return;
	while ((i = dirty_last(l, start, end)) >= 0) {
		if (!dirty_cut(l, i, start, end))
			dirty_make_room(l);
	}
}

bool pnvme_dirty_next(const struct pnvme_label *l, u64 start, u64 bytes, u64 *dstart, u64 *dbytes)
{
	u64 end = end_saturated(start, bytes), from, to;
	unsigned int i, n = dirty_count(l);

	for (i = 0; i < n; i++) {
		from = extent_start(&l->dirty[i]);
		to = extent_end(&l->dirty[i]);
		if (from < start)
			from = start;
		if (to > end)
			to = end;
		if (from < to) {
			*dstart = from;
			*dbytes = to - from;
			return true;
		}
	}
	return false;
}

/* Editing namespaces */

static int ns_check_index(const struct pnvme_label *l, unsigned int index, const char **why)
{
	if (index >= PNVME_NS_MAX || !pnvme_table_used(&l->ns[index]))
		return refuse(why, -ENOENT, "there is no such namespace");
	return 0;
}

static int ns_free_entry(const struct pnvme_label *l)
{
	int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (!pnvme_table_used(&l->ns[i]))
			return i;
	}
	return -ENOSPC;
}

static bool nsid_taken(const struct pnvme_label *l, u32 nsid)
{
	unsigned int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (pnvme_table_used(&l->ns[i]) && le32_to_cpu(l->ns[i].nsid) == nsid)
			return true;
	}
	return false;
}

/* There are as many as entries, so with a free entry one is free. */
static u32 nsid_lowest_free(const struct pnvme_label *l)
{
	u32 nsid = 1;

	while (nsid < PNVME_NS_MAX && nsid_taken(l, nsid))
		nsid++;
	return nsid;
}

static void ns_fill(struct pnvme_label_ns *ns, const struct pnvme_ns_params *p, u32 nsid)
{
	memset(ns, 0, sizeof(*ns));
	copy_id(ns->uuid, p->uuid);
	copy_id(ns->nguid, p->nguid);
	ns->start = cpu_to_le64(p->start);
	ns->bytes = cpu_to_le64(p->bytes);
	ns->nsid = cpu_to_le32(nsid);
	ns->flags = cpu_to_le32(p->flags);
	ns->policy = p->policy;
	copy_text(ns->name, sizeof(ns->name), p->name);
}

/* May @ns, sound by itself, join the others? */
static int ns_check_join(const struct pnvme_label *l, const struct pnvme_label_ns *ns,
			 const char **why)
{
	const char *clash;
	unsigned int i;

	for (i = 0; i < PNVME_NS_MAX; i++) {
		if (!pnvme_table_used(&l->ns[i]))
			continue;
		clash = ns_clash(ns, &l->ns[i]);
		if (clash)
			return refuse(why, -EEXIST, clash);
	}
	if (range_live(l, ns_start(ns), ns_end(ns)))
		return refuse(why, -ENOSPC, "range is not free");
	return 0;
}

int pnvme_table_add(struct pnvme_label *l, const struct pnvme_ns_params *p, const char **why)
{
	int ret, index = ns_free_entry(l);
	struct pnvme_label_ns ns;
	const char *flaw;

	if (index < 0)
		return refuse(why, -ENOSPC, "namespace table is full");
	ns_fill(&ns, p, p->nsid ? p->nsid : nsid_lowest_free(l));
	flaw = pnvme_table_used(&ns) ? ns_flaw(l, &ns) : "namespace UUID is zero";
	if (flaw)
		return refuse(why, -EINVAL, flaw);
	ret = ns_check_join(l, &ns, why);
	if (ret)
		return ret;
	pnvme_dirty_clear(l, p->start, p->bytes);
	l->ns[index] = ns;
	return index;
}

int pnvme_table_del(struct pnvme_label *l, unsigned int index, const char **why)
{
	int ret = ns_check_index(l, index, why);
	u64 start, bytes;

	if (ret)
		return ret;
	start = le64_to_cpu(l->ns[index].start);
	bytes = le64_to_cpu(l->ns[index].bytes);
	memset(&l->ns[index], 0, sizeof(l->ns[index]));
	pnvme_dirty_add(l, start, bytes);
	return 0;
}

static int ns_check_grow(const struct pnvme_label *l, const struct pnvme_label_ns *ns, u64 bytes,
			 const char **why)
{
	u64 end;

	if (bytes > data_end(l) - ns_start(ns))
		return refuse(why, -ENOSPC, "not enough space behind the namespace");
	end = ns_start(ns) + bytes;
	if (range_live(l, ns_end(ns), end))
		return refuse(why, -ENOSPC, "another namespace is in the way");
	return 0;
}

int pnvme_table_resize(struct pnvme_label *l, unsigned int index, u64 bytes, const char **why)
{
	const char *flaw = size_flaw(bytes);
	int ret = ns_check_index(l, index, why);
	struct pnvme_label_ns *ns;
	u64 old_end;

	if (ret)
		return ret;
	if (flaw)
		return refuse(why, -EINVAL, flaw);
	ns = &l->ns[index];
	old_end = ns_end(ns);
	if (bytes > le64_to_cpu(ns->bytes)) {
		ret = ns_check_grow(l, ns, bytes, why);
		if (ret)
			return ret;
		pnvme_dirty_clear(l, old_end, bytes - le64_to_cpu(ns->bytes));
	}
	ns->bytes = cpu_to_le64(bytes);
	if (ns_end(ns) < old_end)
		pnvme_dirty_add(l, ns_end(ns), old_end - ns_end(ns));
	return 0;
}

int pnvme_table_rename(struct pnvme_label *l, unsigned int index, const char *name,
		       const char **why)
{
	int other, ret = ns_check_index(l, index, why);
	struct pnvme_label_ns *ns;

	if (ret)
		return ret;
	if (!pnvme_name_ok(name, PNVME_NAME_BYTES))
		return refuse(why, -EINVAL, "namespace name is not valid");
	other = pnvme_table_by_name(l, name);
	if (other == (int)index)
		return 0;
	if (other >= 0)
		return refuse(why, -EEXIST, "namespace name is taken");
	ns = &l->ns[index];
	memset(ns->name, 0, sizeof(ns->name));
	copy_text(ns->name, sizeof(ns->name), name);
	return 0;
}
