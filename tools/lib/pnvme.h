/* SPDX-License-Identifier: GPL-2.0 */
/*
 * libpnvme: persistent namespaces on local NVMe drives.
 *
 * A handle (struct pnvme) is opened with pnvme_new() and may be used by several
 * threads: its functions take turns, and pnvme_error() and its kin speak of the
 * last call made on it, whichever thread made it. Use one handle per thread where
 * that matters. What they return is good until the same thread asks again.
 * Nothing in here prints or exits.
 *
 * Functions return 0 or a negative errno value. After a failure pnvme_error()
 * is a sentence that names what is wrong, pnvme_hint() the next command to run
 * (or an empty string), pnvme_code() a word for machines ("EBUSY") and
 * pnvme_object() what it is about (a device, a name, a UUID).
 *
 * Structures are allocated by the library and freed with the matching _free();
 * members are only ever added at their end. Those that the caller provides
 * (pnvme_info, pnvme_event, pnvme_settings) keep the members that they have.
 *
 * Where an argument is called "drive" it is what a person would type: a UUID or
 * a unique prefix of at least 4 digits, an instance ("pnvme0"), the lower
 * device ("nvme3n1", "/dev/nvme3n1"), or serial:S, nguid:N, pci:ADDRESS,
 * slot:NAME. A "ns" is a name, a UUID (or "uuid:UUID"), or a device path.
 *
 * PNVME_STATE_DIR and PNVME_CONFIG_DIR in the environment replace
 * /var/lib/pnvme and /etc/pnvme (not in a set-user-ID program).
 */
#ifndef LIBPNVME_H
#define LIBPNVME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/pnvme.h>

#ifdef __cplusplus
extern "C" {
#endif

struct pnvme;

/* Returned when the kernel module is not loaded; pnvme_code() is "ENOMODULE". */
#define PNVME_ENOMODULE		65	/* ENOPKG */

/* Flags of operations that change something; each takes those that its comment names. */
#define PNVME_CHECK		(1U << 0)	/* check all that can be checked, change nothing */
#define PNVME_ANY		(1U << 1)	/* allow a block device that is not NVMe */
#define PNVME_READ_ONLY		(1U << 2)
#define PNVME_RELEASE		(1U << 3)	/* clear the owner */
#define PNVME_DISCARD		(1U << 4)	/* discard the data too */
#define PNVME_KEEP_DATA		(1U << 5)	/* do not zero what the range held before */
#define PNVME_FORCE		(1U << 6)	/* allow to shrink */
#define PNVME_IDENTITY		(1U << 7)	/* what the hardware says of itself now is right */

/**
 * enum pnvme_status - what a drive is doing
 * @PNVME_STATUS_LIVE: attached, I/O goes to it
 * @PNVME_STATUS_HELD: attached, away; I/O waits
 * @PNVME_STATUS_FAILED: attached, I/O fails
 * @PNVME_STATUS_DETACHED: adopted and here, not attached
 * @PNVME_STATUS_MISSING: in the record, not here
 * @PNVME_STATUS_UNADOPTED: here, without a label
 */
enum pnvme_status {
	PNVME_STATUS_LIVE,
	PNVME_STATUS_HELD,
	PNVME_STATUS_FAILED,
	PNVME_STATUS_DETACHED,
	PNVME_STATUS_MISSING,
	PNVME_STATUS_UNADOPTED,
};

/**
 * enum pnvme_ns_status - what a namespace is good for
 * @PNVME_NS_STATUS_LIVE: usable
 * @PNVME_NS_STATUS_ZEROING: being created
 * @PNVME_NS_STATUS_FAILED: its creation failed, or its block device could not be made
 * @PNVME_NS_STATUS_NAME_CONFLICT: usable by UUID; another has its name
 * @PNVME_NS_STATUS_DETACHED: its drive is here and not attached
 * @PNVME_NS_STATUS_MISSING: in the record; its drive is not here, or without it
 * @PNVME_NS_STATUS_HELD: exposed; its I/O waits for the drive
 * @PNVME_NS_STATUS_DOWN: exposed; its drive has failed, and its I/O fails
 */
enum pnvme_ns_status {
	PNVME_NS_STATUS_LIVE,
	PNVME_NS_STATUS_ZEROING,
	PNVME_NS_STATUS_FAILED,
	PNVME_NS_STATUS_NAME_CONFLICT,
	PNVME_NS_STATUS_DETACHED,
	PNVME_NS_STATUS_MISSING,
	PNVME_NS_STATUS_HELD,
	PNVME_NS_STATUS_DOWN,
};

/* The verdict, worst first. UNKNOWN: the drive could not be read. */
enum pnvme_verdict {
	PNVME_VERDICT_WIPED,		/* recorded: its hardware, no label */
	PNVME_VERDICT_REPLACED,		/* recorded: other hardware in its slot */
	PNVME_VERDICT_MISSING,		/* recorded: nowhere */
	PNVME_VERDICT_STALE,		/* recorded: label behind the record */
	PNVME_VERDICT_CLONED,		/* the label names other hardware */
	PNVME_VERDICT_FOREIGN,		/* the label names another owner */
	PNVME_VERDICT_UNRECORDED,	/* our label, no record */
	PNVME_VERDICT_UNKNOWN,
	PNVME_VERDICT_INTACT,		/* recorded: as the record says, or ahead of it */
	PNVME_VERDICT_USED,		/* no label, but something else */
	PNVME_VERDICT_BLANK,		/* no label, nothing found */
};

/**
 * struct pnvme_drive - a drive: attached, found on the bus, or only recorded
 * @uuid: from its label or the record; all zero: none
 * @instance: N of pnvmeN; -1 unless attached
 * @name: of the lower block device ("nvme3n1"); empty: not here
 * @major: device number of the lower device
 * @minor: device number of the lower device
 * @diskseq: its disk sequence number; 0: not here
 * @state: what it is doing
 * @verdict: what it is
 * @proof: enum pnvme_proof
 * @attached: the module serves it
 * @recorded: this host's record knows it
 * @labelled: a valid label was found on it
 * @nvme: it is an NVMe drive
 * @read_only: attached read-only, or the device is
 * @repaired: the last attach rewrote damaged copies of the label
 * @has_settings: @hold_timeout to @latency are known
 * @epoch: number of attaches that wrote the label
 * @sequence: generation of the label
 * @last_seen: seconds since 1970, from the record; 0: unknown
 * @owner: host ID in the label; all zero: released
 * @hwid: hardware ID that the label (or, without one, the device) has
 * @hwid_type: 0 none, 1 EUI64, 2 NGUID
 * @nguid: the device's own, all zero: none
 * @eui: the device's own, all zero: none
 * @serial: of the controller
 * @model: of the controller
 * @firmware: of the controller
 * @slot: PCI address
 * @lba_size: bytes
 * @capacity: bytes of the device
 * @size: bytes that namespaces can use
 * @free: bytes in no namespace
 * @largest_free: bytes of the largest gap
 * @namespaces: how many
 * @holds: times it was held since attach
 * @fences: times that namespaces of it were fenced since attach
 * @hold_left: seconds until a held drive fails; UINT32_MAX: not held, or for ever
 * @hold_timeout: seconds; 0 never, UINT32_MAX forever
 * @on_resume: enum pnvme_on_resume
 * @hold_proof: enum pnvme_hold_proof
 * @latency: 0 off, 1 on, N one in N
 * @reason: why it is not live
 * @evidence: one sentence for the verdict
 * @next: the next command to run, or empty
 * @acked_at: when an operator acknowledged @verdict, seconds since 1970; 0: nobody has
 * @acked_verdict: what was acknowledged, as the record has it
 * @from_roster: this host's record is lost or behind, and knows of the drive by the roster
 *	in a label alone: its hardware ID and slot
 */
struct pnvme_drive {
	uint8_t			uuid[16];
	int			instance;
	char			name[64];
	uint32_t		major;
	uint32_t		minor;
	uint64_t		diskseq;
	enum pnvme_status	state;
	enum pnvme_verdict	verdict;
	enum pnvme_proof	proof;
	bool			attached;
	bool			recorded;
	bool			labelled;
	bool			nvme;
	bool			read_only;
	bool			repaired;
	bool			has_settings;
	uint64_t		epoch;
	uint64_t		sequence;
	uint64_t		last_seen;
	uint64_t		acked_at;
	enum pnvme_verdict	acked_verdict;
	uint8_t			owner[16];
	uint8_t			hwid[16];
	uint8_t			hwid_type;
	uint8_t			nguid[16];
	uint8_t			eui[8];
	char			serial[64];
	char			model[80];
	char			firmware[32];
	char			slot[64];
	uint32_t		lba_size;
	uint64_t		capacity;
	uint64_t		size;
	uint64_t		free;
	uint64_t		largest_free;
	uint32_t		namespaces;
	uint32_t		holds;
	uint32_t		fences;
	uint32_t		hold_left;
	uint32_t		hold_timeout;
	uint32_t		on_resume;
	uint32_t		hold_proof;
	uint32_t		latency;
	char			reason[256];
	char			evidence[384];
	char			next[192];
	bool			from_roster;
};

/**
 * struct pnvme_namespace - a namespace: exposed, in a label, or only recorded
 * @uuid: identity
 * @nguid: what Identify and sysfs report
 * @drive: UUID of its drive
 * @name: its name
 * @device: of the block device ("pnvme0n1"); empty: none
 * @nsid: M of pnvmeNnM
 * @major: device number
 * @minor: device number
 * @start: first byte on the drive
 * @size: bytes
 * @state: what it is good for
 * @policy: enum pnvme_policy
 * @read_only: writes are refused
 * @open: how often it is open, partitions too
 * @opener: who opened it last, as "comm[pid]"; may be empty
 * @pending_size: size it will have once the space it grows into is zeroed; else 0
 * @zeroed: bytes zeroed so far
 * @zero_total: bytes to zero
 * @held: I/Os that wait for its drive now
 * @held_total: I/Os that had to, since it was exposed
 * @fence: enum pnvme_fence, what fails since its drive was lost with writes in doubt
 * @fences: times it was fenced since it was exposed
 * @fenced_at: when it was last, nanoseconds since 1970; 0: never
 * @seal: enum pnvme_seal_state
 * @sealed_at: when it was sealed, nanoseconds since 1970; 0: never, as all that follows
 * @seal_broken_at: when that seal was broken; 0: it is not, or nobody knows
 * @seal_samples: blocks of 4 KiB that were sampled
 * @seal_looked: blocks that were looked at to find these, which were not zero
 * @seal_seed: of the order in which blocks were looked at
 * @seal_digest: of the samples
 * @reason: why it is not live
 * @generic: of the character device for NVMe commands ("png0n1"); empty: none
 */
struct pnvme_namespace {
	uint8_t			uuid[16];
	uint8_t			nguid[16];
	uint8_t			drive[16];
	char			name[64];
	char			device[64];
	uint32_t		nsid;
	uint32_t		major;
	uint32_t		minor;
	uint64_t		start;
	uint64_t		size;
	enum pnvme_ns_status	state;
	enum pnvme_policy	policy;
	bool			read_only;
	uint32_t		open;
	char			opener[64];
	uint64_t		pending_size;
	uint64_t		zeroed;
	uint64_t		zero_total;
	uint32_t		held;
	uint64_t		held_total;
	enum pnvme_fence	fence;
	uint32_t		fences;
	uint64_t		fenced_at;
	enum pnvme_seal_state	seal;
	uint64_t		sealed_at;
	uint64_t		seal_broken_at;
	uint32_t		seal_samples;
	uint64_t		seal_looked;
	uint8_t			seal_seed[16];
	uint8_t			seal_digest[32];
	char			reason[256];
	char			generic[64];
};

/* Drives and namespaces, as one call found them. */
struct pnvme_inventory {
	struct pnvme_drive	**drives;
	size_t			n_drives;
	struct pnvme_namespace	**namespaces;
	size_t			n_namespaces;
	bool			module;		/* the module is loaded */
	bool			partial;	/* some drives could not be read (not root?) */
	bool			trouble;	/* a recorded drive is not intact, or a namespace is not usable */
	bool			record_unknown;	/* the record cannot be read, or its filesystem is not mounted */
};

struct pnvme_info {
	char		version[64];
	uint32_t	label_version;
	uint32_t	generation;
};

/* One copy of a label, as found on a drive. */
struct pnvme_slot {
	uint64_t	offset;
	int		status;		/* 0 valid; -ENODATA none; -EBADMSG damaged; -EPROTONOSUPPORT unknown version; -EUCLEAN invalid; else the read failed */
	char		why[96];
	uint64_t	sequence;
	uint64_t	epoch;
	uint32_t	version;
	uint8_t		uuid[16];
	uint8_t		owner[16];
};

/* A drive of the same owner, as a label knows it. */
struct pnvme_peer {
	uint8_t		uuid[16];
	uint8_t		hwid[16];
	uint8_t		hwid_type;	/* 0 none, 1 EUI64, 2 NGUID */
	char		slot[32];	/* PCI address at which it was last */
};

/* What is on a drive, read without the module. */
struct pnvme_examined {
	struct pnvme_slot	slots[4];
	int			newest;		/* index of the copy in force, or a negative errno */
	bool			repair;		/* not all four copies are equal */
	bool			fence;		/* our GPT is there */
	char			why[96];	/* if newest < 0 */
	struct pnvme_inventory	*content;	/* one drive and its namespaces; from the newest copy */
	struct pnvme_peer	*roster;	/* drives of the owner, this one too; from the newest copy */
	size_t			n_roster;
	uint64_t		roster_generation;
};

struct pnvme_event {
	enum pnvme_event_type	type;
	char			message[256];
	uint8_t			drive[16];
	char			device[64];
	uint8_t			ns[16];		/* all zero: not about one */
	char			name[64];
	uint64_t		time;		/* nanoseconds since 1970 */
};

/**
 * struct pnvme_stat - what one I/O queue did for one namespace, in one operation
 * @ns: UUID of the namespace
 * @queue: of the lower drive, from 0; NVMe's qid less one
 * @op: enum pnvme_stat_op
 * @ios: I/Os completed since the namespace was exposed
 * @bytes: their length
 * @in_flight: I/Os submitted and not completed
 * @polled: of @ios, those that were polled for
 * @errors: by enum pnvme_error_class
 * @latency_ns: sum of the latencies of those that were timed
 * @latency: I/Os in each bucket of the histogram; see pnvme_latency_from()
 * @since: when counting began, CLOCK_BOOTTIME, ns; another one tells that the
 *	namespace was exposed anew and its counters began at 0
 */
struct pnvme_stat {
	uint8_t		ns[16];
	uint32_t	queue;
	uint32_t	op;
	uint64_t	ios;
	uint64_t	bytes;
	uint64_t	in_flight;
	uint64_t	polled;
	uint64_t	errors[PNVME_ERROR_CLASSES];
	uint64_t	latency_ns;
	uint64_t	latency[PNVME_LATENCY_BUCKETS];
	uint64_t	since;
};

struct pnvme_stats {
	struct pnvme_stat	*stats;
	size_t			n;
	uint64_t		time;	/* when they were read, CLOCK_MONOTONIC, ns */
};

/* Settings of a drive; only those whose have_ member is true are changed. */
struct pnvme_settings {
	bool		have_hold_timeout, have_on_resume, have_hold_proof, have_latency;
	uint32_t	hold_timeout, on_resume, hold_proof, latency;
};

/* What is stated of data whose samples all match. */
#define PNVME_SEAL_CONFIDENCE 0.999

/**
 * struct pnvme_verified - what reading the samples of a seal again has shown
 * @broken: something was written since: nothing can be said, all but times is void
 * @sealed_at: when it was sealed, nanoseconds since 1970
 * @broken_at: when the seal was broken; 0: it is not, or nobody knows
 * @samples: how many there are
 * @matched: how many are what they were; all or 0 unless @counted
 * @counted: the host's list was there; without it only all or not all can be told
 * @unreadable: of those that do not match, those that could not be read; 1 without the list
 * @full: without the list: blocks that hold data now, of those that were looked at, up to
 *	@samples + 1
 * @first: first byte of the first block that does not match; UINT64_MAX: none, or not known
 * @complete: every block that held data is a sample
 * @confidence: of @bound
 * @bound: if all match, a smaller part than this of the blocks with data has changed; 0 if
 *	@complete
 */
struct pnvme_verified {
	bool		broken;
	bool		counted;
	bool		complete;
	uint64_t	sealed_at;
	uint64_t	broken_at;
	uint32_t	samples;
	uint32_t	matched;
	uint32_t	unreadable;
	uint32_t	full;
	uint64_t	first;
	double		confidence;
	double		bound;
};

/* Called during what takes long; a return other than 0 ends the wait with -EINTR. */
typedef int (*pnvme_progress_fn)(void *arg, uint64_t done, uint64_t total);

/* The handle. */
struct pnvme *pnvme_new(void);
void pnvme_free(struct pnvme *h);
const char *pnvme_error(struct pnvme *h);
const char *pnvme_hint(struct pnvme *h);
const char *pnvme_code(struct pnvme *h);
const char *pnvme_object(struct pnvme *h);
/* Had the call that failed changed something before it did? Its comment says what; else nothing was. */
bool pnvme_partly(struct pnvme *h);
/* Remarks of the last call that did not make it fail; NULL after the last one. */
const char *pnvme_note(struct pnvme *h, size_t i);
const char *pnvme_version(void);

/* Words, as the command and its JSON use them. */
const char *pnvme_status_name(enum pnvme_status s);
const char *pnvme_ns_status_name(enum pnvme_ns_status s);
const char *pnvme_verdict_name(enum pnvme_verdict v);
int pnvme_verdict_parse(const char *s);		/* value or -EINVAL */
const char *pnvme_event_name(enum pnvme_event_type t);
/* NULL if there is no such value. */
const char *pnvme_policy_name(uint32_t v);
const char *pnvme_on_resume_name(uint32_t v);
const char *pnvme_hold_proof_name(uint32_t v);
const char *pnvme_fence_name(uint32_t v);
const char *pnvme_seal_state_name(uint32_t v);
int pnvme_policy_parse(const char *s);		/* value or -EINVAL */
int pnvme_on_resume_parse(const char *s);
int pnvme_hold_proof_parse(const char *s);
bool pnvme_uuid_is_null(const uint8_t uuid[16]);
void pnvme_uuid_format(const uint8_t uuid[16], char out[37]);
int pnvme_uuid_parse(const char *s, uint8_t uuid[16]);
/* The rule for names of namespaces. */
bool pnvme_name_valid(const char *name);

/*
 * A size such as 10G, 1.5TiB or 500GB (K M G T P: 1024, KB MB GB TB PB: 1000)
 * in bytes; -EINVAL, or -ERANGE if it does not fit. With @percent, "N%" (1 to
 * 100) is allowed too and stored there (else 0 is).
 */
int pnvme_size_parse(const char *s, uint64_t *bytes, unsigned int *percent);
/* Seconds from "0", "90", "60s", "5m", "2h", "forever"; -EINVAL, -ERANGE. */
int pnvme_timeout_parse(const char *s, uint32_t *seconds);

/* The module. */
int pnvme_module_info(struct pnvme *h, struct pnvme_info *info);
/* The ID of this host. */
int pnvme_host_id(struct pnvme *h, uint8_t id[16]);

/* What pnvme_inventory_get() looks at. */
#define PNVME_LOOK_MODULE	(1U << 0)	/* what the module serves; fails without a module unless LOOK_OPTIONAL */
#define PNVME_LOOK_BUS		(1U << 1)	/* read the labels of drives that are not attached (needs root) */
#define PNVME_LOOK_RECORD	(1U << 2)	/* this host's record: gives verdicts, and what is missing */
#define PNVME_LOOK_OPTIONAL	(1U << 3)	/* do without the module, if need be */
#define PNVME_LOOK_CONTENT	(1U << 4)	/* for drives without a label: probe for signatures and at both ends */
#define PNVME_LOOK_ALL		0x1f
int pnvme_inventory_get(struct pnvme *h, unsigned int look, struct pnvme_inventory **inv);
void pnvme_inventory_free(struct pnvme_inventory *inv);
/*
 * Index of the one drive or namespace that @s names; -ENOENT, -ENOTUNIQ (too many). Of several
 * namespaces with that name it is the one that is served.
 */
int pnvme_find_drive(struct pnvme *h, const struct pnvme_inventory *inv, const char *s);
int pnvme_find_ns(struct pnvme *h, const struct pnvme_inventory *inv, const char *s);

/*
 * Seconds of the settle time that are left, in which a recorded drive that is not here may
 * still come and is "unknown" rather than "missing". -EINVAL: the policy cannot be used, and
 * its default is given.
 */
int pnvme_settle_left(struct pnvme *h, uint32_t *seconds);
/* Tell the verdict of a drive as an event, and to the kernel's log. */
int pnvme_verdict_report(struct pnvme *h, const struct pnvme_drive *drive);

void pnvme_drive_free(struct pnvme_drive *drive);
void pnvme_namespace_free(struct pnvme_namespace *ns);

/*
 * Drives. @out may be NULL. @dev is a block device by path or name.
 */
/*
 * Look, fence, label, attach. CHECK, ANY. Content is refused with -ENOTEMPTY
 * unless @overwrite (may be NULL) repeats the word for it; a label of pnvme is
 * always refused, with -EEXIST, and so is content on a drive that the record
 * knows and that has lost its label. Partly: the fence is there, and what was to be
 * overwritten is gone; repeat it.
 */
int pnvme_drive_adopt(struct pnvme *h, const char *dev, const char *overwrite, unsigned int flags,
		      struct pnvme_drive **out);
/* CHECK, READ_ONLY. Attaching what is attached already is no error and changes nothing. */
int pnvme_drive_attach(struct pnvme *h, const char *drive, unsigned int flags,
		       struct pnvme_drive **out);
/*
 * The gate for udev and boot: attaches @dev if it carries a label of this host, on the
 * hardware it names, and the policy lets its verdict in; else -EKEYREJECTED. *attached tells
 * whether it is now; 0 with *attached false: not ours, and nobody's business. The verdict
 * is told as an event. Waits for the filesystem of the record while drives may still
 * appear, see pnvme_settle_left().
 */
int pnvme_drive_gate(struct pnvme *h, const char *dev, unsigned int flags, bool *attached,
		     struct pnvme_drive **out);
/**
 * struct pnvme_attempt - one of several drives that are attached at once
 * @drive: which, as pnvme_drive_attach() or pnvme_drive_gate() takes it; the caller's
 * @h: has error, hint, code, object and notes of this drive
 * @ret: what that function would return
 * @out: the drive, if @ret is 0; the gate leaves it NULL if it leaves the drive alone
 */
struct pnvme_attempt {
	const char		*drive;
	struct pnvme		*h;
	int			ret;
	struct pnvme_drive	*out;
};

/*
 * Attach several, or take them through the gate, in little more time than one takes. The
 * outcome is that of one after the other, in the order of @list: of two that claim the same
 * UUID, number or name the first has it. The record is written once. Fails without memory
 * only, and then nothing was done; else free the outcome with pnvme_attempts_free().
 */
int pnvme_drives_attach(struct pnvme *h, struct pnvme_attempt *list, size_t n,
			unsigned int flags);
int pnvme_drives_gate(struct pnvme *h, struct pnvme_attempt *list, size_t n,
		      unsigned int flags);
void pnvme_attempts_free(struct pnvme_attempt *list, size_t n);
/* Make it this host's. CHECK. @from: the owner its label must name. */
int pnvme_drive_import(struct pnvme *h, const char *dev, const uint8_t from[16],
		       unsigned int flags, struct pnvme_drive **out);
/* CHECK, RELEASE. -EBUSY names the namespace that is open, and who has it. */
int pnvme_drive_detach(struct pnvme *h, const uint8_t uuid[16], unsigned int flags);
/*
 * Remove label and fence. CHECK, DISCARD. Partly: the label is gone, the fence or
 * the data is not; repeat it.
 */
int pnvme_drive_erase(struct pnvme *h, const char *dev, const uint8_t uuid[16],
		      unsigned int flags);
/* CHECK. */
int pnvme_drive_set(struct pnvme *h, const uint8_t uuid[16], const struct pnvme_settings *s,
		    unsigned int flags, struct pnvme_drive **out);
/*
 * Give a drive up: what waits for it, and all I/O from then on, ends with errors, until it is
 * attached again. CHECK.
 */
int pnvme_drive_fail(struct pnvme *h, const uint8_t uuid[16], unsigned int flags,
		     struct pnvme_drive **out);
/* Remove a drive that is not attached from this host's record. CHECK. */
int pnvme_drive_forget(struct pnvme *h, const uint8_t uuid[16], unsigned int flags);
/*
 * Acknowledge that a recorded drive (a name as for pnvme_find_drive()), which is neither intact
 * nor attached, is what it is. It is no trouble (pnvme_inventory.trouble) as long as it stays
 * that; the record keeps it. CHECK.
 */
int pnvme_drive_ack(struct pnvme *h, const char *drive, unsigned int flags,
		    struct pnvme_drive **out);
/*
 * Give a drive that has lost all copies of its label (@uuid, its hardware: @dev) one that the
 * archive has: the newest, or that of @sequence if it is not 0; then attach it. CHECK. A
 * signature on it is refused with -ENOTEMPTY unless @overwrite (may be NULL) repeats the
 * word for it. Partly: the fence is there.
 */
int pnvme_drive_restore(struct pnvme *h, const uint8_t uuid[16], const char *dev,
			uint64_t sequence, const char *overwrite, unsigned int flags,
			struct pnvme_drive **out);
/*
 * Take what is seen of a drive as right, if its verdict is @expect at this moment (else
 * -ESTALE): stale and unrecorded go into the record as they are; cloned, with IDENTITY, is the
 * same drive with another hardware ID, which is written to its label, and it is attached. No
 * other can be accepted. CHECK, IDENTITY.
 */
int pnvme_drive_accept(struct pnvme *h, const char *drive, enum pnvme_verdict expect,
		       unsigned int flags, struct pnvme_drive **out);
/*
 * In place of a lost drive (missing, replaced, wiped) adopt @dev, as pnvme_drive_adopt() does,
 * and create namespaces of the same names and sizes, with settings and policies as in the
 * archive; then forget the lost one. Their data is lost. CHECK. *out: drive and namespaces that were made, also after a failure (or NULL);
 * Partly: the drive is adopted, and not all namespaces are made.
 */
int pnvme_drive_replace(struct pnvme *h, const uint8_t uuid[16], const char *dev,
			const char *overwrite, unsigned int flags, struct pnvme_inventory **out);
/**
 * struct pnvme_pair - a lost drive, and the blank one that could take its place
 * @uuid: of the lost drive
 * @device: name of the blank one; empty: there is none
 * @restorable: not to be replaced: the lost drive is @device itself, whose label the archive
 *	has, see pnvme_drive_restore()
 */
struct pnvme_pair {
	uint8_t	uuid[16];
	char	device[64];
	bool	restorable;
};

/*
 * All lost drives: a wiped one with its own hardware, then each with what is in its slot, then
 * the largest first with the smallest of its model that is large enough. Drives that only a
 * roster knows are left out. -EAGAIN while the settle time runs. free() the array.
 */
int pnvme_replace_pairs(struct pnvme *h, struct pnvme_pair **pairs, size_t *n);
/*
 * Bring back all namespaces of an attached drive that are gone and that an archived label
 * has: that of @sequence, or (0) the newest that has any. CHECK. *out, also after a failure,
 * is what came back (or NULL); Partly: some did. What cannot come back and is not what
 * failed last is a remark.
 */
int pnvme_drive_undelete(struct pnvme *h, const uint8_t uuid[16], uint64_t sequence,
			 unsigned int flags, struct pnvme_inventory **out);
/* Read all copies of the label of a block device, or of a file that is an image of one. */
int pnvme_drive_examine(struct pnvme *h, const char *path, struct pnvme_examined **out);
void pnvme_examined_free(struct pnvme_examined *e);

/*
 * Namespaces, by UUID.
 */
/* @bytes a multiple of 1 MiB; 0: the largest gap. CHECK, KEEP_DATA. State may be ZEROING. */
int pnvme_namespace_create(struct pnvme *h, const uint8_t drive[16], const char *name, uint64_t bytes,
		    unsigned int flags, struct pnvme_namespace **out);
/*
 * Wait until zeroing is done. A creation that failed is deleted, and fails.
 * Interrupted by @progress: -EINTR, the zeroing goes on; delete to cancel.
 */
int pnvme_namespace_wait(struct pnvme *h, const uint8_t uuid[16], pnvme_progress_fn progress, void *arg,
		  struct pnvme_namespace **out);
/* Wait (at most @ms) for udev to have made the link of a namespace; at once where no udev runs. */
int pnvme_namespace_settle(struct pnvme *h, const struct pnvme_namespace *ns, unsigned int ms);
int pnvme_namespace_delete(struct pnvme *h, const uint8_t uuid[16], unsigned int flags); /* CHECK */
/*
 * Bring back a namespace of an attached drive that was deleted, with its data: the newest of
 * that name or UUID in the archive; -ESTALE if its space was used since. @as: another name
 * for it, or NULL. CHECK.
 */
int pnvme_namespace_undelete(struct pnvme *h, const char *ns, const char *as, unsigned int flags,
			     struct pnvme_namespace **out);
int pnvme_namespace_resize(struct pnvme *h, const uint8_t uuid[16], uint64_t bytes, unsigned int flags,
		    struct pnvme_namespace **out);	/* CHECK, KEEP_DATA, FORCE */
int pnvme_namespace_rename(struct pnvme *h, const uint8_t uuid[16], const char *name,
		    unsigned int flags, struct pnvme_namespace **out);	/* CHECK */
/* @read_only and @policy: -1 leaves it as it is. CHECK. */
int pnvme_namespace_set(struct pnvme *h, const uint8_t uuid[16], int read_only, int policy,
		 unsigned int flags, struct pnvme_namespace **out);
/* Let flushes succeed again after the drive was lost with writes in doubt. CHECK. */
int pnvme_namespace_unfence(struct pnvme *h, const uint8_t uuid[16], unsigned int flags,
			    struct pnvme_namespace **out);
/*
 * Seal: sample blocks that are not zero (@samples, 0: 4096), keep their digests in the label
 * and on the host. -EBUSY if it is mounted or held, -ESTALE if it was written to meanwhile,
 * -ENODATA if it holds nothing. Interrupted by @progress: -EINTR. CHECK: samples nothing.
 */
int pnvme_namespace_seal(struct pnvme *h, const uint8_t uuid[16], uint32_t samples,
			 unsigned int flags, pnvme_progress_fn progress, void *arg,
			 struct pnvme_namespace **out);
/* Read the samples again. -ENODATA: never sealed. That it is broken, or differs, is no failure. */
int pnvme_namespace_verify(struct pnvme *h, const uint8_t uuid[16], pnvme_progress_fn progress,
			   void *arg, struct pnvme_verified *v);
/*
 * If @samples random blocks are all what they were, then with that confidence a smaller part
 * than this of all blocks is not.
 */
double pnvme_seal_bound(uint32_t samples, double confidence);
/* Who has a block device (or a partition of it) open, as words for a sentence; "" if none was found. */
int pnvme_holders(struct pnvme *h, const char *name, char *out, size_t n);

/*
 * Statistics.
 */
/* @ns: UUID of one namespace, or NULL for all; @queue: one queue, or -1 for all. */
int pnvme_stats_get(struct pnvme *h, const uint8_t *ns, int queue, struct pnvme_stats **out);
void pnvme_stats_free(struct pnvme_stats *stats);
/* Add counters and histogram of @from to @to. */
void pnvme_stat_add(struct pnvme_stat *to, const struct pnvme_stat *from);
/* Turn what @now counts into what it counts since @before; in_flight stays. */
void pnvme_stat_since(struct pnvme_stat *now, const struct pnvme_stat *before);
/* I/Os in the histogram. */
uint64_t pnvme_stat_timed(const struct pnvme_stat *s);
/*
 * Latency in ns below which a share @q (0 to 1) of the timed I/Os lies: the middle of
 * its bucket, which is at most 6.25 % off between 1 us and 68 s. 0: none was timed.
 */
uint64_t pnvme_stat_quantile(const struct pnvme_stat *s, double q);
/* Upper bound, in ns, of the highest bucket that is not empty: at most 12.5 % too high. */
uint64_t pnvme_stat_max(const struct pnvme_stat *s);
/* The least latency, in ns, that a bucket holds; UINT64_MAX behind the last one. */
uint64_t pnvme_latency_from(unsigned int bucket);
const char *pnvme_stat_op_name(uint32_t op);		/* NULL if there is no such value */
const char *pnvme_error_class_name(uint32_t c);

/* Events: subscribe, then poll pnvme_events_fd() or wait in pnvme_events_next(). */
int pnvme_events_open(struct pnvme *h);
int pnvme_events_fd(struct pnvme *h);
/* -ETIMEDOUT; -EINTR on a signal; -ENOBUFS: events were lost. @ms < 0 waits for ever. */
int pnvme_events_next(struct pnvme *h, int ms, struct pnvme_event *ev);

#ifdef __cplusplus
}
#endif
#endif /* LIBPNVME_H */
