#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Statistics: what is counted, for which queue, and what pnvme stat makes of it.
# Wants four processors; see PROCESSORS in vm/check.

# shellcheck disable=SC2317,SC2119	# functions are called by their names; load_module takes parameters

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=selftests/nl_lib.sh
. "$pnvme_dir/nl_lib.sh"

# NAME SIZE on the drive $uuid: its node in $node, its UUID in $id. What was counted
# until then (the search for partitions) does not count in what follows.
create()
{
	granted ns-create drive="$uuid" name="$1" size="$2"
	await_live "$1"
	node=/dev/$(field device) id=$(field uuid)
	nl_abi dump stat-get > "$PNVME_WORK/base"
}

# FIELD [ITEM...], lines of a dump on stdin: sum over those that have all the items;
# of "timed", the I/Os in the histograms
sum_of()
{
	awk -v name="$1" -v items="${*:2}" '
		BEGIN { wanted = split(items, item, " ") }
		{
			for (i = 1; i <= wanted; i++)
				if (index(" " $0 " ", " " item[i] " ") == 0) next
			for (i = 1; i <= NF; i++) {
				split($i, part, "=")
				if (part[1] == name) sum += part[2]
				if (name != "timed" || part[1] != "latency") continue
				n = split(part[2], pair, ",")
				for (k = 2; k <= n; k += 2) sum += pair[k]
			}
		}
		END { print sum + 0 }'
}

# FIELD [ITEM...]: what was counted since the namespace was made, by the kernel's own filter
total() { echo $(($(nl_abi dump stat-get "${@:2}" | sum_of "$@") - $(sum_of "$@" < "$PNVME_WORK/base"))); }

# [ITEM...]: I/Os in the histograms
timed() { total timed "$@"; }

LOAD=${NL_ABI%nl_abi}bench_load

# read|write IOS [CPU]: I/O to $node, eight in flight
load()
{
	taskset -c "${3:-0-$(($(nproc) - 1))}" "$LOAD" "$node" "$1" 4096 8 "$2" > /dev/null
}

# read|write [CPU]: the same until the test ends
load_on()
{
	taskset -c "${2:-0-$(($(nproc) - 1))}" "$LOAD" "$node" "$1" 4096 8 1000 forever > /dev/null &
	loader=$!
	defer kill "$loader"
}

# RW IOS [FIO-OPTION...]: by fio, its result in $PNVME_WORK/fio.json
by_fio()
{
	fio --name=load --filename="$node" --rw="$1" --number_ios="$2" --bs=4k --size=8m --direct=1 --ioengine=io_uring \
		--iodepth=8 --randrepeat=1 --norandommap "${@:3}" --output-format=json --output="$PNVME_WORK/fio.json" ||
		{ cat "$PNVME_WORK/fio.json" >&2; fail "fio on $node"; }
}

# OP NAME: what fio did
fio_did() { jq ".jobs[0].$1.$2" "$PNVME_WORK/fio.json"; }

# FIELD: of the lower drive's own statistics
lower_did() { awk -v n="$1" '{ print $n }' "/sys/block/${dev#/dev/}/stat"; }

equal() { [ "$2" = "$3" ] || fail "$1: $2 is not $3"; }

test_balance()
{
	: "queues, fio and the drive agree on I/Os and bytes, to the unit"
	local reads sectors writes written
	begin
	spare pnvme-a
	adopt "$dev"
	create one 16M
	echo 2 > "/sys/block/${dev#/dev/}/queue/nomerges"
	reads=$(lower_did 1) sectors=$(lower_did 3) writes=$(lower_did 5) written=$(lower_did 7)
	by_fio randread 500
	equal "I/Os read, by queues and by fio" "$(total ios namespace="$id" op=read)" "$(fio_did read total_ios)"
	equal "I/Os read, by queues and by the drive" "$(total ios op=read)" $(($(lower_did 1) - reads))
	equal "bytes read, by queues and by fio" "$(total bytes op=read)" "$(fio_did read io_bytes)"
	equal "bytes read, by queues and by the drive" "$(total bytes op=read)" $((($(lower_did 3) - sectors) * 512))
	by_fio randwrite 500
	equal "I/Os written, by queues and by fio" "$(total ios op=write)" "$(fio_did write total_ios)"
	equal "I/Os written, by queues and by the drive" "$(total ios op=write)" $(($(lower_did 5) - writes))
	equal "bytes written, by queues and by the drive" "$(total bytes op=write)" $((($(lower_did 7) - written) * 512))
	equal "in the histograms" "$(timed)" "$(total ios)"
	equal "in flight" "$(total in-flight)" 0
	# bytes also where the drive merges
	echo 0 > "/sys/block/${dev#/dev/}/queue/nomerges"
	written=$(lower_did 7) writes=$(total bytes op=write)
	by_fio write 500
	equal "bytes of merged writes" $(($(total bytes op=write) - writes)) $((($(lower_did 7) - written) * 512))
}

test_operations()
{
	: "flush, discard and write zeroes are counted as what they are"
	begin
	spare pnvme-a
	adopt "$dev"
	create one 16M
	blkdiscard -o 1M -l 4M "$node"
	blkdiscard -z -o 1M -l 2M "$node"
	dd if="$pnvme_text" of="$node" bs=4k count=1 conv=fsync,notrunc status=none
	equal "bytes discarded" "$(total bytes op=discard)" $((4 << 20))
	[ "$(total bytes op=write-zeroes)" = $((2 << 20)) ] || fail "write zeroes: $(total bytes op=write-zeroes)"
	[ "$(total ios op=flush)" -ge 1 ] || fail "no flush was counted"
	equal "bytes of flushes" "$(total bytes op=flush)" 0
	[ "$(timed op=discard)" -ge 1 ]
}

test_latency_setting()
{
	: "latency of all, of none, of one in N; switched under load"
	local n
	begin
	spare pnvme-a
	adopt "$dev"
	create one 16M
	granted drive-set uuid="$uuid" latency=0
	load read 200
	equal "timed with latency off" "$(timed)" 0
	equal "sum of latencies" "$(total latency-ns)" 0
	granted drive-set uuid="$uuid" latency=10
	load read 400
	n=$(timed)
	if [ "$n" -lt 36 ] || [ "$n" -gt 44 ]; then fail "$n of 400 I/Os were timed, not one in 10"; fi
	load_on read
	for n in 0 1 7 0 60000 1; do
		granted drive-set uuid="$uuid" latency="$n"
	done
	kill "$loader"
	wait "$loader" || true
	n=$(timed)
	load read 100
	equal "timed with latency on" $(($(timed) - n)) 100
}

# CPU: its queue, by the drive's own map; those for reads and polling come later
queue_of()
{
	local q
	for q in /sys/block/"${dev#/dev/}"/mq/*; do
		if [ -e "$q/cpu$1" ]; then
			echo "${q##*/}"
			return
		fi
	done
	fail "processor $1 has no queue"
}

# QUEUE: I/Os, as pnvme stat has it
shown_for() { pnvme -j stat --queue one | jq "[.stats[] | select(.queue == $1) | .ios] | add"; }

test_queues()
{
	: "I/O of a processor is counted for its queue"
	local cpu queues=() shown=()
	begin
	spare pnvme-a
	adopt "$dev"
	create one 16M
	[ "$(nproc)" -ge 2 ] || skip "needs several processors"
	for cpu in 0 1; do
		queues+=("$(queue_of "$cpu")")
		shown+=("$(shown_for "${queues[cpu]}")")
		load read $((200 + 100 * cpu)) "$cpu"
	done
	equal "queue of processor 0" "$(total ios queue="${queues[0]}")" 200
	equal "queue of processor 1" "$(total ios queue="${queues[1]}")" 300
	pnvme stat --queue one >&2
	equal "queue of processor 0, shown" $(($(shown_for "${queues[0]}") - shown[0])) 200
	equal "queue of processor 1, shown" $(($(shown_for "${queues[1]}") - shown[1])) 300
}

# QUEUE TABLE: the fourth column of its line for reads
shown_in() { awk -v q="$1" '$1 == "one" && $2 == q && $3 == "read" { n = $4 } END { print n + 0 }' "$2"; }

test_skew()
{
	: "a load that is mostly one processor's shows as that, line by line"
	local cpu reads=(20 30 600 40) table=$PNVME_WORK/table queue
	begin
	[ "$(nproc)" -ge 4 ] || skip "needs four processors"
	spare pnvme-a
	adopt "$dev"
	create one 16M
	pnvme stat --queue one > "$table.before"
	for cpu in 0 1 2 3; do load read "${reads[cpu]}" "$cpu"; done
	pnvme stat --queue one | tee "$table.after" >&2
	for cpu in 0 1 2 3; do
		queue=$(queue_of "$cpu")
		equal "reads in the line of processor $cpu" \
			$(($(shown_in "$queue" "$table.after") - $(shown_in "$queue" "$table.before"))) "${reads[cpu]}"
	done
	load_on read 2
	pnvme stat -i 2 -c 1 --queue one | tee "$table.rates" >&2
	for cpu in 0 1 3; do
		equal "reads a second by processor $cpu" "$(shown_in "$(queue_of "$cpu")" "$table.rates")" 0
	done
	[ "$(shown_in "$(queue_of 2)" "$table.rates")" -gt 0 ]
}

test_polled()
{
	: "polled I/O is counted as that, for the poll queues"
	local q
	begin
	spare pnvme-a
	adopt "$dev"
	create one 16M
	[ "$(cat /sys/module/nvme/parameters/poll_queues)" -gt 0 ] || skip "nvme.poll_queues is 0"
	by_fio randread 200 --hipri=1
	equal "polled" "$(total polled)" 200
	equal "I/Os" "$(total ios)" 200
	# the poll queues come last
	q=$(($(nl_abi dump stat-get op=read | wc -l) - 1))
	equal "I/Os of the last queue" "$(total ios queue="$q")" 200
}

# rw IOS [FIO-OPTION...]: NVMe commands to $node, a character device
commands() { by_fio "$1" "$2" --ioengine=io_uring_cmd --cmd_type=nvme --direct=0 "${@:3}"; }

# OP: its errors by class, as pnvme stat has them
errors_of() { pnvme -j stat one | jq -c "[.stats[] | select(.op == \"$1\") | .errors | to_entries[]]"; }

test_commands()
{
	: "NVMe commands count for their queue when the driver has them; those that are waited for have latency"
	local lba q
	begin
	spare pnvme-a
	adopt "$dev"
	create one 16M
	node=/dev/$(field generic)
	lba=$(cat "/sys/block/${dev#/dev/}/queue/logical_block_size")
	equal "operations before any command" "$(nl_abi dump stat-get op=passthru-other | wc -l)" 0
	# an ioctl is waited for
	nvme read "$node" -s 0 -c $((4096 / lba - 1)) -z 4096 -d "$PNVME_WORK/data" >&2
	equal "an ioctl" "$(total ios op=passthru-read) $(total bytes op=passthru-read)" "1 4096"
	equal "an ioctl in the histogram" "$(timed op=passthru-read)" 1
	commands randread 200 --cpus_allowed=1
	equal "reads" "$(total ios op=passthru-read) $(total bytes op=passthru-read)" "201 $((201 * 4096))"
	[ "$(total ios op=passthru-read queue="$(queue_of 1)")" -ge 200 ] || fail "not in the queue of processor 1"
	[ "$(total ios op=passthru-other)" -ge 1 ] || fail "Identify by fio was not counted"
	commands randwrite 100
	equal "writes" "$(total ios op=passthru-write) $(total bytes op=passthru-write)" "100 $((100 * 4096))"
	equal "in the histograms of forwarded commands" "$(timed op=passthru-read) $(timed op=passthru-write)" "1 0"
	equal "I/O of the block device" "$(total ios op=read) $(total ios op=write)" "0 0"
	equal "in flight" "$(total in-flight)" 0
	# beyond the end: as the drive would have answered
	must_fail nvme read "$node" -s $(((16 << 20) / lba)) -c $((4096 / lba - 1)) -z 4096 -d "$PNVME_WORK/data"
	equal "errors" "$(errors_of passthru-read)" '[{"key":"target","value":1}]'
	equal "a refusal" "$(total ios op=passthru-read) $(total bytes op=passthru-read)" "202 $((201 * 4096))"
	if [ "$(cat /sys/module/nvme/parameters/poll_queues)" -gt 0 ]; then
		commands randread 50 --hipri=1
		q=$(($(nl_abi dump stat-get op=read | wc -l) - 1))
		equal "polled" "$(total polled op=passthru-read) $(total ios queue="$q")" "50 50"
	fi
	pnvme stat one >&2
	commands_remapped
	granted drive-fail uuid="$uuid"
	must_fail nvme read "$node" -s 0 -c $((4096 / lba - 1)) -z 4096 -d "$PNVME_WORK/data"
	[[ $(errors_of passthru-other) == '[{"key":"transport",'* ]] || fail "without a drive: $(errors_of passthru-other)"
}

# The drive's queues change under what test_commands has counted.
commands_remapped()
{
	local poll=/sys/module/nvme/parameters/poll_queues counted had before
	counted=$(pnvme -j stat one | jq -cS '[.stats[] | select(.op == "passthru-read")]')
	had=$(cat "$poll")
	echo 2 > "$poll"
	defer eval "echo $had > $poll; echo 1 > /sys/block/${dev#/dev/}/device/reset_controller"
	before=$(cat "/sys/block/${dev#/dev/}"/mq/*/cpu_list)
	echo 1 > "/sys/block/${dev#/dev/}/device/reset_controller"
	[ "$(cat "/sys/block/${dev#/dev/}"/mq/*/cpu_list)" != "$before" ] || skip "the queues are what they were"
	sleep 3	# the watch looks once a second
	equal "what was counted" "$(pnvme -j stat one | jq -cS '[.stats[] | select(.op == "passthru-read")]')" "$counted"
	before=$(total ios op=passthru-read queue="$(queue_of 1)")
	commands randread 20 --cpus_allowed=1
	[ $(($(total ios op=passthru-read queue="$(queue_of 1)") - before)) -ge 20 ] || fail "not in the new queue of processor 1"
}

test_few_queues()
{
	: "fewer queues than processors"
	local cpu
	begin
	[ "$(nproc)" -ge 2 ] || skip "needs several processors"
	null_disk few 64 submit_queues=1 poll_queues=0
	adopt "$dev" any
	create one 16M
	for cpu in 0 1; do load read 100 "$cpu"; done
	equal "messages for read" "$(nl_abi dump stat-get op=read | wc -l)" 1
	equal "I/Os of queue 0" "$(total ios queue=0 op=read)" 200
	equal "I/Os of queue 1" "$(total ios queue=1)" 0
}

test_remap()
{
	: "queues are mapped anew under load: nothing is lost, nothing runs backwards"
	local dir=/sys/kernel/config/nullb/remap pid n before=0 now q
	begin
	[ "$(nproc)" -ge 2 ] || skip "needs several processors"
	null_disk remap 64 submit_queues=2 irqmode=2 completion_nsec=200000000
	adopt "$dev" any
	create one 16M
	by_fio randread 320 --numjobs=2 --cpus_allowed=0-3 --cpus_allowed_policy=split --iodepth=16 --group_reporting &
	pid=$!
	for n in 1 2 1 3 2; do
		echo "$n" > "$dir/submit_queues"
		for _ in {1..8}; do
			now=$(total ios)
			[ "$now" -ge "$before" ] || fail "$before I/Os became $now"
			before=$now
			sleep 0.15
		done
	done
	wait "$pid"
	equal "I/Os" "$(total ios op=read)" "$(fio_did read total_ios)"
	equal "in flight" "$(total in-flight)" 0
	for q in 0 1 2; do equal "in flight in queue $q" "$(total in-flight queue="$q")" 0; done
	equal "in the histograms" "$(timed)" "$(total ios)"
}

eight_in_flight() { [ "$(total in-flight op=read)" = 8 ]; }

test_in_flight()
{
	: "I/O that is under way is in flight; a drive without queues counts by processor"
	begin
	null_disk slow 64
	modprobe -q dm_mod || [ -e /dev/mapper/control ] || skip "no device mapper"
	dmsetup create pnvme-slow --table "0 131072 linear $dev 0"
	defer dmsetup remove --retry pnvme-slow
	defer "$NL_ABI" detach-all
	dmsetup mknodes pnvme-slow
	adopt /dev/mapper/pnvme-slow any
	create one 16M
	equal "queues" "$(nl_abi dump stat-get op=read | wc -l)" "$(getconf _NPROCESSORS_CONF)"
	# what is submitted now waits in device-mapper
	dmsetup suspend pnvme-slow
	load read 8 &
	wait_for eight_in_flight
	sleep 3
	dmsetup resume pnvme-slow
	wait
	equal "in flight" "$(total in-flight)" 0
	[ "$(pnvme -j stat one | jq '[.stats[].latency[] | select(.from_ns > 1e9) | .ios] | add')" = 8 ]
}

test_errors()
{
	: "errors are counted by class"
	begin
	null_disk stat 64
	adopt "$dev" any
	create one 8M
	echo "+$((($(field start) >> 9) + 4096))-$((($(field start) >> 9) + 4103))" > /sys/kernel/config/nullb/stat/badblocks
	must_fail dd if="$node" of=/dev/null bs=4k skip=512 count=1 iflag=direct status=none
	equal "errors" "$(pnvme -j stat one | jq -c '[.stats[] | select(.op == "read")][0].errors | add')" 1
	[ "$(pnvme stat one | awk '$2 == "read" { print $NF }')" = 1 ]
}

test_gone()
{
	: "namespaces come and go while statistics are read"
	local pid n
	begin
	spare pnvme-a
	adopt "$dev"
	for n in one two three; do create "$n" 1M; done
	while :; do nl_abi dump stat-get > /dev/null || exit 1; done &
	pid=$!
	for n in {1..6}; do
		detach "$uuid"
		attach "$dev"
		granted ns-delete name=two
		granted ns-create drive="$uuid" name=two size=1M keep-data
	done
	kill "$pid" || fail "the reader failed"
	equal "namespaces" "$(nl_abi dump stat-get op=read queue=0 | wc -l)" 3

}

test_command()
{
	: "pnvme stat: totals, rates, JSON, heat map, mistakes"
	local out reads pid
	load_module
	run pnvme drive adopt "$(drive 1)"
	run pnvme ns create pnvme0 one 16M
	run pnvme ns create pnvme0 two 16M
	node=/dev/pnvme0n1
	reads=$(pnvme -j stat one | jq '[.stats[].ios] | add')
	load read 150
	load write 150
	pnvme stat >&2
	out=$(pnvme stat)
	[[ $out == *NAME*OP*IOS*BYTES*MEAN*P50*P99*P99.9*MAX*IN-FLIGHT*ERRORS* ]]
	equal "lines for one" "$(grep -c '^one ' <<< "$out")" 2
	equal "JSON" "$(pnvme -j stat one | jq '.version, (.errors | length), ([.stats[].ios] | add)' | tr '\n' ' ')" \
		"1 0 $((300 + reads)) "
	equal "histogram in JSON" "$(pnvme -j stat one | jq '[.stats[].latency[].ios] | add')" $((300 + reads))
	equal "bounds in JSON" "$(pnvme -j stat one | jq '[.stats[].latency[] | .to_ns > .from_ns] | all')" true
	out=$(pnvme stat -i 0.2 -c 3 two)
	equal "tables" "$(grep -c '^NAME .*IO/S' <<< "$out")" 3
	equal "objects" "$(pnvme -j stat --interval=0.2 --count=2 | jq -c '.stats | length' | tr '\n' ' ')" "3 3 "
	equal "lines of the heat map" "$(pnvme stat --heat -i 0.2 -c 2 | wc -l)" 3
	load_on read
	out=$(pnvme stat --heat -c 2)
	echo "$out" >&2
	grep '|.*[#%@].*|' <<< "$out" >&2
	# a line is about a namespace, not about its name
	pnvme stat -i 2 -c 1 > "$PNVME_WORK/renamed" & pid=$!
	sleep 0.7
	run pnvme ns rename two zwei
	wait "$pid"
	cat "$PNVME_WORK/renamed" >&2
	equal "reads while it was renamed" "$(awk '$1 == "zwei" || $1 == "two" { print $2, $3 }' "$PNVME_WORK/renamed" | sort -u)" "read 0"
	fails 1 "no namespace" pnvme stat three
	fails 2 "interval takes seconds" pnvme stat -i 0
	fails 2 "interval takes seconds" pnvme stat -i nan
	fails 2 "count takes a number" pnvme stat -c x
	fails 2 "picture" pnvme -j stat --heat
	# reading is open to everyone
	nobody stat > /dev/null
}

pnvme_main "$@"
