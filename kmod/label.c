// SPDX-License-Identifier: GPL-2.0
/*
 * The on-disk label as a whole: making, checking and picking copies in memory.
 * Pure: the tools and the unit tests compile this file in userspace.
 *
 * Functions named *_flaw return what is wrong as a constant phrase, or NULL.
 */
#ifdef __KERNEL__
#include <linux/crc32c.h>
#endif

#include "label_priv.h"

#define CAPACITY_MAX	(U64_MAX >> 1)
#define CAPACITY_GRAIN	4096ULL		/* the end label lies on this */
#define SLOT2_FROM_END	(960ULL << 10)
#define SLOT3_FROM_END	(512ULL << 10)
#define END_RESERVED	PNVME_ALIGN	/* end labels and backup GPT */
#define PI_TYPE_LAST	3
#define PI_TUPLE_BYTES	8

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
	    !reserved_ok(l, l->reserved3, sizeof(l->reserved3)) ||
	    !reserved_ok(l, l->reserved4, sizeof(l->reserved4)))
		return "reserved bytes are not zero";
	return NULL;
}

/* A broken one may be of a time when the namespace had another size. */
const char *pnvme_seal_flaw(const struct pnvme_label *l, const struct pnvme_label_seal *seal,
			    u64 bytes)
{
	u64 looked = le64_to_cpu(seal->looked);
	u32 samples = le32_to_cpu(seal->samples);

	if (seal->state == PNVME_LABEL_SEAL_NONE)
		return reserved_ok(l, seal, sizeof(*seal)) ? NULL : "unused seal is not zero";
	if (seal->state > PNVME_LABEL_SEAL_BROKEN)
		return "seal state is not known";
	if (!samples || samples > PNVME_SEAL_SAMPLES_MAX || looked < samples)
		return "number of samples of a seal is out of range";
	if (seal->state == PNVME_LABEL_SEAL_WHOLE && looked > bytes / PNVME_SEAL_BLOCK)
		return "seal looked at more blocks than there are";
	if (seal->state == PNVME_LABEL_SEAL_WHOLE && seal->broken_at)
		return "seal is whole and has a time of breaking";
	if (!reserved_ok(l, seal->reserved0, sizeof(seal->reserved0)) ||
	    !reserved_ok(l, seal->reserved1, sizeof(seal->reserved1)))
		return "reserved bytes of a seal are not zero";
	return NULL;
}

/* One used entry by itself. */
const char *pnvme_ns_flaw(const struct pnvme_label *l, const struct pnvme_label_ns *ns)
{
	u32 nsid = le32_to_cpu(ns->nsid);
	const char *flaw;

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
	if (!reserved_ok(l, ns->reserved0, sizeof(ns->reserved0)))
		return "reserved bytes of a namespace are not zero";
	flaw = pnvme_seal_flaw(l, &ns->seal, le64_to_cpu(ns->bytes));
	if (flaw)
		return flaw;
	return range_flaw(l, le64_to_cpu(ns->start), le64_to_cpu(ns->bytes));
}

/* What two used entries must not share. */
const char *pnvme_ns_clash(const struct pnvme_label_ns *a, const struct pnvme_label_ns *b)
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

/* Entry @index by itself and against those before it. */
static const char *ns_entry_flaw(const struct pnvme_label *l, unsigned int index)
{
	const struct pnvme_label_ns *ns = &l->ns[index], *other;
	const char *flaw;

	if (!pnvme_table_used(ns))
		return all_zero(ns, sizeof(*ns)) ? NULL : "unused namespace entry is not zero";
	flaw = pnvme_ns_flaw(l, ns);
	if (flaw)
		return flaw;
	for (other = l->ns; other < ns; other++) {
		if (!pnvme_table_used(other))
			continue;
		flaw = pnvme_ns_clash(ns, other);
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

/* Entry @index of a roster by itself and against those before it. */
static const char *peer_flaw(const struct pnvme_label *l, const struct pnvme_label_peer *roster,
			     unsigned int index)
{
	const struct pnvme_label_peer *peer = &roster[index], *other;

	if (all_zero(peer->uuid, sizeof(peer->uuid)))
		return all_zero(peer, sizeof(*peer)) ? NULL : "unused roster entry is not zero";
	if (!text_ok(peer->slot, sizeof(peer->slot)))
		return "roster slot is not clean text";
	if (!reserved_ok(l, peer->reserved0, sizeof(peer->reserved0)) ||
	    !reserved_ok(l, peer->reserved, sizeof(peer->reserved)))
		return "reserved bytes of the roster are not zero";
	for (other = roster; other < peer; other++) {
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
		flaw = peer_flaw(l, l->roster, i);
	return flaw;
}

unsigned int pnvme_dirty_count(const struct pnvme_label *l)
{
	unsigned int n = 0;

	while (n < PNVME_DIRTY_MAX && l->dirty[n].bytes)
		n++;
	return n;
}

/* Is there a namespace in [start, end)? */
bool pnvme_range_live(const struct pnvme_label *l, u64 start, u64 end)
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
	unsigned int i, n = pnvme_dirty_count(l);
	const struct pnvme_label_extent *x;

	if (!all_zero(&l->dirty[n], (PNVME_DIRTY_MAX - n) * sizeof(l->dirty[0])))
		return "unused dirty range is not zero";
	for (i = 0; i < n; i++) {
		x = &l->dirty[i];
		if (range_flaw(l, extent_start(x), le64_to_cpu(x->bytes)))
			return "dirty range is not aligned or lies outside the data range";
		if (i && extent_start(x) < extent_end(x - 1))
			return "dirty ranges overlap or are not sorted";
		if (pnvme_range_live(l, extent_start(x), extent_end(x)))
			return "dirty range covers a namespace";
	}
	return NULL;
}

unsigned int pnvme_grave_count(const struct pnvme_label *l)
{
	unsigned int n = 0;

	while (n < PNVME_GRAVE_MAX && l->grave[n].bytes)
		n++;
	return n;
}

/* Is all of [start, end) dirty? Ranges may touch. */
static bool all_dirty(const struct pnvme_label *l, u64 start, u64 end)
{
	u64 from, bytes;

	while (start < end) {
		if (!pnvme_dirty_next(l, start, end - start, &from, &bytes) || from != start)
			return false;
		start += bytes;
	}
	return true;
}

static const char *grave_flaw(const struct pnvme_label *l, unsigned int index)
{
	const struct pnvme_label_grave *g = &l->grave[index], *other;

	if (all_zero(g->uuid, sizeof(g->uuid)))
		return "grave has no UUID";
	if (range_flaw(l, grave_start(g), le64_to_cpu(g->bytes)))
		return "grave is not aligned or lies outside the data range";
	if (!all_dirty(l, grave_start(g), grave_end(g)))
		return "grave lies in space that is not dirty";
	if (pnvme_table_by_uuid(l, g->uuid) >= 0)
		return "grave of a namespace that is there";
	for (other = l->grave; other < g; other++) {
		if (grave_start(g) < grave_end(other) && grave_start(other) < grave_end(g))
			return "graves overlap";
		if (!memcmp(g->uuid, other->uuid, sizeof(g->uuid)))
			return "namespace has two graves";
	}
	return NULL;
}

static const char *graves_flaw(const struct pnvme_label *l)
{
	unsigned int i, n = pnvme_grave_count(l);
	const char *flaw = NULL;

	if (!all_zero(&l->grave[n], (PNVME_GRAVE_MAX - n) * sizeof(l->grave[0])))
		return "unused grave is not zero";
	for (i = 0; i < n && !flaw; i++)
		flaw = grave_flaw(l, i);
	return flaw;
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
		flaw = graves_flaw(l);
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

/* The roster */

static bool has_peer(const struct pnvme_label *l, const struct pnvme_label_peer *peer)
{
	unsigned int i;

	for (i = 0; i < PNVME_ROSTER_MAX; i++) {
		if (!memcmp(&l->roster[i], peer, sizeof(*peer)))
			return true;
	}
	return false;
}

/* No two of @peers are equal, so that as many that are there are all. */
static bool same_roster(const struct pnvme_label *l, const struct pnvme_label_peer *peers,
			unsigned int n)
{
	unsigned int i, used = 0;

	for (i = 0; i < PNVME_ROSTER_MAX; i++)
		used += !all_zero(l->roster[i].uuid, sizeof(l->roster[i].uuid));
	for (i = 0; i < n; i++) {
		if (!has_peer(l, &peers[i]))
			return false;
	}
	return used == n;
}

int pnvme_roster_set(struct pnvme_label *l, const struct pnvme_label_peer *peers, unsigned int n,
		     u64 generation, const char **why)
{
	const char *flaw = NULL;
	unsigned int i;

	if (n > PNVME_ROSTER_MAX)
		return refuse(why, -E2BIG, "a roster has room for 64 drives");
	for (i = 0; i < n && !flaw; i++) {
		flaw = peer_flaw(l, peers, i);
		if (all_zero(peers[i].uuid, sizeof(peers[i].uuid)))
			flaw = "drive without a UUID in the roster";
	}
	if (flaw)
		return refuse(why, -EINVAL, flaw);
	/* 0 is what a label has that has none; and with the owner's change it begins anew */
	if (n && !generation)
		return refuse(why, -EINVAL, "a roster has a generation above 0");
	if (generation < le64_to_cpu(l->roster_generation))
		return refuse(why, -EALREADY, "it has a newer one");
	if (le64_to_cpu(l->roster_generation) == generation && same_roster(l, peers, n))
		return 1;
	pnvme_roster_clear(l);
	memcpy(l->roster, peers, n * sizeof(*peers));
	l->roster_generation = cpu_to_le64(generation);
	return 0;
}

void pnvme_roster_clear(struct pnvme_label *l)
{
	memset(l->roster, 0, sizeof(l->roster));
	l->roster_generation = 0;
}
