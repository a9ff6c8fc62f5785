/* SPDX-License-Identifier: (GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause */
/*
 * The on-disk format of pnvme, version 1, shared by module, tools and tests.
 *
 * A drive carries four equal copies ("slots") of one label. Two lie in the
 * first MiB, two in the last; see pnvme_label_slot(). Everything is
 * little-endian and of fixed size. Documentation/format.rst describes the same
 * for readers who write in another language.
 *
 *   0            GPT (the fence, written by the tool)
 *   64 KiB       slot 0
 *   512 KiB      slot 1
 *   1 MiB        data: namespaces, each on 1 MiB boundaries
 *   E - 960 KiB  slot 2       E: capacity rounded down to 4 KiB
 *   E - 512 KiB  slot 3
 *   end          backup GPT
 */
#ifndef PNVME_LABEL_H
#define PNVME_LABEL_H

#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/types.h>
#else
#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>
#endif

#define PNVME_LABEL_MAGIC	"pNVMElbl"	/* 8 bytes, no NUL on disk */
#define PNVME_LABEL_VERSION	1
/*
 * What erasing leaves at the start of PNVME_ERASED_SLOT, all else zero, if namespaces
 * may have left data: adopting the drive again treats all of it as dirty.
 */
#define PNVME_ERASED_MAGIC	"pNVMErsd"
#define PNVME_ERASED_SLOT	1
#define PNVME_LABEL_BYTES	32768
#define PNVME_LABEL_SLOTS	4
#define PNVME_NS_MAX		64
#define PNVME_ROSTER_MAX	64
/*
 * More than the gaps between PNVME_NS_MAX namespaces, so that a full table has
 * two ranges in one gap, which can be merged without covering a namespace.
 */
#define PNVME_DIRTY_MAX		128
#define PNVME_GRAVE_MAX		64

#define PNVME_ALIGN		(1024ULL << 10)	/* namespaces start and end on it */
#define PNVME_DATA_START	PNVME_ALIGN
#define PNVME_SLOT0		(64ULL << 10)
#define PNVME_SLOT1		(512ULL << 10)
#define PNVME_MIN_CAPACITY	(16ULL << 20)	/* smaller drives are refused */

/* Bytes in fixed strings, the terminating NUL included. */
#define PNVME_NAME_BYTES	64
#define PNVME_SERIAL_BYTES	32
#define PNVME_MODEL_BYTES	64
#define PNVME_SLOTNAME_BYTES	32

/* GPT partition type of the fence, in its canonical text form. */
#define PNVME_GPT_TYPE		"E960D2C6-FACF-47DC-8528-3B07C9F92C4C"

#define PNVME_LBA_MIN		512U
#define PNVME_LBA_MAX		4096U
#define PNVME_INSTANCE_MAX	0xfffffU

/* Largest values of the enums in include/uapi/linux/pnvme.h that are stored. */
#define PNVME_POLICY_LAST	2
#define PNVME_ON_RESUME_LAST	2
#define PNVME_HOLD_PROOF_LAST	1

/* Bits of feature_incompat this version understands: none yet. */
#define PNVME_INCOMPAT_KNOWN	0ULL

/**
 * enum pnvme_hwid_type - what kind of hardware ID a label names
 * @PNVME_HWID_NONE: the drive reports none; model, serial and size stand in (proof weak)
 * @PNVME_HWID_EUI64: IEEE EUI-64, first 8 bytes of the field
 * @PNVME_HWID_NGUID: namespace globally unique identifier, 16 bytes
 */
enum pnvme_hwid_type {
	PNVME_HWID_NONE		= 0,
	PNVME_HWID_EUI64	= 1,
	PNVME_HWID_NGUID	= 2,
};

/* Values of pnvme_label.hold_timeout, seconds; 0 never holds. */
#define PNVME_HOLD_FOREVER	0xffffffffU
#define PNVME_HOLD_DEFAULT	60U
#define PNVME_HOLD_MAX		(7U * 24 * 3600)	/* longest finite timeout */

/* Values of pnvme_label.latency: 0 off, 1 on, N one I/O in N. */
#define PNVME_LATENCY_MAX	65536U

/* Bits of pnvme_label_ns.flags */
#define PNVME_NS_READ_ONLY	0x1U
#define PNVME_NS_FLAGS_KNOWN	PNVME_NS_READ_ONLY

/* Sampled blocks of a seal; see Documentation/seal.rst. */
#define PNVME_SEAL_BLOCK	4096ULL
#define PNVME_SEAL_SAMPLES_MAX	1048576U

/**
 * enum pnvme_label_seal_state - pnvme_label_seal.state
 * @PNVME_LABEL_SEAL_NONE: the namespace was never sealed; all of the seal is zero
 * @PNVME_LABEL_SEAL_WHOLE: nothing was written since it was sealed
 * @PNVME_LABEL_SEAL_BROKEN: something was
 */
enum pnvme_label_seal_state {
	PNVME_LABEL_SEAL_NONE	= 0,
	PNVME_LABEL_SEAL_WHOLE	= 1,
	PNVME_LABEL_SEAL_BROKEN	= 2,
};

/**
 * struct pnvme_label_seal - what the data of a namespace was when it was sealed
 * @state: enum pnvme_label_seal_state
 * @reserved0: zero
 * @samples: blocks that were sampled, 1..PNVME_SEAL_SAMPLES_MAX; none of them was zero
 * @looked: blocks that were looked at to find these, in the order that @seed gives
 * @sealed_at: CLOCK_REALTIME, ns
 * @broken_at: likewise; 0 unless broken
 * @seed: random, of the order
 * @digest: SHA-256 over number and SHA-256 of each sampled block, in that order
 * @reserved1: zero
 */
struct pnvme_label_seal {
	__u8	state;
	__u8	reserved0[3];
	__le32	samples;
	__le64	looked;
	__le64	sealed_at;
	__le64	broken_at;
	__u8	seed[16];
	__u8	digest[32];
	__u8	reserved1[48];
};

/**
 * struct pnvme_label_ns - one namespace; unused if @uuid is all zero
 * @uuid: identity of the namespace, never reused
 * @nguid: what Identify and sysfs report as NGUID
 * @start: first byte on the drive, a multiple of PNVME_ALIGN
 * @bytes: size, a non-zero multiple of PNVME_ALIGN
 * @nsid: 1..PNVME_NS_MAX, unique on the drive
 * @flags: PNVME_NS_*
 * @policy: enum pnvme_policy (uapi): passthrough commands that are allowed
 * @reserved0: zero
 * @name: NUL-terminated, padded with zeros, [A-Za-z0-9][A-Za-z0-9._-]{0,62}
 * @seal: what proves that its data survived
 */
struct pnvme_label_ns {
	__u8	uuid[16];
	__u8	nguid[16];
	__le64	start;
	__le64	bytes;
	__le32	nsid;
	__le32	flags;
	__u8	policy;
	__u8	reserved0[7];
	char	name[PNVME_NAME_BYTES];
	struct pnvme_label_seal seal;
};

/**
 * struct pnvme_label_peer - one drive of the owner; unused if @uuid is all zero
 * @uuid: drive UUID
 * @hwid: its hardware ID
 * @hwid_type: enum pnvme_hwid_type
 * @reserved0: zero
 * @slot: where it was seen last (a PCI address), NUL-terminated
 * @reserved: zero
 */
struct pnvme_label_peer {
	__u8	uuid[16];
	__u8	hwid[16];
	__u8	hwid_type;
	__u8	reserved0[7];
	char	slot[PNVME_SLOTNAME_BYTES];
	__u8	reserved[56];
};

/**
 * struct pnvme_label_extent - a range that held a namespace and was not zeroed since
 * @start: first byte, a multiple of PNVME_ALIGN
 * @bytes: a multiple of PNVME_ALIGN; an unused entry is all zero
 */
struct pnvme_label_extent {
	__le64	start;
	__le64	bytes;
};

/**
 * struct pnvme_label_grave - where a deleted namespace lay, as long as all of it still does
 * @uuid: of the namespace
 * @start: first byte on the drive
 * @bytes: its size; an unused entry is all zero
 */
struct pnvme_label_grave {
	__u8	uuid[16];
	__le64	start;
	__le64	bytes;
};

/**
 * struct pnvme_label - one copy of the label
 * @magic: PNVME_LABEL_MAGIC
 * @version: PNVME_LABEL_VERSION
 * @size: PNVME_LABEL_BYTES
 * @crc: CRC32C (Castagnoli, initial value and final xor ~0) over @size bytes with @crc zero
 * @reserved0: zero
 * @sequence: of this content; the highest valid one on the drive wins; never 0
 * @feature_compat: a reader that does not know a bit may attach
 * @feature_incompat: a reader that does not know a bit must not attach
 * @drive_uuid: identity of the adopted drive; never zero
 * @epoch: number of attaches that wrote the label, adopt being 1
 * @nonce: random, new with each epoch
 * @owner: host ID; all zero: released, any host may attach
 * @hwid: hardware ID, zero-padded
 * @hwid_type: enum pnvme_hwid_type
 * @pi_type: protection information type of the LBA format, 0..3
 * @metadata_bytes: metadata per LBA, at least 8 with protection information
 * @reserved1: zero
 * @serial: NVMe Identify Controller SN without trailing blanks, NUL-terminated
 * @model: NVMe Identify Controller MN without trailing blanks, NUL-terminated
 * @instance: N of /dev/pnvmeN, used again when it is free; 0..PNVME_INSTANCE_MAX
 * @lba_size: bytes, a power of two, PNVME_LBA_MIN..PNVME_LBA_MAX, of the lower drive
 * @capacity: of the lower drive, bytes
 * @data_start: PNVME_DATA_START
 * @data_end: pnvme_data_end(@capacity)
 * @hold_timeout: seconds, 0 never, PNVME_HOLD_FOREVER
 * @latency: 0 off, 1 on, N: one in N is timed
 * @on_resume: enum pnvme_on_resume (uapi)
 * @hold_proof: enum pnvme_hold_proof (uapi)
 * @reserved2: zero
 * @roster_generation: grows with each change of the roster on its host, so that the newest of
 *	several can be told; 0: there is none
 * @reserved3: zero
 * @dirty: ranges to zero before a new namespace may show them, sorted by start, disjoint, in no
 *	namespace, used entries first
 * @roster: drives of the owner
 * @ns: the namespace table; entries may be used in any order
 * @grave: deleted namespaces of whose space nothing was given away or zeroed since, oldest
 *	first, disjoint, within dirty ranges, used entries first
 * @reserved4: zero
 */
struct pnvme_label {
	char	magic[8];
	__le32	version;
	__le32	size;
	__le32	crc;
	__le32	reserved0;
	__le64	sequence;
	__le64	feature_compat;
	__le64	feature_incompat;
	__u8	drive_uuid[16];
	__le64	epoch;
	__le64	nonce;
	__u8	owner[16];
	__u8	hwid[16];
	__u8	hwid_type;
	__u8	pi_type;
	__le16	metadata_bytes;
	__u8	reserved1[4];
	char	serial[PNVME_SERIAL_BYTES];
	char	model[PNVME_MODEL_BYTES];
	__le32	instance;
	__le32	lba_size;
	__le64	capacity;
	__le64	data_start;
	__le64	data_end;
	__le32	hold_timeout;
	__le32	latency;
	__u8	on_resume;
	__u8	hold_proof;
	__u8	reserved2[6];
	__le64	roster_generation;
	__u8	reserved3[1776];
	struct pnvme_label_extent dirty[PNVME_DIRTY_MAX];
	struct pnvme_label_peer roster[PNVME_ROSTER_MAX];
	struct pnvme_label_ns ns[PNVME_NS_MAX];
	struct pnvme_label_grave grave[PNVME_GRAVE_MAX];
	__u8	reserved4[2048];
};

static_assert(sizeof(struct pnvme_label_seal) == 128, "seal");
static_assert(sizeof(struct pnvme_label_ns) == 256, "namespace entry");
static_assert(sizeof(struct pnvme_label_peer) == 128, "roster entry");
static_assert(offsetof(struct pnvme_label, roster_generation) == 264, "roster generation");
static_assert(offsetof(struct pnvme_label, dirty) == 2048, "dirty table");
static_assert(offsetof(struct pnvme_label, roster) == 4096, "roster");
static_assert(offsetof(struct pnvme_label, ns) == 12288, "namespace table");
static_assert(offsetof(struct pnvme_label, grave) == 28672, "grave table");
static_assert(sizeof(struct pnvme_label) == PNVME_LABEL_BYTES, "label");

/*
 * kmod/label.c, kmod/table.c: pure functions on a label in memory. They take no lock,
 * allocate nothing and call nothing but memory and CRC functions. Where a
 * function takes @why it points that at a constant phrase ("namespaces
 * overlap") on failure, fit for the middle of a sentence.
 */

/* Results of checking one copy. Negative errno values, so that both sides can name them. */
#define PNVME_LABEL_NONE	(-ENODATA)		/* no magic: not a label */
#define PNVME_LABEL_CORRUPT	(-EBADMSG)		/* magic, but CRC or size is wrong */
#define PNVME_LABEL_UNKNOWN	(-EPROTONOSUPPORT)	/* another version or incompat feature */
#define PNVME_LABEL_INVALID	(-EUCLEAN)		/* CRC right, a field is not */

struct pnvme_label_params {
	const __u8	*drive_uuid;
	const __u8	*owner;
	const __u8	*hwid;
	__u8		hwid_type;
	__u8		pi_type;
	__u16		metadata_bytes;
	const char	*serial;
	const char	*model;
	__u32		instance;
	__u32		lba_size;
	__u64		capacity;
	__u64		nonce;
	bool		dirty;		/* the whole data range may hold somebody's data */
};

/* Where things are. capacity in bytes, at least PNVME_MIN_CAPACITY. */
__u64 pnvme_label_slot(__u64 capacity, unsigned int slot);
__u64 pnvme_data_end(__u64 capacity);

/*
 * Whole labels. init makes the first content (sequence and epoch 1, default
 * settings), -EINVAL on a bad parameter; owner, hwid, serial and model may be
 * NULL. Edits below expect a label that passed the check and leave one that
 * does (once sealed); on error they leave it as it was.
 */
int pnvme_label_init(struct pnvme_label *l, const struct pnvme_label_params *p, const char **why);
void pnvme_label_seal(struct pnvme_label *l);	/* computes the CRC: last step before writing */
int pnvme_label_check(const struct pnvme_label *l, const char **why);
/* Is this label of a drive of that geometry? -ERANGE if not. */
int pnvme_label_fits(const struct pnvme_label *l, __u64 capacity, __u32 lba_size, const char **why);
/*
 * The copy to use of up to four: copies[i] may be NULL (unreadable). *repair is
 * set if not all four are equal. Returns the index, or the most telling error
 * of the copies (UNKNOWN before INVALID before CORRUPT before -EIO, which stands
 * for an unreadable copy and may hide a label, before NONE); -EUCLEAN
 * also if two valid copies of the same, highest sequence differ. A copy with an
 * unknown version or feature beside valid ones is an error too: a newer module
 * may have written it.
 */
int pnvme_label_pick(const struct pnvme_label *const copies[PNVME_LABEL_SLOTS], bool *repair,
		     const char **why);
/*
 * Next content: sequence + 1; caller seals. Returns -EOVERFLOW at the end of
 * the sequence space (only a hostile label gets there).
 */
int pnvme_label_next(struct pnvme_label *l);

/*
 * The roster. set takes @n peers in any order: 0, or 1 if the label has just these of
 * just that generation already and is as it was, or -E2BIG, -EINVAL, or -EALREADY if it has a
 * newer one, with *why.
 */
int pnvme_roster_set(struct pnvme_label *l, const struct pnvme_label_peer *peers, unsigned int n,
		     __u64 generation, const char **why);
/* It is the owner's: a new owner, or none, has another. */
void pnvme_roster_clear(struct pnvme_label *l);

/* Namespaces. Indexes are into ns[]. All return an index or 0, or a negative errno with *why. */
bool pnvme_table_used(const struct pnvme_label_ns *ns);
/* Is there a namespace, or was there one since the drive was adopted? */
bool pnvme_table_touched(const struct pnvme_label *l);
bool pnvme_name_ok(const char *name, size_t max);	/* max: bytes that may be read */
int pnvme_table_by_name(const struct pnvme_label *l, const char *name);	/* -ENOENT */
int pnvme_table_by_uuid(const struct pnvme_label *l, const __u8 *uuid);	/* -ENOENT */

struct pnvme_ns_params {
	const char	*name;
	const __u8	*uuid;
	const __u8	*nguid;
	__u64		start;		/* where, as pnvme_space_find() said */
	__u64		bytes;
	__u32		flags;
	__u8		policy;
	__u32		nsid;		/* 0: the lowest free */
};

/*
 * -EEXIST name, UUID, NGUID or nsid taken, -ENOSPC table full or range not free,
 * -EINVAL bad field. The range is not dirty any more: a caller asks the label as
 * it was (pnvme_dirty_next()) and zeroes before it writes this one, or keeps the data.
 */
int pnvme_table_add(struct pnvme_label *l, const struct pnvme_ns_params *p, const char **why);
/*
 * Adds a namespace again that was deleted: -ESTALE unless a grave has just its UUID, start
 * and size, which proves that what it shows is its own. Where @p->nsid is taken it gets
 * another. Else as pnvme_table_add().
 */
int pnvme_table_undelete(struct pnvme_label *l, const struct pnvme_ns_params *p, const char **why);
/* Removes the entry, marks its range dirty, leaves a grave. */
int pnvme_table_del(struct pnvme_label *l, unsigned int index, const char **why);
/*
 * Grows into the free space behind (-ENOSPC if taken; not dirty any more, as for
 * pnvme_table_add()) or shrinks (the tail becomes dirty).
 */
int pnvme_table_resize(struct pnvme_label *l, unsigned int index, __u64 bytes, const char **why);
int pnvme_table_rename(struct pnvme_label *l, unsigned int index, const char *name,
		       const char **why);

/*
 * Seals. -EINVAL if the seal would not pass the check. Breaking one that is not whole
 * changes nothing, and is false.
 */
int pnvme_table_seal(struct pnvme_label *l, unsigned int index,
		     const struct pnvme_label_seal *seal, const char **why);
bool pnvme_table_break(struct pnvme_label *l, unsigned int index, __u64 now);

/* Space. */
struct pnvme_space {
	__u64	size;		/* of the data range */
	__u64	free;		/* bytes in no namespace */
	__u64	largest;	/* the largest gap */
	__u32	entries_free;	/* in the namespace table */
};

void pnvme_space_get(const struct pnvme_label *l, struct pnvme_space *s);
/*
 * Lowest start of the smallest gap that holds @bytes (best fit). -ENOSPC with
 * *why telling "not enough space", "space is fragmented" and "namespace table
 * is full" apart.
 */
int pnvme_space_find(const struct pnvme_label *l, __u64 bytes, __u64 *start, const char **why);

/*
 * Dirty ranges: free space that must be zeroed before it may be shown. They
 * never cover a namespace: adding leaves namespaces out. When the table is full
 * the two nearest ranges with no namespace between are merged, so it may say
 * more than was added. Adding rounds to PNVME_ALIGN outwards, clearing inwards.
 */
void pnvme_dirty_add(struct pnvme_label *l, __u64 start, __u64 bytes);
void pnvme_dirty_clear(struct pnvme_label *l, __u64 start, __u64 bytes);
/* First dirty range within [start, start + bytes): clipped to it. false: none. */
bool pnvme_dirty_next(const struct pnvme_label *l, __u64 start, __u64 bytes,
		      __u64 *dstart, __u64 *dbytes);

/*
 * Graves. Space that is not dirty any more has none; who begins to zero removes them before.
 * A full table loses its oldest. Returns whether there were any.
 */
bool pnvme_grave_clear(struct pnvme_label *l, __u64 start, __u64 bytes);

#endif /* PNVME_LABEL_H */
