// SPDX-License-Identifier: GPL-2.0
/*
 * The list of samples on the host, one file for each namespace. It tells how much was
 * lost; that nothing was can be told without it. Digests of data are nobody's business,
 * so only root reads them.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "seal.h"

#define HEADER "pnvme-seal 1\n"

static void list_dir(char out[PATH_MAX])
{
	put_text(out, PATH_MAX, "%s/seals", state_dir());
}

static void list_path(char out[PATH_MAX], const uint8_t ns[16], const char *suffix)
{
	char uuid[37];

	pnvme_uuid_format(ns, uuid);
	put_text(out, PATH_MAX, "%s/seals/%s.seal%s", state_dir(), uuid, suffix);
}

static void put_sample(FILE *f, const struct seal_sample *s)
{
	int i;

	fprintf(f, "%" PRIu64 " ", s->block);
	for (i = 0; i < DIGEST_BYTES; i++)
		fprintf(f, "%02x", s->digest[i]);
	fputc('\n', f);
}

static int put_all(FILE *f, const struct seal_sample *samples, size_t n)
{
	size_t i;

	fputs(HEADER, f);
	for (i = 0; i < n; i++)
		put_sample(f, &samples[i]);
	if (fflush(f) || ferror(f) || fsync(fileno(f)))
		return -errno;
	return 0;
}

static int make_dirs(void)
{
	char dir[PATH_MAX];

	/* as the record: what is written below a mount point is lost when that is mounted */
	if (record_away(dir, sizeof(dir)))
		return -ENXIO;
	if (mkdir(state_dir(), 0755) && errno != EEXIST)
		return -errno;
	list_dir(dir);
	return mkdir(dir, 0700) && errno != EEXIST ? -errno : 0;
}

int seal_list_write(const uint8_t ns[16], const struct seal_sample *samples, size_t n)
{
	char path[PATH_MAX];
	int fd, ret = make_dirs();
	FILE *f;

	if (ret)
		return ret;
	list_path(path, ns, ".new");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	f = fdopen(fd, "w");
	if (!f) {
		close(fd);
		return -ENOMEM;
	}
	ret = put_all(f, samples, n);
	fclose(f);
	if (ret)
		unlink(path);
	return ret;
}

int seal_list_keep(const uint8_t ns[16])
{
	char from[PATH_MAX], to[PATH_MAX], dir[PATH_MAX];
	int fd, ret = 0;

	list_path(from, ns, ".new");
	list_path(to, ns, "");
	list_dir(dir);
	if (rename(from, to))
		return -errno;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fsync(fd))
		ret = -errno;
	close(fd);
	return ret;
}

void seal_list_drop(const uint8_t ns[16])
{
	char path[PATH_MAX];

	list_path(path, ns, ".new");
	unlink(path);
	list_path(path, ns, "");
	unlink(path);
}

static int get_hex(FILE *f, uint8_t digest[DIGEST_BYTES])
{
	unsigned int v;
	int i;

	for (i = 0; i < DIGEST_BYTES; i++) {
		if (fscanf(f, "%2x", &v) != 1)
			return -EBADMSG;
		digest[i] = (uint8_t)v;
	}
	return 0;
}

static int get_all(FILE *f, struct seal_sample *samples, size_t n)
{
	char header[sizeof(HEADER)];
	size_t i;

	if (!fgets(header, sizeof(header), f) || strcmp(header, HEADER))
		return -EBADMSG;
	for (i = 0; i < n; i++)
		if (fscanf(f, "%" SCNu64, &samples[i].block) != 1 ||
		    get_hex(f, samples[i].digest))
			return -EBADMSG;
	return 0;
}

static int read_one(const char *path, struct seal_sample *samples, size_t n,
		    const uint8_t digest[DIGEST_BYTES])
{
	uint8_t own[DIGEST_BYTES];
	FILE *f = fopen(path, "re");
	int ret;

	if (!f)
		return -errno;
	ret = get_all(f, samples, n);
	fclose(f);
	if (!ret)
		seal_digest(samples, n, own);
	return !ret && memcmp(own, digest, DIGEST_BYTES) ? -EBADMSG : ret;
}

int seal_list_read(const uint8_t ns[16], struct seal_sample *samples, size_t n,
		   const uint8_t digest[DIGEST_BYTES])
{
	char path[PATH_MAX];
	int ret, other;

	if (record_away(path, sizeof(path)))
		return -ENXIO;
	list_path(path, ns, "");
	ret = read_one(path, samples, n, digest);
	if (!ret)
		return 0;
	/* the host stopped between the label and this */
	list_path(path, ns, ".new");
	other = read_one(path, samples, n, digest);
	return other ? ret : 0;
}
