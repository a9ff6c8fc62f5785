/* SPDX-License-Identifier: GPL-2.0 */
/*
 * NVMe commands to a node, by every way that there is: the ioctls, and io_uring with all that it
 * has to offer. Written without liburing and with structures of its own, as distributions that
 * this is built on have headers from before io_uring carried NVMe commands.
 */
#ifndef PASSTHRU_H
#define PASSTHRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/*
 * struct nvme_uring_cmd up to @rsvd2, struct nvme_passthru_cmd64 as a whole; in struct
 * nvme_passthru_cmd the result is in @rsvd2.
 */
struct command {
	uint8_t		opcode;
	uint8_t		flags;
	uint16_t	rsvd1;
	uint32_t	nsid;
	uint32_t	cdw2;
	uint32_t	cdw3;
	uint64_t	metadata;
	uint64_t	addr;
	uint32_t	metadata_len;
	uint32_t	data_len;
	uint32_t	cdw10;
	uint32_t	cdw11;
	uint32_t	cdw12;
	uint32_t	cdw13;
	uint32_t	cdw14;
	uint32_t	cdw15;
	uint32_t	timeout_ms;
	uint32_t	rsvd2;
	uint64_t	result;
};

#define COMMAND_BYTES	offsetof(struct command, result)	/* in a submission queue entry */

/* With IORING_SETUP_SQE128 */
struct sqe128 {
	uint8_t		opcode;
	uint8_t		flags;
	uint16_t	ioprio;
	int32_t		fd;
	uint32_t	cmd_op;
	uint32_t	pad;
	uint64_t	addr;
	uint32_t	len;
	uint32_t	uring_cmd_flags;
	uint64_t	user_data;
	uint16_t	buf_index;
	uint16_t	personality;
	int32_t		file_index;
	uint8_t		cmd[80];
};

/* With IORING_SETUP_CQE32 */
struct cqe32 {
	uint64_t	user_data;
	int32_t		res;
	uint32_t	flags;
	uint64_t	result;
	uint64_t	extra;
};

/* From <linux/io_uring.h> and <linux/nvme_ioctl.h> of later kernels */
#define RING_SQPOLL		(1U << 1)
#define RING_IOPOLL		(1U << 0)
#define RING_SQE128		(1U << 10)
#define RING_CQE32		(1U << 11)
#define RING_SINGLE_ISSUER	(1U << 12)
#define RING_DEFER_TASKRUN	(1U << 13)
#define RING_BIG		(RING_SQE128 | RING_CQE32)
#define OP_URING_CMD		46
#define SQE_FIXED_FILE		(1U << 0)
#define SQE_ASYNC		(1U << 4)
#define CMD_FIXED		(1U << 0)
#define NVME_IOC(dir, nr, bytes) (((dir) << 30) | ((bytes) << 16) | ('N' << 8) | (nr))
#define CMD_IO			NVME_IOC(3U, 0x80, 72)
#define CMD_IO_VEC		NVME_IOC(3U, 0x81, 72)
#define CMD_ADMIN		NVME_IOC(3U, 0x82, 72)
#define IOC_ID			NVME_IOC(0U, 0x40, 0)
#define IOC_ADMIN		NVME_IOC(3U, 0x41, 72)
#define IOC_SUBMIT_IO		NVME_IOC(1U, 0x42, 48)
#define IOC_IO			NVME_IOC(3U, 0x43, 72)
#define IOC_ADMIN64		NVME_IOC(3U, 0x47, 80)
#define IOC_IO64		NVME_IOC(3U, 0x48, 80)
#define IOC_IO64_VEC		NVME_IOC(3U, 0x49, 80)

enum {
	NVME_FLUSH = 0x00, NVME_WRITE = 0x01, NVME_READ = 0x02, NVME_WRITE_UNCORRECTABLE = 0x04, NVME_COMPARE = 0x05,
	NVME_WRITE_ZEROES = 0x08, NVME_DSM = 0x09, NVME_VERIFY = 0x0c, NVME_COPY = 0x19,
	NVME_IDENTIFY = 0x06,
};

/**
 * struct way - one way of sending a command
 * @name: for the command line
 * @ioctl: its number, 0 for io_uring
 * @setup: flags of the ring
 * @sqe_flags: of each entry; SQE_FIXED_FILE: the device is registered
 * @cmd_op: of io_uring
 * @fixed: from and into registered buffers
 */
struct way {
	const char	*name;
	uint32_t	ioctl;
	uint32_t	setup;
	uint8_t		sqe_flags;
	uint32_t	cmd_op;
	bool		fixed;
};

const struct way *way_named(const char *name);
bool way_vec(const struct way *way);

/**
 * struct node - an open device, and what sysfs says of the block device beside it
 * @lbas: 0 if there is no such block device
 * @max: bytes of a command
 */
struct node {
	const char	*path;
	int		fd;
	uint32_t	nsid;
	uint32_t	lba;
	uint64_t	lbas, max;
};

void node_open(struct node *node, const char *path, int flags);

struct ring {
	int		fd;
	unsigned int	entries, setup;
	unsigned int	*sq_head, *sq_tail, *sq_flags, *sq_array, *cq_head, *cq_tail;
	unsigned int	sq_mask, cq_mask;
	unsigned int	tail, unsent;	/* not told to the kernel yet */
	char		*sqes, *cqes;
};

int ring_open(struct ring *ring, unsigned int entries, unsigned int setup);	/* negative errno */
void ring_close(struct ring *ring);
int ring_register(struct ring *ring, int fd, void *buffer, size_t bytes);
int ring_register_buffers(struct ring *ring, const struct iovec *iov, unsigned int n);
struct sqe128 *ring_entry(struct ring *ring);	/* the next one, zeroed */
int ring_submit(struct ring *ring, unsigned int wait);	/* for as many completions */
bool ring_reap(struct ring *ring, struct cqe32 *cqe);
void entry_fill(struct sqe128 *sqe, const struct way *way, int fd, const struct command *command);

/* What became of a command: a negative errno, an NVMe status, or 0 */
struct outcome {
	int		status;
	uint64_t	result;
};

struct outcome send_command(const struct node *node, const struct way *way, const struct command *command);
const char *outcome_text(int status);
bool outcome_is(int status, const char *expected);	/* "ok", "EINVAL", "0x80", several with '|' between */

void command_lbas(struct command *command, uint64_t slba, uint32_t nlb);
void *pages(size_t bytes);
__attribute__((noreturn, format(printf, 1, 2))) void die(const char *format, ...);
uint64_t number(const char *text);
uint64_t pattern_word(uint64_t seed, uint64_t index);
void pattern_fill(void *data, size_t bytes, uint64_t seed, uint64_t at);
void pattern_check(const void *data, size_t bytes, uint64_t seed, uint64_t at, const char *who);

/* fetch.c: before a race */
void fetch_once(const struct node *node, uint32_t cdw12);

/* What a drive was told: all, and what lies outside the namespace */
struct traced {
	unsigned long	commands, outside, lost;
};

void trace_put(const char *file, const char *text);	/* below the directory of tracing */
int trace_open(const char *file, int flags);	/* -1: there is none */
bool trace_begin(const char *drive, uint64_t slba, uint64_t nlb);
struct traced trace_end(void);

int main_io(int argc, char **argv);
int main_cmd(int argc, char **argv);
int main_refusals(int argc, char **argv);
int main_race(int argc, char **argv);
int main_life(int argc, char **argv);
int main_bench(int argc, char **argv);
int main_allocs(int argc, char **argv);

#endif
