// SPDX-License-Identifier: GPL-2.0
/*
 * Hostile passthrough commands: whatever the bytes, what is let through reaches no LBA outside
 * the namespace. An oracle reads the translated command as a drive would, by the specification
 * and not by the policy's own tables.
 *
 * Commands are random or near an edge, the same on each run: policy_fuzz [SEED].
 */
#include <errno.h>
#include <linux/pnvme.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/policy.h"
#include "label_user.h"
#include "sample.h"

#define ROUNDS	600000
#define ALL	0xffffffffU

static struct pnvme_policy_ns ns;
static struct nvme_uring_cmd cmd, came;
static struct pnvme_policy_answer answer;
static uint8_t data[256 * 40], data_came[256 * 40];
static unsigned long accepted[256], accepted_admin[256], refused;
static __u64 seed, round_number;
static bool straight;		/* nothing of the command was spoilt, but where it reaches */
static bool inside;		/* all LBAs that the caller meant are the namespace's */

static void die(const char *what)
{
	fprintf(stderr,
		"policy_fuzz: round %llu: %s\n  came: opcode %#x nsid %u dwords 10 to 14: %#x %#x %#x %#x %#x, %u+%u bytes\n  sent: nsid %u, %#x %#x %#x %#x %#x; error %d, %s\n",
		round_number, what, came.opcode, came.nsid, came.cdw10, came.cdw11,
		came.cdw12, came.cdw13, came.cdw14, came.data_len, came.metadata_len, cmd.nsid, cmd.cdw10,
		cmd.cdw11, cmd.cdw12, cmd.cdw13, cmd.cdw14, answer.error,
		answer.act == PNVME_POLICY_REFUSE ? answer.why : "");
	abort();
}

static uint64_t below(uint64_t limit)
{
	return random_below(&seed, limit);
}

static uint64_t get(const uint8_t *p, unsigned int bytes)
{
	uint64_t v = 0;

	while (bytes--)
		v = v << 8 | p[bytes];
	return v;
}

static void put(uint8_t *p, uint64_t v, unsigned int bytes)
{
	while (bytes--) {
		*p++ = v;
		v >>= 8;
	}
}

/* --- what a drive would do ------------------------------------------------------------ */

static void touches(uint64_t slba, uint64_t nlb)
{
	unsigned __int128 end = (unsigned __int128)slba + nlb;

	if (nlb && (slba < ns.first || end > (unsigned __int128)ns.first + ns.lbas))
		die("reaches outside the namespace");
}

static bool moves_lbas(void)
{
	return cmd.opcode == 0x01 || cmd.opcode == 0x02 || cmd.opcode == 0x05;
}

/* Bytes that a drive moves to or from the host for it. */
static uint64_t drive_bytes(void)
{
	uint64_t n = (cmd.cdw12 & 0xff) + 1ULL;

	if (moves_lbas())
		return ((cmd.cdw12 & 0xffff) + 1ULL) << ns.lba_shift;
	switch (cmd.opcode) {
	case 0x09:
		return ((cmd.cdw10 & 0xff) + 1ULL) * 16;
	case 0x19:
		return n * ((cmd.cdw12 >> 8 & 0xf) == 1 ? 40 : 32);
	case 0x0d:
	case 0x11:
		return 16;
	case 0x15:
		return 8;
	case 0x0e:
		return (cmd.cdw10 + 1ULL) * 4;
	}
	return 0;
}

static uint64_t drive_metadata(void)
{
	bool pract = cmd.cdw12 & 1U << 29;

	if (!moves_lbas() || (ns.pi_type && pract && ns.meta_bytes == 8))
		return 0;
	return ((cmd.cdw12 & 0xffff) + 1ULL) * ns.meta_bytes;
}

static void drive_tags(void)
{
	bool host_tuples = moves_lbas() && ns.meta_bytes && !(cmd.cdw12 & 1U << 29);
	uint32_t tag = cmd.cdw14 - (uint32_t)ns.first;

	if (!ns.pi_type && ((cmd.cdw12 >> 26 & 0xf) || cmd.cdw14 || cmd.cdw15) && cmd.opcode != 0x09)
		die("protection information that the namespace has not");
	if (ns.pi_type != 1 && ns.pi_type != 2)
		return;
	if (host_tuples && cmd.opcode != 0x04)
		die("reference tags of the caller's reach the drive");
	if ((cmd.opcode <= 0x05 || cmd.opcode == 0x08 || cmd.opcode == 0x0c) && cmd.opcode && cmd.opcode != 0x04 &&
	    tag != came.cdw14)
		die("reference tag is not translated");
	if (cmd.opcode == 0x19 && (tag != came.cdw14 || !(cmd.cdw12 & 1U << 29) || !(cmd.cdw12 & 1U << 15)))
		die("reference tags of Copy");
}

static void drive_copy(void)
{
	unsigned int i, n = (cmd.cdw12 & 0xff) + 1, format = cmd.cdw12 >> 8 & 0xf;
	const uint8_t *d = data;
	uint64_t total = 0, nlb;

	if (format > 1)
		die("format of Copy that names a namespace");
	for (i = 0; i < n; i++, d += format ? 40 : 32) {
		nlb = get(d + 16, 2) + 1;
		total += nlb;
		touches(get(d + 8, 8), nlb);
		if (get(d, 4))
			die("source in another namespace");
		if ((ns.pi_type == 1 || ns.pi_type == 2) && (uint32_t)(get(d + 24, 4) - ns.first) != get(d - data + data_came + 24, 4))
			die("reference tag of a source is not translated");
	}
	touches((uint64_t)cmd.cdw11 << 32 | cmd.cdw10, total);
}

static void drive_reads(void)
{
	uint64_t slba = (uint64_t)cmd.cdw11 << 32 | cmd.cdw10;
	unsigned int i;

	switch (cmd.opcode) {
	case 0x08:
		if (cmd.cdw12 & 1U << 23)
			die("zeroes the whole namespace of the drive");
		/* fall through */
	case 0x01:
	case 0x02:
	case 0x04:
	case 0x05:
	case 0x0c:
		touches(slba, (cmd.cdw12 & 0xffff) + 1);
		break;
	case 0x09:
		for (i = 0; i <= (cmd.cdw10 & 0xff); i++)
			touches(get(data + 16 * i + 8, 8), get(data + 16 * i + 4, 4));
		break;
	case 0x19:
		drive_copy();
		break;
	case 0x00:
		break;
	case 0x0d:
	case 0x0e:
	case 0x11:
	case 0x15:
		if (!ns.sole)
			die("reservation of a drive with other namespaces");
		break;
	default:
		die("opcode is not one of the NVM command set");
	}
}

/* --- what must hold ------------------------------------------------------------------- */

static void check_refusal(void)
{
	refused++;
	if (!answer.error || !answer.why || !*answer.why)
		die("refused without an error or a reason");
	if (answer.error > 0 && !(answer.error & 0x4000))
		die("status without Do Not Retry");
}

/* Writes, by what the specification says of the opcode. */
static bool writes(void)
{
	return cmd.opcode == 0x01 || cmd.opcode == 0x04 || cmd.opcode == 0x08 || cmd.opcode == 0x09 ||
	       cmd.opcode == 0x19;
}

static void check_sent(bool vec)
{
	accepted[cmd.opcode]++;
	if (cmd.opcode != came.opcode || cmd.flags || cmd.rsvd1 || cmd.rsvd2 || cmd.cdw2 || cmd.cdw3)
		die("opcode, flags or reserved fields");
	if (came.nsid != ns.nsid || cmd.nsid != ns.lower_nsid)
		die("nsid");
	drive_reads();
	drive_tags();
	if (answer.data_len != drive_bytes() || answer.meta_len != drive_metadata() ||
	    cmd.metadata_len != answer.meta_len)
		die("length is not what a drive moves");
	if (answer.data_len ? !cmd.addr || !cmd.data_len || (!vec && cmd.data_len != answer.data_len) :
			      cmd.addr || cmd.data_len)
		die("buffer is not what a drive uses");
	if (!answer.meta_len != !cmd.metadata)
		die("metadata buffer");
	if (answer.modifies != writes() || answer.to_drive != (cmd.opcode & 1))
		die("direction");
	if ((answer.modifies || (cmd.opcode >= 0x0d && cmd.opcode <= 0x15 && cmd.opcode != 0x0e)) &&
	    (!ns.writable || ns.level < PNVME_POLICY_DATA))
		die("writes without leave");
	if (!cmd.opcode != answer.flushes && !(writes() && cmd.opcode != 0x04 && (cmd.cdw12 & 1U << 30)))
		die("flushes");
	if ((answer.act == PNVME_POLICY_COPY) != (cmd.opcode == 0x09 || cmd.opcode == 0x19))
		die("data with LBAs is not copied");
}

/* --- making commands ------------------------------------------------------------------ */

static void random_ns(void)
{
	static const uint32_t meta[] = { 0, 0, 0, 8, 8, 8, 16, 64 };

	memset(&ns, 0, sizeof(ns));
	ns.first = random_next(&seed) >> (1 + below(63));
	ns.lbas = 1 + (random_next(&seed) >> (2 + below(62)));
	ns.nsid = 1 + below(64);
	ns.lower_nsid = 65 + below(10);
	ns.lba_shift = 9 + below(8);
	ns.meta_bytes = meta[below(8)];
	ns.pi_type = ns.meta_bytes ? below(4) : 0;
	ns.level = below(8) ? PNVME_POLICY_DATA : below(3);
	ns.writable = below(8);
	ns.sole = below(2);
}

/* Where something begins or ends, or would after an overflow. */
static uint64_t edge(void)
{
	const uint64_t edges[] = {
		0, ns.lbas, ns.lbas, ns.first, ns.first + ns.lbas, 0 - ns.first, 0 - ns.lbas,
		1ULL << below(64), random_next(&seed), below(ns.lbas), below(ns.lbas), below(ns.lbas),
	};
	uint64_t at = edges[below(ARRAY_SIZE(edges))];

	return at + below(5) - 2;
}

/* A range, most often one of the namespace's: @max at most. */
static uint64_t range(uint64_t max, uint64_t *slba)
{
	uint64_t nlb = 1 + below(below(2) ? max : max < 64 ? max : 64);

	if (nlb > ns.lbas)
		nlb = ns.lbas;
	if (below(4)) {
		*slba = below(3) ? below(ns.lbas - nlb + 1) : ns.lbas - nlb;
	} else {
		*slba = edge();
		if (*slba >= ns.lbas || nlb > ns.lbas - *slba)
			inside = false;
	}
	return nlb;
}

static void set_lba(uint64_t slba)
{
	cmd.cdw10 = slba;
	cmd.cdw11 = slba >> 32;
}

/* For the command as it came: its ranges, or its sources. */
static void random_data(void)
{
	uint64_t slba, nlb, total = 0, to = (uint64_t)came.cdw11 << 32 | came.cdw10;
	unsigned int i, n, bytes = came.opcode == 0x09 ? 16 : came.cdw12 & 0x100 ? 40 : 32;

	memset(data, 0, sizeof(data));
	n = 1 + (came.opcode == 0x09 ? came.cdw10 & 0xff : came.cdw12 & 0xff);
	for (i = 0; i < n; i++) {
		nlb = range(came.opcode == 0x09 ? ALL : 65536, &slba);
		put(data + bytes * i + 8, slba, 8);
		if (came.opcode == 0x09)
			put(data + bytes * i + 4, nlb, 4);
		else
			put(data + bytes * i + 16, nlb - 1, 2);
		total += nlb;
	}
	if (came.opcode == 0x19 && (to >= ns.lbas || total > ns.lbas - to))
		inside = false;
	for (i = 0; came.opcode == 0x19 && i < n; i++)
		put(data + bytes * i + (bytes == 32 ? 24 : 26), random_next(&seed), 4);
	if (!below(8)) {
		data[below(n * bytes)] ^= 1 << below(8);
		straight = false;
	}
	memcpy(data_came, data, sizeof(data));
}

static unsigned int few(void)
{
	return below(4) ? below(4) : below(256);
}

static void random_command(void)
{
	static const uint8_t known[] = {
		0x00, 0x01, 0x01, 0x02, 0x02, 0x04, 0x05, 0x08, 0x09, 0x09, 0x0c, 0x0d, 0x0e, 0x11, 0x15, 0x19, 0x19,
	};
	uint64_t slba = 0, nlb;

	memset(&cmd, 0, sizeof(cmd));
	cmd.opcode = known[below(ARRAY_SIZE(known))];
	cmd.nsid = ns.nsid;
	nlb = range(65536, &slba);
	if (cmd.opcode == 0x09) {
		cmd.cdw10 = few();
		cmd.cdw11 = below(8);
		inside = true;
	} else if (cmd.opcode == 0x19) {
		set_lba(slba);
		inside = slba < ns.lbas;
		cmd.cdw12 = few() | (ns.pi_type ? 1U << 29 | 1U << 15 : below(2) << 8);
	} else if (cmd.opcode == 0x0e) {
		cmd.cdw10 = few();
		inside = true;
	} else if (cmd.opcode >= 0x0d || !cmd.opcode) {
		inside = true;
	} else {
		set_lba(slba);
		cmd.cdw12 = (nlb - 1) | (ns.pi_type && cmd.opcode != 0x04 ? 1U << 29 : 0);
	}
	/* tuples of the caller's own, with room for them */
	if (ns.pi_type && !below(4)) {
		cmd.cdw12 &= ~(1U << (below(2) ? 29 : 15));
		straight = false;
	}
	if (below(2) && cmd.opcode != 0x04 && cmd.opcode < 0x0d && cmd.opcode != 0x09)
		cmd.cdw12 |= 1U << 30;
	cmd.cdw14 = below(2) ? cmd.cdw10 : random_next(&seed);
	if (cmd.opcode == 0x04 || cmd.opcode == 0x0c || cmd.opcode == 0x08)
		cmd.cdw13 = random_next(&seed);
	if (drive_bytes() <= ALL)
		cmd.data_len = drive_bytes();
	else
		straight = false;
	cmd.addr = cmd.data_len ? (random_next(&seed) >> 16 & ~3ULL) | 4 : 0;
	cmd.metadata_len = drive_metadata();
	cmd.metadata = cmd.metadata_len ? 0x1000 : 0;
}

/* One field, or one bit of it. */
static void spoil(void)
{
	uint8_t *p = (uint8_t *)&cmd;
	size_t at = below(sizeof(cmd) / 4) * 4;

	switch (below(4)) {
	case 0:
		put(p + at, random_next(&seed), 4);
		break;
	case 1:
		put(p + at, below(3) - 1, 4);
		break;
	case 2:
		cmd.opcode = random_next(&seed);
		break;
	default:
		p[below(sizeof(cmd))] ^= 1 << below(8);
	}
	straight = false;
}

/* A straight command of a namespace where all is allowed ends as where it reaches says. */
static void check_straight(void)
{
	bool allowed = ns.level >= PNVME_POLICY_DATA && ns.writable &&
		       (!ns.pi_type || ns.meta_bytes == 8 || !cmd.opcode || cmd.opcode == 0x04 ||
			cmd.opcode == 0x09 || (cmd.opcode >= 0x0d && cmd.opcode <= 0x15)) &&
		       (ns.sole || cmd.opcode < 0x0d || cmd.opcode == 0x19);

	if (!straight || !allowed)
		return;
	if (inside && answer.act == PNVME_POLICY_REFUSE)
		die("refused what is allowed");
	if (!inside && (answer.act != PNVME_POLICY_REFUSE || answer.error != 0x4080))
		die("LBA out of range is not what it ends with");
}

/*
 * Limited retry is for the drive alone, and leads past the short way that the plainest commands
 * take: with it a Read or Write must become the same, or be refused alike.
 */
#define LIMITED_RETRY 0x80000000U

static void check_detour(bool vec)
{
	struct pnvme_policy_answer other;
	struct nvme_uring_cmd detour = came;

	if ((came.opcode != 0x01 && came.opcode != 0x02) || (came.cdw12 & LIMITED_RETRY))
		return;
	detour.cdw12 |= LIMITED_RETRY;
	pnvme_policy_io(&ns, &detour, vec, &other);
	detour.cdw12 &= ~LIMITED_RETRY;
	if (memcmp(&detour, &cmd, sizeof(cmd)))
		die("the short way translates otherwise");
	if (other.act != answer.act || other.error != answer.error || other.why != answer.why ||
	    other.data_len != answer.data_len || other.meta_len != answer.meta_len ||
	    other.modifies != answer.modifies || other.flushes != answer.flushes ||
	    other.to_drive != answer.to_drive || other.class != answer.class)
		die("the short way judges otherwise");
}

static void try_io(void)
{
	unsigned int spoils = below(3) ? 0 : 1 + below(3);
	bool vec = !below(8);

	straight = true;
	inside = true;
	random_command();
	while (spoils--)
		spoil();
	came = cmd;
	if (vec)
		cmd.data_len = came.data_len = cmd.data_len ? 1 + below(8) : 0;
	pnvme_policy_io(&ns, &cmd, vec, &answer);
	check_detour(vec);
	if (answer.act == PNVME_POLICY_REFUSE) {
		check_refusal();
		if (memcmp(&cmd, &came, sizeof(cmd)))
			die("refused, and changed");
	} else if (answer.act == PNVME_POLICY_COPY) {
		if (answer.data_len > sizeof(data))
			die("more data than there can be");
		random_data();
		pnvme_policy_data(&ns, &cmd, data, &answer);
		if (answer.act == PNVME_POLICY_REFUSE)
			check_refusal();
	}
	if (answer.act != PNVME_POLICY_REFUSE)
		check_sent(vec);
	check_straight();
}

/* --- admin commands ------------------------------------------------------------------- */

static void check_admin_sent(void)
{
	uint32_t dwords = cmd.cdw10 >> 16 | cmd.cdw11 << 16;
	uint64_t bytes = 0;

	accepted_admin[cmd.opcode]++;
	if (cmd.flags || answer.modifies || answer.to_drive || cmd.opcode != came.opcode)
		die("admin command that writes");
	if (cmd.nsid && cmd.nsid != ns.lower_nsid && cmd.nsid != ALL && answer.act != PNVME_POLICY_MAKE)
		die("admin command for another namespace");
	if (cmd.opcode == 0x02) {
		bytes = (dwords + 1ULL) * 4;
		if (!(cmd.cdw10 & 0x8000) || (cmd.cdw10 & 0x7f00))
			die("log page that may change something");
	} else if (cmd.opcode == 0x06) {
		bytes = 4096;
		if (cmd.cdw10 >> 8 || (cmd.cdw10 & 0xff) > 8)
			die("structure that tells of others");
		if (answer.act == PNVME_POLICY_FORWARD && (cmd.cdw10 == 0 || cmd.cdw10 == 1))
			die("structure is not edited");
		if ((cmd.cdw10 == 0 || cmd.cdw10 == 5 || cmd.cdw10 == 8) && cmd.nsid != ns.lower_nsid)
			die("Identify of another namespace");
	} else if (cmd.opcode == 0x0a) {
		bytes = answer.data_len;
		if (ns.level < PNVME_POLICY_ADMIN)
			die("feature without leave");
	} else {
		die("admin command that is not allowed");
	}
	if (answer.data_len != bytes || cmd.data_len != bytes || !cmd.addr != !bytes || cmd.metadata)
		die("length of an admin command");
}

static void try_admin(void)
{
	static const uint8_t known[] = { 0x02, 0x06, 0x0a }, ids[] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0c, 0x0e, 0x16 };
	static uint8_t id[PNVME_POLICY_IDENTIFY_BYTES];
	const uint32_t nsids[] = { 0, ns.nsid, ns.nsid, ns.lower_nsid, ALL };
	unsigned int spoils = below(3) ? 0 : 1 + below(2);

	ns.level = below(3);
	memset(&cmd, 0, sizeof(cmd));
	cmd.opcode = known[below(3)];
	cmd.nsid = nsids[below(5)];
	cmd.cdw10 = ids[below(ARRAY_SIZE(ids))];
	cmd.data_len = cmd.opcode == 0x0a ? cmd.cdw10 == 0x0c ? 256 : cmd.cdw10 == 0x0e ? 8 : 0 : 4096;
	if (cmd.opcode == 0x02)
		cmd.cdw10 |= 1023 << 16 | below(128) << 8;
	cmd.addr = cmd.data_len ? 0x1000 : 0;
	while (spoils--)
		spoil();
	came = cmd;
	pnvme_policy_admin(&ns, &cmd, &answer);
	if (answer.act == PNVME_POLICY_REFUSE) {
		check_refusal();
		return;
	}
	check_admin_sent();
	if (cmd.opcode == 0x06) {
		put(id + 38, random_next(&seed), 8);
		pnvme_policy_edit(&ns, &cmd, id);
	}
}

/* A fuzzer that is refused everything, or nothing, proves nothing. */
static bool thorough(void)
{
	static const uint8_t io[] = { 0x00, 0x01, 0x02, 0x04, 0x05, 0x08, 0x09, 0x0c, 0x0d, 0x0e, 0x11, 0x15, 0x19 };
	unsigned int i;

	for (i = 0; i < sizeof(io); i++)
		if (accepted[io[i]] < ROUNDS / 1000)
			return false;
	return refused > ROUNDS / 10 && accepted_admin[0x02] > ROUNDS / 1000 &&
	       accepted_admin[0x06] > ROUNDS / 1000 && accepted_admin[0x0a] > ROUNDS / 1000;
}

int main(int argc, char **argv)
{
	unsigned long sum = 0;
	unsigned int i;
	bool ok;

	seed = argc > 1 ? strtoull(argv[1], NULL, 0) : 1;
	printf("KTAP version 1\n1..1\n");
	fflush(stdout);
	for (round_number = 0; round_number < ROUNDS; round_number++) {
		if (!(round_number & 7))
			random_ns();
		if ((round_number & 7) == 7)
			try_admin();
		else
			try_io();
	}
	for (i = 0; i < 256; i++)
		sum += accepted[i] + accepted_admin[i];
	ok = thorough();
	printf("# %d commands: %lu sent, of these %lu Copy and %lu Dataset Management; %lu refused\n", ROUNDS, sum,
	       accepted[0x19], accepted[0x09], refused);
	printf("%sok 1 - what is let through reaches nothing outside the namespace\n", ok ? "" : "not ");
	return ok ? 0 : 1;
}
