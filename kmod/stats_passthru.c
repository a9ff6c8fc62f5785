// SPDX-License-Identifier: GPL-2.0
/*
 * Statistics of passthrough, but for the fast path. Two kinds of commands: those that are
 * forwarded, whose completion we do not see, and those that we wait for, which have a latency.
 */
#include <linux/blkdev.h>
#include <linux/nvme.h>

#include "stats.h"

#define STATUS_BITS 0x7ff	/* status code type and status code; without CRD, More, DNR */

/* The class that the driver puts an NVMe status into for block I/O. */
static blk_status_t status_of_nvme(unsigned int status)
{
	switch (status & STATUS_BITS) {
	case NVME_SC_WRITE_FAULT:
	case NVME_SC_READ_ERROR:
	case NVME_SC_UNWRITTEN_BLOCK:
	case NVME_SC_ACCESS_DENIED:
	case NVME_SC_READ_ONLY:
	case NVME_SC_COMPARE_FAILED:
		return BLK_STS_MEDIUM;
	case NVME_SC_GUARD_CHECK:
	case NVME_SC_APPTAG_CHECK:
	case NVME_SC_REFTAG_CHECK:
	case NVME_SC_INVALID_PI:
		return BLK_STS_PROTECTION;
	case NVME_SC_INVALID_OPCODE:
	case NVME_SC_INVALID_FIELD:
	case NVME_SC_INVALID_NS:
	case NVME_SC_BAD_ATTRIBUTES:
		return BLK_STS_NOTSUPP;
	case NVME_SC_LBA_RANGE:
	case NVME_SC_CMD_INTERRUPTED:
	case NVME_SC_NS_NOT_READY:
		return BLK_STS_TARGET;
	case NVME_SC_CAP_EXCEEDED:
		return BLK_STS_NOSPC;
	case NVME_SC_RESERVATION_CONFLICT:
		return BLK_STS_RESV_CONFLICT;
	case NVME_SC_HOST_PATH_ERROR:
		return BLK_STS_TRANSPORT;
	default:
		return BLK_STS_IOERR;
	}
}

/* Of an error that is not 0. */
static blk_status_t status_of(int error)
{
	return error > 0 ? status_of_nvme(error) : errno_to_blk_status(error);
}

/* See pnvme_stats_passthru(); no data was moved. */
void pnvme_stats_passthru_error(struct pnvme_stats *stats, enum pnvme_row row, int error)
{
	struct pnvme_cpu_stats __percpu *cpu;

	if (error == -EAGAIN)
		return;
	pnvme_stats_has_passthru(stats);
	preempt_disable();
	cpu = READ_ONCE(stats->cpu);
	pnvme_stats_error(cpu, row, status_of(error));
	this_cpu_inc(cpu->row[row].done);
	preempt_enable();
}

/**
 * pnvme_stats_passthru_begin - a passthrough command is about to be sent, and waited for
 * @stats: of its namespace
 * @key: result, for pnvme_stats_passthru_end()
 * @row: PNVME_ROW_PASSTHRU_READ, _WRITE or _OTHER
 * @every: the drive's latency setting
 *
 * Nothing is counted yet.
 */
void pnvme_stats_passthru_begin(struct pnvme_stats *stats, struct pnvme_stat_key *key,
				enum pnvme_row row, u32 every)
{
	struct pnvme_cpu_stats __percpu *cpu;

	key->row = row;
	preempt_disable();
	cpu = READ_ONCE(stats->cpu);
	key->queue = __this_cpu_read(cpu->queue[pnvme_row_map(row)]);
	key->time = pnvme_stats_timed(cpu, every) ? ktime_get_ns() : 0;
	preempt_enable();
}

/**
 * pnvme_stats_passthru_end - count that command
 * @stats: of its namespace
 * @key: as pnvme_stats_passthru_begin() left it
 * @bytes: of its data
 * @error: as of pnvme_stats_passthru()
 *
 * It has waited, so the lock of a base costs little. There is the histogram too, made when it
 * is wanted: on every CPU those of three rows would take 5 KB that are hardly ever used.
 */
void pnvme_stats_passthru_end(struct pnvme_stats *stats, const struct pnvme_stat_key *key,
			      unsigned int bytes, int error)
{
	u64 ns = key->time ? ktime_get_ns() - key->time : 0;

	if (error == -EAGAIN)
		return;
	pnvme_stats_has_passthru(stats);
	pnvme_stats_elsewhere(stats, key, error ? 0 : bytes, ns,
			      error ? status_of(error) : BLK_STS_OK);
}
