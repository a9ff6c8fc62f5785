/* SPDX-License-Identifier: GPL-2.0 */
/* Inside libpnvme: sampling for seals. Documentation/seal.rst says how, and why so. */
#ifndef PNVME_SEAL_H
#define PNVME_SEAL_H

#include "internal.h"

#define DIGEST_BYTES 32

/* seal_order.c: a random order of blocks, the same for the same seed */
struct seal_order {
	uint64_t	blocks;
	unsigned int	half;		/* bits of either half of a number */
	uint64_t	key[8];
};

void seal_order_init(struct seal_order *o, const uint8_t seed[16], uint64_t blocks);
uint64_t seal_order_block(const struct seal_order *o, uint64_t index);
uint64_t seal_order_index(const struct seal_order *o, uint64_t block);

/**
 * struct seal_sample - one block
 * @index: where it is in the order
 * @block: number in the namespace
 * @digest: SHA-256 of it
 */
struct seal_sample {
	uint64_t	index;
	uint64_t	block;
	uint8_t		digest[DIGEST_BYTES];
};

/**
 * struct sampling - the first blocks in an order that are not zero
 * @fd: to read from, O_DIRECT
 * @order: the order
 * @end: only indexes below
 * @want: how many at most
 * @samples: them, in the order; room for @want
 * @n: how many
 * @looked: the index after the last one that counts
 * @progress: may be NULL
 * @arg: of @progress
 * @bad: first byte of a block that could not be read, UINT64_MAX if there is none
 */
struct sampling {
	int			fd;
	struct seal_order	order;
	uint64_t		end;
	size_t			want;
	struct seal_sample	*samples;
	size_t			n;
	uint64_t		looked;
	pnvme_progress_fn	progress;
	void			*arg;
	uint64_t		bad;
};

/* seal_sample.c; these set no message. */
/* -EINTR: by @progress; -EIO and the like: @bad tells where. */
int sampling_run(struct sampling *s);
void seal_digest(const struct seal_sample *samples, size_t n, uint8_t digest[DIGEST_BYTES]);

/* What reading blocks again found: in each @same, or @error. */
struct seal_check {
	bool	same;
	int	error;
};

int seal_compare(int fd, const struct seal_sample *samples, size_t n, struct seal_check *found,
		 pnvme_progress_fn progress, void *arg);

/* seal_list.c: the list on the host; these set no message */
int seal_list_write(const uint8_t ns[16], const struct seal_sample *samples, size_t n);
int seal_list_keep(const uint8_t ns[16]);	/* what was written takes the old one's place */
void seal_list_drop(const uint8_t ns[16]);
/* Only one that has this digest; -ENOENT, -EBADMSG. @samples has room for @n. */
int seal_list_read(const uint8_t ns[16], struct seal_sample *samples, size_t n,
		   const uint8_t digest[DIGEST_BYTES]);

#endif
