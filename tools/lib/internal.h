/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Inside libpnvme: the handle, and what its files offer one another.
 * Functions return 0 or a negative errno unless a comment says otherwise, and
 * have set the handle's message then.
 */
#ifndef PNVME_INTERNAL_H
#define PNVME_INTERNAL_H

#include <errno.h>
#include <stdarg.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include <pnvme/label.h>
#include "pnvme.h"

#define API __attribute__((visibility("default")))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define NOTES_MAX 32

/* Older headers name these; the kernels we support all have them. */
#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, unsigned long long)
#endif

struct mnl_socket;
struct nlattr;
struct nlmsghdr;

enum host_source {
	HOST_UNKNOWN,
	HOST_FILE,
	HOST_DMI,
	HOST_MACHINE_ID,
};

/**
 * struct failure - why the last call failed
 * @message: a sentence
 * @hint: the next command
 * @object: what @message is about
 * @code: word for @message
 */
struct failure {
	char message[768];
	char hint[256];
	char object[128];
	char code[32];
};

/**
 * struct pnvme - a handle
 * @lock: recursive; taken by every public function that gets a handle
 * @depth: of public functions calling one another; the outermost clears the message
 * @nl: socket to the module, or NULL; guarded by @lock, as everything below
 * @seq: of the last request
 * @family: id of the netlink family
 * @group: id of the multicast group for events
 * @events: socket subscribed to @group, or NULL
 * @partly: the call that failed had changed something before
 * @failed: why the last call failed
 * @notes: remarks of the last call
 * @n_notes: how many
 * @host: ID of this host, if @host_source is not HOST_UNKNOWN
 * @host_source: where @host came from
 */
struct pnvme {
	pthread_mutex_t		lock;
	unsigned int		depth;
	struct mnl_socket	*nl;
	uint32_t		seq;
	uint16_t		family;
	uint32_t		group;
	struct mnl_socket	*events;
	bool			partly;
	struct failure		failed;
	char			*notes[NOTES_MAX];
	size_t			n_notes;
	uint8_t			host[16];
	enum host_source	host_source;
};

/* handle.c */
void enter(struct pnvme *h);
int leave(struct pnvme *h, int ret);		/* returns ret */
/* Set the message; returns err (negative). */
int fail(struct pnvme *h, int err, const char *object, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
int fail_nomem(struct pnvme *h);
void set_hint(struct pnvme *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void set_code(struct pnvme *h, const char *code);
void set_object(struct pnvme *h, const char *object);
void forget_error(struct pnvme *h);
void note(struct pnvme *h, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool all_zero(const void *p, size_t n);
/* Copy what fits, always NUL-terminated; bytes that are not printable ASCII become '?'. */
void copy_text(char *to, size_t size, const char *from);
/* As snprintf, for texts that may be cut. */
void put_text(char *to, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* parallel.c */
#define PARALLEL_MAX 64		/* threads */
/* Call @fn for each of @n items of @size, several at a time; returns when all are done. */
void parallel(void (*fn)(void *item), void *items, size_t size, size_t n);
/* A handle for one thread, which knows what @h knows of host and module. NULL: no memory. */
struct pnvme *handle_like(struct pnvme *h);
/* Its remarks to @h, and free it; NULL is none. */
void handle_merge(struct pnvme *h, struct pnvme *own);

/* netlink.c */
/* Room for a label. */
#define NL_REQUEST_BYTES (2048 + PNVME_LABEL_BYTES)

struct nl_request {
	union {
		char		buf[NL_REQUEST_BYTES];
		uint64_t	align;
	};
	struct nlmsghdr		*hdr;
	bool			overflow;
};

/* Called for each message of the answer; attributes by number, NULL where absent. */
typedef int (*nl_parse_fn)(struct pnvme *h, const struct nlattr **tb, void *arg);

struct nl_reply {
	nl_parse_fn	parse;
	void		*arg;
	void		(*restart)(void *arg);	/* before a dump is run again */
	unsigned int	max;			/* highest attribute number */
};

int nl_begin(struct pnvme *h, struct nl_request *r, uint8_t cmd, bool dump);
void nl_bytes(struct nl_request *r, uint16_t attr, const void *p, size_t n);
void nl_u8(struct nl_request *r, uint16_t attr, uint8_t v);
void nl_u32(struct nl_request *r, uint16_t attr, uint32_t v);
void nl_u64(struct nl_request *r, uint16_t attr, uint64_t v);
void nl_string(struct nl_request *r, uint16_t attr, const char *s);
void nl_flag(struct nl_request *r, uint16_t attr, bool set);
/* What is put between the two lies in one attribute. */
struct nlattr *nl_nest(struct nl_request *r, uint16_t attr);
void nl_nest_end(struct nl_request *r, struct nlattr *nest);
/* @object: what a refusal is about. @reply may be NULL. */
int nl_run(struct pnvme *h, struct nl_request *r, const char *object,
	   const struct nl_reply *reply);
uint32_t attr_u32(const struct nlattr *a, uint32_t otherwise);
uint64_t attr_u64(const struct nlattr *a, uint64_t otherwise);
void attr_bytes(const struct nlattr *a, void *to, size_t n);
void attr_text(const struct nlattr *a, char *to, size_t n);

/* inventory.c: growing and finding */
struct pnvme_inventory *inventory_new(void);
struct pnvme_drive *inventory_add_drive(struct pnvme_inventory *inv);	/* NULL: no memory */
struct pnvme_namespace *inventory_add_ns(struct pnvme_inventory *inv);
struct pnvme_drive *inventory_drive(const struct pnvme_inventory *inv, const uint8_t uuid[16]);
void drive_init(struct pnvme_drive *d);
/* Hand a filled structure on, or free it. */
struct pnvme_drive *drive_new(void);

/* drives.c and namespaces.c: the module */
int kernel_drives(struct pnvme *h, struct pnvme_inventory *inv);
int kernel_drive(struct pnvme *h, const uint8_t uuid[16], struct pnvme_drive *d);
/* Send a request that is answered with a drive. */
int kernel_ask_drive(struct pnvme *h, struct nl_request *r, const char *object,
		     struct pnvme_drive *d);
int kernel_namespaces(struct pnvme *h, const uint8_t *drive, struct pnvme_inventory *inv);
/* Run a request of which the answer is a namespace; @ns may be NULL. */
int kernel_ns_reply(struct pnvme *h, struct nl_request *r, const char *object,
		    struct pnvme_namespace *ns);
int kernel_ns(struct pnvme *h, const uint8_t uuid[16], struct pnvme_namespace *ns);

/* sysfs.c */
/**
 * struct disk - a whole block device, from sysfs alone
 * @name: "nvme3n1"
 * @path: "/dev/nvme3n1"
 * @nvme: a namespace of an NVMe controller or subsystem
 * @own: one that pnvme made
 * @zoned: host-managed or host-aware
 * @discard: it discards
 */
struct disk {
	char		name[64];
	char		path[80];
	uint32_t	major;
	uint32_t	minor;
	uint64_t	diskseq;
	uint64_t	capacity;
	uint32_t	lba_size;
	bool		nvme;
	bool		own;
	bool		hidden;
	bool		zoned;
	bool		read_only;
	bool		discard;
	uint8_t		nguid[16];
	uint8_t		eui[8];
	uint8_t		hwid[16];
	uint8_t		hwid_type;
	char		serial[64];
	char		model[80];
	char		firmware[32];
	char		slot[64];
};

/* 0, or -ENOENT if it has gone; sets no message. */
int disk_read(const char *name, struct disk *d);
/* By path or name; refuses what is no whole block device. */
int disk_find(struct pnvme *h, const char *dev, struct disk *d);
/* Names of all whole disks that may be drives; free with disk_names_free(). */
int disk_names(struct pnvme *h, char ***names, size_t *n);
void disk_names_free(char **names, size_t n);
/* Open the very disk that @d describes. */
int disk_open(struct pnvme *h, const struct disk *d, int flags);
bool sysfs_text(char *out, size_t n, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void disk_to_drive(const struct disk *k, struct pnvme_drive *d);
/* Is this the hardware that the label names? NULL, or what differs. */
const char *disk_differs(const struct disk *k, const struct pnvme_label *l);

/* labels.c: copies on a drive */
struct labels {
	struct pnvme_label	*copy;		/* four, aligned */
	int			status[PNVME_LABEL_SLOTS];
	const char		*why[PNVME_LABEL_SLOTS];
	uint64_t		offset[PNVME_LABEL_SLOTS];
	int			newest;		/* index or negative errno */
	const char		*newest_why;
	bool			repair;
	bool			any_magic;
};

int labels_read(struct pnvme *h, const char *path, int fd, uint64_t capacity, struct labels *ls);
void labels_free(struct labels *ls);
/* Read those of a disk. */
int labels_read_disk(struct pnvme *h, const struct disk *k, struct labels *ls);
/* The copy of just that drive and sequence; free it. -ESTALE: there is another one. */
int label_read(struct pnvme *h, const struct disk *k, const uint8_t uuid[16], uint64_t sequence,
	       struct pnvme_label **out);
void label_to_drive(const struct pnvme_label *l, struct pnvme_drive *d);
int label_to_namespaces(struct pnvme *h, const struct pnvme_label *l,
			struct pnvme_inventory *inv);

/* probe.c */
#define KINDS_MAX 8

struct content {
	char		kinds[KINDS_MAX][40];	/* first is the word for --overwrite */
	unsigned int	n_kinds;
	bool		fence;			/* our GPT, and nothing else in it */
	bool		table;			/* some partition table */
	bool		sampled_all;
	char		where[96];		/* of the first non-zero data */
};

enum probe_depth {
	PROBE_GLANCE,	/* as PROBE_CHEAP, but zeros in the first and last MiB are enough for blank */
	PROBE_CHEAP,	/* signatures, and both ends for data */
	PROBE_FULL,	/* signatures, more of both ends, and samples in between */
};

/* Signatures, then non-zero data. */
int probe_content(struct pnvme *h, const char *path, int fd, uint64_t capacity,
		  enum probe_depth depth, struct content *c);
int probe_wipe(struct pnvme *h, const char *path, int fd);
void content_text(const struct content *c, char *out, size_t n);

/* fence.c */
int fence_write(struct pnvme *h, const char *path, int fd);
/* Have the kernel look at the table. Only who is alone with the drive may: @fd is exclusive. */
void fence_show(int fd);
int fence_remove(struct pnvme *h, const char *path, int fd, uint64_t capacity);

/* hostid.c */
int host_id(struct pnvme *h, uint8_t id[16]);
/* Is @owner this host, in either byte order? Then the form to use is in @form. */
bool host_is(struct pnvme *h, const uint8_t owner[16], uint8_t form[16]);

/**
 * struct roster - which drives the owner has, as labels keep it
 * @generation: grows with each change; 0: there is none
 * @n: how many
 * @peers: the drives
 */
struct roster {
	uint64_t		generation;
	unsigned int		n;
	struct pnvme_label_peer	peers[PNVME_ROSTER_MAX];
};

/* record.c */
struct record;
int record_load(struct pnvme *h, struct record **r);	/* an absent one is empty, and -ENOENT */
bool record_is_lost(const struct record *r);
void record_free(struct record *r);
size_t record_count(const struct record *r);
/* Fill a drive (and, if @inv is given, add its namespaces) from entry i. */
int record_drive(const struct record *r, size_t i, struct pnvme_drive *d,
		 struct pnvme_inventory *inv);
int record_find(const struct record *r, const uint8_t uuid[16]);	/* index or -ENOENT */
/* Its label was accepted though it is older than what the drive had already. */
bool record_stale(const struct record *r, const uint8_t uuid[16]);
/* Bring the entry of an attached drive up to date; a failure is a note. */
void record_update(struct pnvme *h, const uint8_t uuid[16]);
/**
 * struct attached - a drive that was attached
 * @uuid: of it
 * @roster: what its label had; NULL: another owner's
 */
struct attached {
	const uint8_t		*uuid;
	const struct roster	*roster;
};

/*
 * Drives were attached. Rebuilds a record that is lost or behind, writes it once, and hands
 * the roster to all attached drives.
 */
void record_attached(struct pnvme *h, const struct attached *list, size_t n);
/* Their entries alone: nothing is handed on. */
void record_refresh(struct pnvme *h, const uint8_t *const *uuids, size_t n);
void record_drop(struct pnvme *h, const uint8_t uuid[16]);
int record_remove(struct pnvme *h, const uint8_t uuid[16]);
/* An operator knows of its verdict. */
int record_ack(struct pnvme *h, const uint8_t uuid[16], enum pnvme_verdict v);
/*
 * Make the entry what @d and the namespaces in @inv say. @stale: the drive has had a newer
 * label, which the entry tells until the drive is attached.
 */
int record_put(struct pnvme *h, const struct pnvme_drive *d, const struct pnvme_inventory *inv,
	       bool stale);
/* A descriptor to close. Waits as long as others get on, and a few seconds more at most. */
int record_lock(void);
int write_full(int fd, const char *p, size_t n);
int sync_dir(const char *path);
const char *state_dir(void);
const char *config_dir(void);

/* record_roster.c */
void roster_of_label(const struct pnvme_label *l, struct roster *out);
void roster_of_record(const struct record *r, struct roster *out);
const struct pnvme_label_peer *roster_find(const struct roster *roster, const uint8_t uuid[16]);
/* Add what a newer roster knows more, in memory. 0 or -ENOMEM, as these two. */
int record_merge(struct record *r, const struct roster *roster);
/* Count its generation up if the list is not @before any more. */
int record_number_roster(struct record *r, const struct roster *before);
/* A label of this host: remember the newest roster, to be merged when all were seen. */
void record_offer(struct record *r, const struct pnvme_label *l);
int record_merge_newest(struct record *r);

/* roster.c */
/* The newest in the labels of all drives of this host that are here, attached or not. */
void roster_newest(struct pnvme *h, struct roster *out);
void roster_push(struct pnvme *h);

/* verdict.c */
/* One drive that is here against label, hardware, host and its entry in the record (or NULL). */
void judge_label(struct pnvme *h, const struct disk *k, const struct pnvme_label *l,
		 const struct pnvme_drive *recorded, struct pnvme_drive *d);
/* Is its hardware another than the record has? NULL, or what differs; a roster does not count. */
const char *recorded_differs(const struct pnvme_drive *d, const struct pnvme_drive *recorded);
/* An older label than the record knows: not all that it says is still so. */
bool label_is_older(const struct pnvme_drive *d, const struct pnvme_drive *recorded);
/* One that is here too carries its label, and nothing tells which is the copy. */
void judge_twin(const char *twin, bool attached, struct pnvme_drive *d);
/* Its label is this host's, and on the hardware it names. */
bool is_owned(const struct pnvme_drive *d);
/* A drive of which not even the label could be read. */
void judge_unreadable(const char *why, struct pnvme_drive *d);
void judge_content(const struct disk *k, const struct labels *ls, const struct content *c,
		   struct pnvme_drive *d);
/* After everything was looked at: recorded drives that were not found, clones, next commands. */
int judge_all(struct pnvme *h, struct pnvme_inventory *inv, const struct record *r, bool all_seen);

/* verdict_event.c */
/* Have the module tell the verdict; it is no failure if it cannot, the message stays as it is. */
void verdict_report(struct pnvme *h, const struct pnvme_drive *d);

/* record_fs.c */
/* Is the record on a filesystem that is not mounted? Its mount point is in *dir then. */
bool record_away(char *dir, size_t n);
/* Wait for that, as long as drives may take to appear. */
void record_wait(struct pnvme *h);

/* holders.c */
struct holders {
	char		text[320];
	unsigned int	n;		/* found */
	unsigned int	transient;	/* of these, udev workers */
};

void holders_find(const char *name, struct holders *found);

/* How long a refusal with EBUSY is tried again; zero at first. */
struct patience {
	uint64_t until_ms;
};

/* Only udev, or nobody that can be found, has these devices: sleeps a little, true. */
bool busy_wait(struct patience *p, const char *const *names, size_t n);
uint64_t now_ms(void);

#endif
