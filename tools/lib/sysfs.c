// SPDX-License-Identifier: GPL-2.0
/*
 * What a block device is, from sysfs alone: nothing here opens a device or
 * makes a driver send a command.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <uuid/uuid.h>

#include "internal.h"

static void trim(char *s)
{
	size_t n = strlen(s);

	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
}

static bool read_text(const char *path, char *out, size_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	out[0] = '\0';
	if (fd < 0)
		return false;
	len = read(fd, out, n - 1);
	close(fd);
	if (len < 0)
		return false;
	out[len] = '\0';
	trim(out);
	return true;
}

bool sysfs_text(char *out, size_t n, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	if (len < 0 || (size_t)len >= sizeof(path)) {
		out[0] = '\0';
		return false;
	}
	return read_text(path, out, n);
}

static uint64_t sysfs_number(const char *disk, const char *attr)
{
	char text[32];

	return sysfs_text(text, sizeof(text), "/sys/block/%s/%s", disk, attr) ?
	       strtoull(text, NULL, 10) : 0;
}

static bool read_devno(const char *name, struct disk *d)
{
	char text[32];

	return sysfs_text(text, sizeof(text), "/sys/block/%s/dev", name) &&
	       sscanf(text, "%u:%u", &d->major, &d->minor) == 2;
}

/* Last component of a link's target. */
static bool link_base(const char *path, char *out, size_t n)
{
	char target[PATH_MAX];
	ssize_t len = readlink(path, target, sizeof(target) - 1);
	const char *base;

	if (len < 0)
		return false;
	target[len] = '\0';
	base = strrchr(target, '/');
	put_text(out, n, "%s", base ? base + 1 : target);
	return true;
}

static bool parent_is_nvme(const char *name)
{
	char path[PATH_MAX], base[64];

	put_text(path, sizeof(path), "/sys/block/%s/device/subsystem", name);
	return link_base(path, base, sizeof(base)) &&
	       (!strcmp(base, "nvme") || !strcmp(base, "nvme-subsystem"));
}

/* "00 25 38 5b 71 b0 11 02" */
static void read_eui(const char *name, uint8_t eui[8])
{
	unsigned int b[8];
	char text[64];
	int i;

	if (!sysfs_text(text, sizeof(text), "/sys/block/%s/eui", name) ||
	    sscanf(text, "%2x %2x %2x %2x %2x %2x %2x %2x", &b[0], &b[1], &b[2], &b[3], &b[4],
		   &b[5], &b[6], &b[7]) != 8)
		return;
	for (i = 0; i < 8; i++)
		eui[i] = (uint8_t)b[i];
}

/* As the module does (kmod/identity.c). */
static void read_hwid(struct disk *d)
{
	char text[64];

	if (sysfs_text(text, sizeof(text), "/sys/block/%s/nguid", d->name) &&
	    uuid_parse(text, d->nguid))
		memset(d->nguid, 0, sizeof(d->nguid));
	read_eui(d->name, d->eui);
	if (!all_zero(d->nguid, sizeof(d->nguid))) {
		memcpy(d->hwid, d->nguid, sizeof(d->hwid));
		d->hwid_type = PNVME_HWID_NGUID;
	} else if (!all_zero(d->eui, sizeof(d->eui))) {
		memcpy(d->hwid, d->eui, sizeof(d->eui));
		d->hwid_type = PNVME_HWID_EUI64;
	}
}

static void read_strings(struct disk *d)
{
	static const struct {
		const char *attr;
		size_t offset, size;
	} strings[] = {
		{ "serial", offsetof(struct disk, serial), sizeof(d->serial) },
		{ "model", offsetof(struct disk, model), sizeof(d->model) },
		{ "firmware_rev", offsetof(struct disk, firmware), sizeof(d->firmware) },
	};
	const char *where = d->nvme ? "device/" : "";
	char text[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(strings); i++)
		if (sysfs_text(text, sizeof(text), "/sys/block/%s/%s%s", d->name, where,
			       strings[i].attr))
			copy_text((char *)d + strings[i].offset, strings[i].size, text);
}

static bool is_pci_address(const char *s, size_t n)
{
	unsigned int dom, bus, dev, fn;
	char text[32];
	int used = 0;

	if (n >= sizeof(text))
		return false;
	memcpy(text, s, n);
	text[n] = '\0';
	return sscanf(text, "%x:%x:%x.%x%n", &dom, &bus, &dev, &fn, &used) == 4 &&
	       (size_t)used == n;
}

/* The last PCI function on the way to a device in /sys/devices. */
static void pci_from_path(const char *path, char *out, size_t size)
{
	const char *p = path, *end;

	for (; *p; p = end) {
		while (*p == '/')
			p++;
		end = p + strcspn(p, "/");
		if (is_pci_address(p, (size_t)(end - p)))
			put_text(out, size, "%.*s", (int)(end - p), p);
	}
}

/* A multipath head hangs below its subsystem: the first controller tells the slot. */
static void slot_of_subsystem(struct disk *d)
{
	char path[PATH_MAX], real[PATH_MAX];
	struct dirent *e;
	DIR *dir;

	put_text(path, sizeof(path), "/sys/block/%s/device", d->name);
	dir = opendir(path);
	if (!dir)
		return;
	while (!d->slot[0] && (e = readdir(dir))) {
		if (strncmp(e->d_name, "nvme", 4) || strchr(e->d_name + 4, 'n') ||
		    !isdigit((unsigned char)e->d_name[4]))
			continue;
		put_text(path, sizeof(path), "/sys/block/%s/device/%s", d->name, e->d_name);
		if (realpath(path, real))
			pci_from_path(real, d->slot, sizeof(d->slot));
	}
	closedir(dir);
}

static void read_slot(struct disk *d)
{
	char path[PATH_MAX], real[PATH_MAX], text[64];

	put_text(path, sizeof(path), "/sys/block/%s", d->name);
	if (realpath(path, real))
		pci_from_path(real, d->slot, sizeof(d->slot));
	if (!d->slot[0] && d->nvme)
		slot_of_subsystem(d);
	if (!d->slot[0] && d->nvme &&
	    sysfs_text(text, sizeof(text), "/sys/block/%s/device/address", d->name))
		copy_text(d->slot, sizeof(d->slot), text);
}

static void read_queue(struct disk *d)
{
	char text[32];

	d->lba_size = (uint32_t)sysfs_number(d->name, "queue/logical_block_size");
	d->discard = sysfs_number(d->name, "queue/discard_max_bytes") > 0;
	d->zoned = sysfs_text(text, sizeof(text), "/sys/block/%s/queue/zoned", d->name) &&
		   strcmp(text, "none") != 0;
}

int disk_read(const char *name, struct disk *d)
{
	memset(d, 0, sizeof(*d));
	if (!name[0] || strlen(name) >= sizeof(d->name) || strchr(name, '/'))
		return -ENOENT;
	put_text(d->name, sizeof(d->name), "%s", name);
	put_text(d->path, sizeof(d->path), "/dev/%s", name);
	if (!read_devno(name, d))
		return -ENOENT;
	d->diskseq = sysfs_number(name, "diskseq");
	d->capacity = sysfs_number(name, "size") * 512;
	d->read_only = sysfs_number(name, "ro");
	d->hidden = sysfs_number(name, "hidden");
	d->own = !strncmp(name, "pnvme", 5);
	d->nvme = parent_is_nvme(name);
	read_queue(d);
	read_hwid(d);
	read_strings(d);
	read_slot(d);
	return 0;
}

/* From what a person typed */

static int refuse_partition(struct pnvme *h, const char *dev, const char *sysdir)
{
	char parent[PATH_MAX], *slash;

	put_text(parent, sizeof(parent), "%s", sysdir);
	slash = strrchr(parent, '/');
	if (slash)
		*slash = '\0';
	slash = strrchr(parent, '/');
	fail(h, -ENOTBLK, dev, "%s is a partition; pnvme takes a whole drive", dev);
	if (slash)
		set_hint(h, "use /dev/%s if you mean the drive it is on", slash + 1);
	return -ENOTBLK;
}

static int disk_of_node(struct pnvme *h, const char *dev, dev_t node, struct disk *d)
{
	char path[64], real[PATH_MAX], file[PATH_MAX + 16];
	const char *base;

	put_text(path, sizeof(path), "/sys/dev/block/%u:%u", major(node), minor(node));
	if (!realpath(path, real))
		return fail(h, -ENXIO, dev, "%s: there is no such device any more", dev);
	put_text(file, sizeof(file), "%s/partition", real);
	if (!access(file, F_OK))
		return refuse_partition(h, dev, real);
	base = strrchr(real, '/');
	if (!base || disk_read(base + 1, d))
		return fail(h, -ENXIO, dev, "%s: there is no such device any more", dev);
	return 0;
}

int disk_find(struct pnvme *h, const char *dev, struct disk *d)
{
	char path[PATH_MAX];
	struct stat st;

	put_text(path, sizeof(path), "%s%s", strchr(dev, '/') ? "" : "/dev/", dev);
	if (stat(path, &st)) {
		int err = -errno;

		fail(h, err, dev, "%s: %s", path, strerror(-err));
		if (err == -ENOENT)
			set_hint(h, "pnvme scan");
		return err;
	}
	if (!S_ISBLK(st.st_mode))
		return fail(h, -ENOTBLK, dev, "%s is not a block device", path);
	return disk_of_node(h, dev, st.st_rdev, d);
}

static bool may_be_drive(const char *name)
{
	static const char *const never[] = {
		"ram", "zram", "sr", "fd", "dm-", "md", "pnvme", "nbd", "mtdblock", ".",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(never); i++)
		if (!strncmp(name, never[i], strlen(never[i])))
			return false;
	return true;
}

static int filter(const struct dirent *e)
{
	return may_be_drive(e->d_name);
}

int disk_names(struct pnvme *h, char ***names, size_t *n)
{
	struct dirent **list;
	int i, count;

	*n = 0;
	count = scandir("/sys/block", &list, filter, versionsort);
	if (count < 0)
		return fail(h, -errno, "/sys/block", "/sys/block: %s", strerror(errno));
	*names = calloc((size_t)count + 1, sizeof(**names));
	for (i = 0; i < count; i++) {
		if (*names && ((*names)[*n] = strdup(list[i]->d_name)))
			(*n)++;
		free(list[i]);
	}
	free(list);
	if (*names && *n == (size_t)count)
		return 0;
	if (*names)
		disk_names_free(*names, *n);
	*n = 0;
	*names = NULL;
	return fail_nomem(h);
}

void disk_names_free(char **names, size_t n)
{
	while (n)
		free(names[--n]);
	free(names);
}

static int check_same(struct pnvme *h, const struct disk *d, int fd)
{
	unsigned long long seq;
	struct stat st;

	if (fstat(fd, &st) || !S_ISBLK(st.st_mode) || major(st.st_rdev) != d->major ||
	    minor(st.st_rdev) != d->minor)
		return fail(h, -ENXIO, d->path, "%s is not the device that sysfs describes",
			    d->path);
	if (ioctl(fd, BLKGETDISKSEQ, &seq))
		return fail(h, -errno, d->path, "%s: no disk sequence number: %s", d->path,
			    strerror(errno));
	if (seq != d->diskseq)
		return fail(h, -ESTALE, d->path,
			    "%s has become another device while it was looked at; try again",
			    d->path);
	return 0;
}

int disk_open(struct pnvme *h, const struct disk *d, int flags)
{
	int fd = open(d->path, flags | O_CLOEXEC), ret;

	if (fd < 0) {
		ret = -errno;
		fail(h, ret, d->path, "%s: %s", d->path, strerror(-ret));
		if (ret == -EACCES || ret == -EPERM)
			set_hint(h, "run it as root");
		return ret;
	}
	ret = check_same(h, d, fd);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

void disk_to_drive(const struct disk *k, struct pnvme_drive *d)
{
	put_text(d->name, sizeof(d->name), "%s", k->name);
	d->major = k->major;
	d->minor = k->minor;
	d->diskseq = k->diskseq;
	d->nvme = k->nvme;
	d->read_only = k->read_only;
	d->capacity = k->capacity;
	d->lba_size = k->lba_size;
	memcpy(d->nguid, k->nguid, sizeof(d->nguid));
	memcpy(d->eui, k->eui, sizeof(d->eui));
	memcpy(d->hwid, k->hwid, sizeof(d->hwid));
	d->hwid_type = k->hwid_type;
	d->proof = k->hwid_type == PNVME_HWID_NONE ? PNVME_PROOF_WEAK : PNVME_PROOF_STRONG;
	copy_text(d->serial, sizeof(d->serial), k->serial);
	copy_text(d->model, sizeof(d->model), k->model);
	copy_text(d->firmware, sizeof(d->firmware), k->firmware);
	copy_text(d->slot, sizeof(d->slot), k->slot);
}

/* The label holds a cut form of these strings. */
static bool text_differs(const char *disk, const char *label, size_t size)
{
	char cut[PNVME_MODEL_BYTES + PNVME_SERIAL_BYTES];

	copy_text(cut, size, disk);
	return strncmp(cut, label, size) != 0;
}

const char *disk_differs(const struct disk *k, const struct pnvme_label *l)
{
	if (k->hwid_type != l->hwid_type)
		return "kind of hardware ID";
	if (memcmp(k->hwid, l->hwid, sizeof(k->hwid)))
		return "hardware ID";
	if (k->hwid_type != PNVME_HWID_NONE)
		return NULL;
	if (text_differs(k->serial, l->serial, sizeof(l->serial)))
		return "serial number";
	if (k->nvme && text_differs(k->model, l->model, sizeof(l->model)))
		return "model";
	return NULL;
}
