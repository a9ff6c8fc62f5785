// SPDX-License-Identifier: GPL-2.0
/* Who this host is: a file, else the DMI product UUID, else the machine ID. */
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"

/* What boards report that were never given a UUID of their own. */
static const char *const worthless[] = {
	"03000200-0400-0500-0006-000700080009",
	"00020003-0004-0005-0006-000700080009",
	"12345678-1234-5678-90ab-cddeefaabbcc",
	"11111111-2222-3333-4444-555555555555",
	"fefefefe-fefe-fefe-fefe-fefefefefefe",
};

/* The first three fields are little-endian on some firmware versions. */
static void swap_order(const uint8_t in[16], uint8_t out[16])
{
	static const uint8_t from[16] = { 3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15 };
	int i;

	for (i = 0; i < 16; i++)
		out[i] = in[from[i]];
}

static bool all_same(const uint8_t id[16])
{
	return !memcmp(id, id + 1, 15);
}

static bool is_worthless(const uint8_t id[16])
{
	uint8_t bad[16], swapped[16];
	size_t i;

	swap_order(id, swapped);
	for (i = 0; i < ARRAY_SIZE(worthless); i++)
		if (!pnvme_uuid_parse(worthless[i], bad) &&
		    (!memcmp(bad, id, 16) || !memcmp(bad, swapped, 16)))
			return true;
	return all_same(id);
}

/* First word of a file; 0, or a negative errno. */
static int first_word(const char *path, char *out, size_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len;

	if (fd < 0)
		return -errno;
	len = read(fd, out, n - 1);
	close(fd);
	if (len < 0)
		return -errno;
	out[len] = '\0';
	out[strcspn(out, " \t\r\n")] = '\0';
	return 0;
}

static int from_file(struct pnvme *h, uint8_t id[16])
{
	char path[PATH_MAX], text[64];
	int ret;

	put_text(path, sizeof(path), "%s/hostid", config_dir());
	ret = first_word(path, text, sizeof(text));
	if (ret == -ENOENT || ret == -ENOTDIR)
		return -ENOENT;
	if (ret)
		return fail(h, ret, path, "%s: %s", path, strerror(-ret));
	if (pnvme_uuid_parse(text, id) || all_same(id)) {
		fail(h, -EINVAL, path, "%s does not hold a UUID", path);
		set_hint(h, "uuidgen > %s", path);
		return -EINVAL;
	}
	return 0;
}

static int from_dmi(struct pnvme *h, uint8_t id[16])
{
	static const char path[] = "/sys/class/dmi/id/product_uuid";
	char text[64];
	int ret = first_word(path, text, sizeof(text));

	if (ret == -EACCES || ret == -EPERM) {
		fail(h, ret, "host", "the ID of this host can be read by root only");
		set_hint(h, "run it as root");
		return ret;
	}
	if (ret || pnvme_uuid_parse(text, id) || is_worthless(id))
		return -ENOENT;
	return 0;
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 32 hex digits, no dashes */
static int from_machine_id(uint8_t id[16])
{
	char text[64];
	int i, hi, lo;

	if (first_word("/etc/machine-id", text, sizeof(text)) || strlen(text) != 32)
		return -ENOENT;
	for (i = 0; i < 16; i++) {
		hi = hex_value(text[2 * i]);
		lo = hex_value(text[2 * i + 1]);
		if (hi < 0 || lo < 0)
			return -ENOENT;
		id[i] = (uint8_t)(hi << 4 | lo);
	}
	return all_same(id) ? -ENOENT : 0;
}

static int find_host(struct pnvme *h)
{
	int ret = from_file(h, h->host);

	if (!ret)
		h->host_source = HOST_FILE;
	if (ret != -ENOENT)
		return ret;
	ret = from_dmi(h, h->host);
	if (!ret)
		h->host_source = HOST_DMI;
	if (ret != -ENOENT)
		return ret;
	if (!from_machine_id(h->host)) {
		h->host_source = HOST_MACHINE_ID;
		return 0;
	}
	fail(h, -ENOENT, "host",
	     "this host has no ID: no %s/hostid, no usable DMI product UUID, no machine-id",
	     config_dir());
	set_hint(h, "mkdir -p %s && cat /proc/sys/kernel/random/uuid > %s/hostid", config_dir(),
		 config_dir());
	return -ENOENT;
}

int host_id(struct pnvme *h, uint8_t id[16])
{
	int ret = 0;

	if (h->host_source == HOST_UNKNOWN)
		ret = find_host(h);
	if (!ret)
		memcpy(id, h->host, 16);
	return ret;
}

bool host_is(struct pnvme *h, const uint8_t owner[16], uint8_t form[16])
{
	uint8_t id[16], swapped[16];

	if (host_id(h, id))
		return false;
	swap_order(id, swapped);
	if (memcmp(owner, id, 16) &&
	    (h->host_source != HOST_DMI || memcmp(owner, swapped, 16)))
		return false;
	memcpy(form, owner, 16);
	return true;
}

API int pnvme_host_id(struct pnvme *h, uint8_t id[16])
{
	enter(h);
	return leave(h, host_id(h, id));
}
