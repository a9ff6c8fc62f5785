#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The command: exit codes, JSON, arguments, addressing, and each command once.
# shellcheck disable=SC2317,SC2119	# functions are called by their names

# shellcheck source=selftests/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck disable=SC2154	# lib.sh sets it
label() { "$pnvme_dir/label_edit.py" "$@"; }

# [N]: the Nth spare drive, adopted: $dev, $uuid
adopted()
{
	load_module
	dev=$(drive "${1:-1}")
	uuid=$(pnvme -j drive adopt "$dev" | json '.drives[0].uuid')
}

# ARRAY NAME FIELD: what the command shows of a drive or namespace
ns_field() { pnvme -j ns show "$1" | json ".namespaces[0].$2"; }
drive_field() { pnvme -j drive show "$1" | json ".drives[0].$2"; }

# CODE CMD...: exits with it; its output is in $PNVME_WORK/stdout
exits()
{
	local code=$1 status=0
	shift
	echo "\$ $*    # must exit $code" >&2
	"$@" > "$PNVME_WORK/stdout" || status=$?
	cat "$PNVME_WORK/stdout" >&2
	[ "$status" = "$code" ] || fail "exit status $status instead of $code: $*"
}

# WORD CMD...: is bad usage, and the sentence has the word; with few processes, for long lists
bad_usage()
{
	local word=$1 text status=0
	shift
	text=$("$@" 2>&1 > /dev/null) || status=$?
	echo "\$ $*    # must exit 2"$'\n'"$text" >&2
	[ "$status" = 2 ] || fail "exit status $status instead of 2: $*"
	[[ $text == pnvme:*"$word"* ]] || fail "stderr does not say '$word': $*"
}

# EXPR VALUE CMD...: what the JSON of the command says; its exit status is not looked at
shows()
{
	local expr=$1 value=$2 is
	shift 2
	is=$({ "$@" || true; } | json "$expr")
	[ "$is" = "$value" ] || fail "$* shows '$is' for $expr, not '$value'"
}

# DEV CMD...: succeeds, and no byte of the drive is another one then
harmless()
{
	local dev=$1 before
	shift
	before=$(checksum "$dev")
	run "$@"
	[ "$before" = "$(checksum "$dev")" ] || fail "this changed $dev: $*"
}

# The table on stdin, "EXIT ARRAYS COMMAND...", run with --json: one object with
# all that it must have, also on failure. ARRAYS: d(rives) n(amespaces) or -.
json_table() { python3 -c "$judge_json" >&2; }

judge_json='
import json, shlex, subprocess, sys
KEYS = {
    "drives": "uuid instance device state verdict proof epoch slot size free largest_free holds fences",
    "namespaces": "name uuid nguid nsid drive device generic size start open state",
    "errors": "code object message hint",
}
bad = 0
for line in sys.stdin:
    code, arrays, *cmd = shlex.split(line, comments=True) or ["", ""]
    if not code:
        continue
    p = subprocess.run(["pnvme", *cmd], capture_output=True, text=True)
    wrong = []
    if p.returncode != int(code):
        wrong.append(f"exit status {p.returncode} instead of {code}")
    try:
        out = json.loads(p.stdout)
        if not isinstance(out, dict):
            raise ValueError("no object")
    except ValueError as e:
        out = {}
        wrong.append(f"stdout is not one JSON object: {e}: {p.stdout[:300]!r}")
    if out and out.get("version") != 1:
        wrong.append("no version")
    want = {"d": "drives", "n": "namespaces"}
    for name in [want[a] for a in arrays if a != "-"] + ["errors"]:
        if out and not isinstance(out.get(name), list):
            wrong.append(f"no array {name}")
    for name, keys in KEYS.items():
        for item in out.get(name) or []:
            missing = [k for k in keys.split() if k not in item]
            if missing:
                wrong.append(f"{name}: without {missing}")
    errors = out.get("errors") or []
    if code not in ("0", "3") and out and not errors:
        wrong.append("failed without an error")
    if code == "0" and errors:
        wrong.append(f"succeeded with errors: {errors}")
    for e in errors:
        if not e.get("code") or not e.get("message"):
            wrong.append(f"an error without code or message: {e}")
        elif e["message"] not in p.stderr:
            wrong.append(f"not said on stderr: {e}; {p.stderr!r}")
    print("$ pnvme", *cmd, "->", p.returncode)
    for w in wrong:
        print("FAILED: pnvme", *cmd, ":", w)
    bad += len(wrong)
sys.exit(bad > 0)
'

test_without_module()
{
	: "without the module: scan, examine, help; exit code 4 from the others"
	local dev
	dev=$(drive 1)
	if modinfo pnvme > /dev/null 2>&1; then skip "the installed module loads itself"; fi
	unload_module
	run pnvme scan | grep "${dev#/dev/} .*blank"
	json_table <<-END
		0 dn scan -j
		0 dn -j drive examine $dev
		0 -  -j version
		0 -  -j help
		4 dn -j status
		4 dn -j
		4 dn -j drive show
		4 n  -j ns show
		4 d  -j drive adopt $dev
		4 dn -j drive attach --all
		4 d  -j drive detach --all
		4 n  -j ns create pnvme0 x 1G
		4 n  -j ns delete x
		4 d  -j drive set pnvme0 latency=on
		4 -  -j events --timeout=1
	END
	fails_with 4 "modprobe pnvme" pnvme drive show
	[ -z "$(wipefs "$dev")" ] || fail "adopt without the module wrote to $dev"
}

test_usage()
{
	: "usage: exit code 2, also as JSON, and help for every command"
	local line
	json_table <<-END
		2 - -j nonsense
		2 - -j drive nonsense
		2 - nonsense --json
		2 - -j drive
		2 - -j ns
		2 d -j drive adopt
		2 d -j drive adopt a b
		2 d -j drive adopt --nonsense a
		2 d -j drive adopt --overwrite
		2 d drive adopt --any=x a -j
		2 - -j -Z status
		2 dn -j status x
		2 dn -j drive attach
		2 dn -j drive attach --all --auto
		2 d -j drive detach
		2 d -j drive set pnvme0
		2 d -j drive set pnvme0 latency
		2 d -j drive set pnvme0 latency=2
		2 d -j drive set pnvme0 latency=1/0
		2 d -j drive set pnvme0 hold-timeout=-1
		2 d -j drive set pnvme0 hold-timeout=99999999999999999999
		2 d -j drive set pnvme0 on-resume=maybe
		2 d -j drive set pnvme0 nonsense=1
		2 d -j drive import /dev/null
		2 d -j drive import /dev/null --from=me
		2 d -j drive erase /dev/null
		2 d -j drive forget pnvme0
		2 n -j ns create pnvme0 x
		2 n -j ns set x policy=all
		2 n -j ns set x read-only=yes
		2 n -j ns rename x
		2 - -j events --count=0
		2 - -j events --timeout=x
		2 - -j help nonsense
		0 - -j help
		0 - -j help ns create
		0 - -j ns create --help
		0 - -j ns --help
	END
	fails 2 "there is no command .nonsense." pnvme nonsense
	# letters in a word of several: which of them it is
	bad_usage "there is no option -1; an argument that begins with - comes behind --" pnvme ns resize data -1G
	bad_usage "there is no option -x" pnvme -jx status
	bad_usage "the option -i needs a value" pnvme stat -ji
	bad_usage "the option --json=1 takes no value" pnvme status --json=1
	bad_usage "the option --any=x takes no value" pnvme drive adopt a --any=x
	pnvme help > "$PNVME_WORK/help"
	pnvme -j help | jq -r '.commands[] | [.object, .command | select(.)] | join(" ")' > "$PNVME_WORK/commands"
	[ "$(wc -l < "$PNVME_WORK/commands")" -ge 20 ]
	while read -r line; do
		# shellcheck disable=SC2086	# words
		[[ $(pnvme $line --help) == "Usage: pnvme $line"* ]] || fail "no help for $line"
		grep -q "^  $line" "$PNVME_WORK/help" || fail "$line is not in pnvme help"
	done < "$PNVME_WORK/commands"
	[ "$(pnvme help ns create)" = "$(pnvme ns create --help)" ]
	[ "$(pnvme --help)" = "$(< "$PNVME_WORK/help")" ]
	[ "$(pnvme -h)" = "$(< "$PNVME_WORK/help")" ]
	[ "$(pnvme help --help)" != "$(< "$PNVME_WORK/help")" ]
}

# WANT WORD...: what bash offers for the last of these words, which stand as readline breaks them
completes()
{
	local want=$1
	shift
	COMP_LINE=${*} COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	COMP_LINE=${COMP_LINE// = /=}
	COMP_LINE=${COMP_LINE/% =/=}
	_pnvme
	[ "${COMPREPLY[*]}" = "$want" ] || fail "'$COMP_LINE' offers '${COMPREPLY[*]}', not '$want'"
}

test_completion()
{
	: "completion: words, values behind =, the help of a command, and never JSON"
	compopt() { :; }
	# shellcheck source=tools/completions/pnvme
	. "$PNVME_TOP/tools/completions/pnvme"
	completes "status stat" pnvme st
	completes "status stat" pnvme -j st
	completes "status stat" pnvme --json st
	completes "adopt" pnvme drive ad
	completes "adopt" pnvme help drive ad
	completes "" pnvme help drive adopt ""
	completes "on-resume=fence on-resume=trust on-resume=fail" pnvme drive set pnvme0 on
	completes "fence fail" pnvme drive set pnvme0 on-resume = f
	completes "read data admin" pnvme ns set one policy =
	completes "read-only=on read-only=off" pnvme ns set one policy = read read-only
}

test_json()
{
	: "JSON: each command, on success and on failure"
	adopted
	json_table <<-END
		0 dn -j
		0 dn -j status
		0 dn -j -p status
		0 dn scan --json --pretty
		0 dn -j drive show
		0 dn -j drive show pnvme0
		1 dn -j drive show pnvme9
		1 d -j drive adopt /dev/nvme99n9
		6 d -j drive adopt $dev
		0 dn -j drive attach $dev
		1 dn -j drive attach /dev/null
		0 d -j drive set pnvme0 latency=off
		1 d -j drive set nothing latency=off
		0 n -j -n ns create pnvme0 one 8M
		0 n -j ns create pnvme0 one 8M
		1 n -j ns create pnvme0 one 8M
		1 n -j ns create pnvme0 two 2T
		0 n -j ns show
		0 n -j ns show one
		1 n -j ns show two
		0 n -j ns set one policy=read
		1 n -j ns set two policy=read
		0 n -j ns resize one 16M
		1 n -j ns resize one 8M
		1 n -j ns resize two 8M
		0 n -j ns rename one uno
		1 n -j ns rename one uno
		0 n -j ns delete uno
		1 n -j ns delete uno
		0 dn -j drive examine $dev
		1 dn -j drive examine /nowhere
		1 - -j events --timeout=1
		6 d -j drive erase $dev --yes=$uuid
		6 d -j drive import $dev --from=$uuid
		6 d -j drive forget $uuid
		0 d -j -n drive detach pnvme0
		0 d -j drive detach pnvme0
		1 d -j drive detach pnvme0
		0 dn -j
		0 dn -j drive attach --all
		0 dn -j drive attach --auto
		0 d -j drive detach --all --release
		1 d -j drive import $dev --from=$uuid
		0 d -j drive erase $dev --yes=$uuid
		1 d -j drive forget $uuid
		0 dn -j
	END
	[ "$(pnvme -j drive show | wc -l)" = 1 ]
	[ "$(pnvme -j -p drive show | wc -l)" -gt 3 ]
}

# SIZE BYTES: a namespace of this size is made
makes()
{
	n=$((n + 1))
	run pnvme ns create pnvme0 "size$n" "$1"
	[ "$(ns_field "size$n" size)" = $(($2 << 20)) ] || fail "$1 is not $2 MiB"
}

test_sizes()
{
	: "sizes: units, percents, and what is no size"
	local dev uuid n=0 size
	adopted
	makes 2048K 2
	makes 2000KB 2
	makes 10M 10
	makes 10MB 10
	makes 0.1G 103
	makes 0.1GB 96
	makes 1048576 1
	makes 10% 102
	fails 1 "." pnvme ns create pnvme0 big 1T
	fails 1 "." pnvme ns create pnvme0 big 1TB
	fails 1 "." pnvme ns create pnvme0 big 90%
	fails 1 "." pnvme ns create pnvme0 big 18446744073708500000
	makes 100% $((1022 - 326))
	fails 1 "." pnvme ns create pnvme0 none 100%
	for size in 0 0K -1 -- 1X 99999999999999999999 18446744073709551615 18446744073709551616 17592186044416T \
		1.5.2 '' 200% 0% 101% 1.5% '1 M' ' 1M' 0x100000 1e9 nan K % .5G 1. 1.5; do
		bad_usage "" pnvme ns create pnvme0 big "$size"
		bad_usage "" pnvme ns resize size1 "$size"
	done
	[ "$(pnvme -j ns show | json '.namespaces | length')" = 9 ]
}

test_names()
{
	: "names: what is none, and the longest"
	local dev uuid name long=a23456789012345678901234567890123456789012345678901234567890123
	adopted
	run pnvme ns create pnvme0 "$long" 1M
	run pnvme ns rename "$long" 0.a_B-c
	for name in '' ../x a/b . .. "${long}4" -x .x _x 'a b' ' a' 'ä' $'a\nb' $'a\n' 'a%' 'a:b' 'a\b'; do
		bad_usage "is no name" pnvme ns create -- pnvme0 "$name" 1M
		bad_usage "is no name" pnvme ns rename -- 0.a_B-c "$name"
	done
	# what would be the link of a partition
	bad_usage "links to partitions" pnvme ns create pnvme0 data-part1 1M
	bad_usage "links to partitions" pnvme ns rename 0.a_B-c 0.a_B-c-part12
	bad_usage "links to partitions" pnvme ns undelete 0.a_B-c --as=x-part0
	run pnvme -n ns create pnvme0 data-part 1M
	run pnvme -n ns create pnvme0 part1 1M
	run pnvme ns create pnvme0 two 1M
	fails 1 "two" pnvme ns create pnvme0 two 1M
	fails 1 "two" pnvme ns rename 0.a_B-c two
	[ "$(pnvme -j ns show | json '[.namespaces[].name] | sort | join(" ")')" = "0.a_B-c two" ]
}

test_addressing()
{
	: "drives by UUID, prefix, instance, device, serial, PCI address; namespaces by name, UUID, device"
	local dev uuid first what ns other serial
	adopted
	first=$dev
	serial=$(drive_field "$dev" serial)
	run pnvme ns create pnvme0 one 1M
	ns=$(ns_field one uuid)
	for what in "$uuid" "${uuid^^}" "${uuid//-/}" "${uuid:0:8}" "${uuid:0:13}" "uuid:$uuid" pnvme0 "$dev" "${dev#/dev/}" \
		"serial:$serial" "pci:$(drive_field "$dev" slot)" "slot:$(drive_field "$dev" slot)"; do
		shows '[.drives[].uuid] | join(" ")' "$uuid" pnvme -j drive show "$what"
	done
	for what in "${uuid:0:3}" '' pnvme1 pnvme serial: serial:nothing pci:0000:ff:00.0 nguid: "${uuid}0" /dev/null "$PNVME_WORK"; do
		fails 1 "no drive" pnvme drive show "$what"
	done
	for what in one "$ns" "uuid:$ns" "uuid:${ns:0:8}" pnvme0n1 /dev/pnvme0n1; do
		shows '[.namespaces[].uuid] | join(" ")' "$ns" pnvme -j ns show "$what"
	done
	for what in On one1 "${ns:0:8}" '' pnvme0 "$dev"; do
		fails 1 "no namespace" pnvme ns show "$what"
	done
	# two drives whose UUIDs begin alike
	dev=$(drive 2)
	run pnvme drive adopt "$dev"
	run pnvme drive detach "$dev"
	other=${uuid:0:30}000000
	label "$dev" set all drive_uuid="$other"
	run pnvme drive attach "$dev"
	fails 1 "any of 2 drives" pnvme drive show "${uuid:0:8}"
	fails 1 "any of 2 drives" pnvme drive detach "${uuid:0:8}"
	shows '.drives[0].uuid' "$other" pnvme -j drive show "$other"
	shows '.drives[0].device' "$first" pnvme -j drive show "$uuid"
}

test_namespace_commands()
{
	: "create, resize, shrink, rename, set, delete"
	local dev uuid
	adopted
	run pnvme ns create "$uuid" one 8M
	run pnvme ns create pnvme0 two 8M --keep-data
	[ "$(ns_field two generic)" = /dev/png0n2 ]
	[ -c /dev/png0n2 ]
	fails 1 "." pnvme ns resize one 16M
	run pnvme ns resize two +8M
	[ "$(ns_field two size)" = $((16 << 20)) ]
	[ "$(blockdev --getsize64 /dev/pnvme0n2)" = $((16 << 20)) ]
	run pnvme ns resize two 100%
	[ "$(ns_field two size)" = $((1014 << 20)) ]
	fails 1 "--force" pnvme ns resize two 12M
	run pnvme ns resize two 12M --force
	run pnvme ns resize --force two -- -4M
	[ "$(ns_field two size)" = $((8 << 20)) ]
	run pnvme ns rename two zwei
	fails 1 "no namespace two" pnvme ns show two
	run pnvme ns set zwei read-only=on policy=admin
	[ "$(ns_field zwei read_only) $(ns_field zwei policy)" = "true admin" ]
	[ "$(blockdev --getro /dev/pnvme0n2)" = 1 ]
	run pnvme ns set zwei read-only=off
	[ "$(ns_field zwei read_only) $(ns_field zwei policy)" = "false admin" ]
	run pnvme drive detach pnvme0
	run pnvme drive attach "$uuid"
	[ "$(ns_field zwei policy)" = admin ]
	run pnvme ns delete one
	run pnvme ns delete zwei
	[ "$(drive_field pnvme0 free)" = "$(drive_field pnvme0 size)" ]
}

# SETTING VALUE KEY SHOWN
setting()
{
	run pnvme drive set pnvme0 "$1=$2"
	shows ".drives[0].settings.$3" "$4" pnvme -j drive show pnvme0
}

test_drive_set()
{
	: "settings of a drive, and that they last"
	local dev uuid
	adopted
	setting hold-timeout 5m hold_timeout 300s
	setting hold-timeout 0 hold_timeout 0
	setting hold-timeout forever hold_timeout forever
	setting on-resume trust on_resume trust
	setting on-resume fail on_resume fail
	setting hold-proof strong hold_proof strong
	setting latency off latency off
	setting latency 1/100 latency 1/100
	run pnvme drive detach pnvme0
	run pnvme drive attach "$dev"
	shows '.drives[0].settings | [.hold_timeout, .on_resume, .hold_proof, .latency] | join(" ")' \
		"forever fail strong 1/100" pnvme -j drive show pnvme0
	run pnvme drive set pnvme0 hold-timeout=60s on-resume=fence hold-proof=any latency=on
	shows '.drives[0].settings | [.hold_timeout, .on_resume, .hold_proof, .latency] | join(" ")' \
		"60s fence any on" pnvme -j drive show pnvme0
}

test_long_hold()
{
	: "a hold longer than the limit for hung tasks is warned about"
	local dev uuid limit panics
	adopted
	[ -e /proc/sys/kernel/hung_task_timeout_secs ] || skip "this kernel does not look for hung tasks"
	read -r limit < /proc/sys/kernel/hung_task_timeout_secs
	read -r panics < /proc/sys/kernel/hung_task_panic
	defer bash -c "echo $limit > /proc/sys/kernel/hung_task_timeout_secs; echo $panics > /proc/sys/kernel/hung_task_panic"
	echo 100 > /proc/sys/kernel/hung_task_timeout_secs
	pnvme drive set pnvme0 hold-timeout=100 2> "$PNVME_WORK/warned"
	[ ! -s "$PNVME_WORK/warned" ] || fail "$(< "$PNVME_WORK/warned")"
	pnvme drive set pnvme0 hold-timeout=101 2> "$PNVME_WORK/warned"
	grep "may last 101 s, but after 100 s (kernel.hung_task_timeout_secs) the kernel logs" "$PNVME_WORK/warned"
	echo 1 > /proc/sys/kernel/hung_task_panic
	pnvme drive set pnvme0 hold-timeout=forever 2> "$PNVME_WORK/warned"
	grep "may last forever, but after 100 s .* panics" "$PNVME_WORK/warned"
	echo 0 > /proc/sys/kernel/hung_task_timeout_secs
	pnvme drive set pnvme0 hold-timeout=forever 2> "$PNVME_WORK/warned"
	[ ! -s "$PNVME_WORK/warned" ] || fail "$(< "$PNVME_WORK/warned")"
}

test_dry_run()
{
	: "--dry-run: no byte, no generation"
	local dev uuid before
	adopted
	run pnvme ns create pnvme0 one 8M
	before=$(pnvme -j drive show pnvme0)
	cp -r /var/lib/pnvme "$PNVME_WORK/record"
	tr '\n' '\0' > "$PNVME_WORK/dry" <<-END
		ns create pnvme0 two 8M
		ns resize one 100%
		ns resize one 1M --force
		ns rename one two
		ns set one policy=read read-only=on
		ns delete one
		drive set pnvme0 latency=off
		drive detach pnvme0 --release
		drive detach --all
	END
	export -f run
	# shellcheck disable=SC2016	# for the inner shell
	harmless "$dev" xargs -0 -n 1 bash -c 'run pnvme -n $0 | grep "^dry run: " || exit 255' < "$PNVME_WORK/dry"
	[ "$before" = "$(pnvme -j drive show pnvme0)" ] || fail "a dry run changed the drive"
	shows '.dry_run' true pnvme -j -n ns delete one
	fails_with 1 "." pnvme -n ns create pnvme0 one 8M
	fails_with 1 "." pnvme -n ns create pnvme0 two 8G
	diff -r /var/lib/pnvme "$PNVME_WORK/record" || fail "a dry run changed the record"
	run pnvme drive detach pnvme0
	harmless "$dev" pnvme -n drive attach "$dev"
	[ ! -e /sys/block/pnvme0n1 ]
	harmless "$dev" pnvme -n drive erase "$dev" --yes="$uuid"
}

test_busy()
{
	: "busy: exit code 6, naming who; partly done: 7"
	local dev uuid
	adopted 2
	adopted 1
	run pnvme ns create "$dev" one 8M
	exec 9< "$(ns_field one device)"
	fails 6 "one .*open.*(test_cli|bash|\[$$\])" pnvme ns delete one
	fails 6 "one .*open" pnvme ns resize one 4M --force
	fails 6 "one .*open" pnvme drive detach "$dev"
	fails 7 "one .*open" pnvme drive detach --all
	[ "$(pnvme -j drive show | json '[.drives[] | select(.state == "live") | .device] | join(" ")')" = "$dev" ]
	exec 9<&-
	# its node for NVMe commands keeps it as well
	exec 9< "$(ns_field one generic)"
	fails 6 "one .*open.*\[$$\]" pnvme ns delete one
	fails 6 "one .*open" pnvme ns resize one 4M --force
	fails 6 "one .*open in [^ ]*\[$$\]" pnvme drive detach "$dev"
	exec 9<&-
	run pnvme ns delete one
}

test_permission()
{
	: "not root: may look, exit code 5 from everything else"
	local dev uuid
	adopted
	run pnvme ns create pnvme0 one 8M
	nobody -j drive show | json '.drives[0].uuid' | grep -x "$uuid"
	nobody -j ns show one | json '.namespaces[0].name' | grep -x one
	fails 5 "." nobody ns create pnvme0 two 8M
	fails_with 5 "." nobody ns delete one
	fails 5 "." nobody ns rename one two
	fails 5 "." nobody drive set pnvme0 latency=off
	fails 5 "." nobody drive detach pnvme0
	fails_with 5 "." nobody drive adopt "$(drive 2)"
	fails 5 "." nobody drive examine "$dev"
	# CAP_NET_ADMIN is what the family's own flag would ask for: it is not enough
	fails_with 5 "." setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin pnvme ns delete one
}

test_name_conflict()
{
	: "a name that is there twice: one is renamed by its UUID"
	local dev uuid first ns
	adopted
	first=$uuid
	run pnvme ns create "$first" data 8M
	ns=$(ns_field data uuid)
	run pnvme drive detach "$first"
	adopted 2
	run pnvme ns create "$uuid" data 8M
	run pnvme drive attach "$first"
	shows ".namespaces[] | select(.uuid == \"$ns\") | .state" name-conflict pnvme -j ns show
	exits 3 pnvme status
	grep -q "pnvme ns rename uuid:$ns" "$PNVME_WORK/stdout" || fail "status does not say what to do"
	# the name is the other one's
	[ "$(ns_field data drive)" = "$uuid" ]
	run pnvme ns rename "uuid:$ns" data2
	[ "$(ns_field data2 state) $(ns_field data2 drive)" = "live $first" ]
	run pnvme status
}

test_attach_again()
{
	: "attach --all and --auto: both, and once more"
	local dev uuid second
	adopted 2
	second=$dev
	adopted 1
	run pnvme ns create "$dev" one 8M
	run pnvme drive attach --all
	run pnvme drive attach --auto
	run pnvme drive attach "$dev"
	[ "$(drive_field "$dev" epoch)" = 1 ]
	run pnvme drive detach --all
	[ -z "$(run pnvme drive attach --auto "$dev")" ]
	[ "$(drive_field "$dev" epoch)" = 2 ]
	[ "$(drive_field "$second" state)" = detached ]
	run pnvme drive attach --all
	run pnvme drive attach --all
	[ "$(drive_field "$second" epoch)" = 2 ]
	# nothing of ours: quiet, and nothing is written
	harmless "$(drive 3)" pnvme drive attach --auto "$(drive 3)"
	fails 1 "no pnvme label" pnvme drive attach "$(drive 3)"
}

test_import()
{
	: "a drive of another host: seen, not attached, imported"
	local dev uuid owner other=6d1c2a34-0000-4000-8000-00000000beef
	adopted
	owner=$(drive_field "$dev" owner)
	run pnvme ns create pnvme0 one 8M
	run pnvme drive detach pnvme0
	mkdir "$PNVME_WORK/etc"
	echo "$other" > "$PNVME_WORK/etc/hostid"
	export PNVME_CONFIG_DIR=$PNVME_WORK/etc PNVME_STATE_DIR=$PNVME_WORK/state
	shows ".drives[] | select(.device == \"$dev\") | .verdict + \" \" + .owner" "foreign $owner" pnvme -j scan
	fails_with 1 "pnvme drive import $dev --from $owner" pnvme drive attach "$dev"
	harmless "$dev" pnvme drive attach --auto "$dev"
	harmless "$dev" pnvme drive attach --all
	fails_with 1 "another one than was given" pnvme drive import "$dev" --from="$other"
	fails_with 1 "import" pnvme drive erase "$dev" --yes="$uuid"
	harmless "$dev" pnvme -n drive import "$dev" --from="$owner"
	run pnvme drive import "$dev" --from="$owner"
	[ "$(drive_field "$dev" owner)" = "$other" ]
	[ "$(ns_field one state)" = live ]
	run pnvme drive detach "$dev"
	# at home
	unset PNVME_CONFIG_DIR PNVME_STATE_DIR
	shows ".drives[] | select(.device == \"$dev\") | .verdict" foreign pnvme -j
	exits 3 pnvme status
}

test_gone()
{
	: "status of a drive that is detached, and of one that is gone"
	local dev uuid
	adopted
	# at once, however long this machine has been up
	mkdir -p /etc/pnvme
	echo 'settle: 0' > /etc/pnvme/policy.yaml
	run pnvme ns create pnvme0 one 8M
	run pnvme status
	run pnvme drive detach pnvme0
	exits 3 pnvme status
	grep -q "pnvme drive attach $dev" "$PNVME_WORK/stdout" || fail "status does not say what to do"
	shows '.namespaces[0] | .name + " " + .state' "one detached" pnvme -j
	defer bash -c 'echo 1 > /sys/bus/pci/rescan'
	echo 1 > "$(readlink -f "/sys/block/${dev#/dev/}/device/device")/remove"
	wait_for test ! -e "$dev"
	exits 3 pnvme status
	grep -q "one .*missing" "$PNVME_WORK/stdout" || fail "status does not list the namespace"
	shows ".drives[] | select(.uuid == \"$uuid\") | .verdict" missing pnvme -j
	shows '.namespaces[0] | .name + " " + .state' "one missing" pnvme -j
	fails 3 "missing" pnvme drive attach --all
	fails 1 "is not here" pnvme drive attach "$uuid"
	echo 1 > /sys/bus/pci/rescan
	wait_for pnvme drive attach "$uuid"
	run pnvme status
	[ "$(ns_field one state)" = live ]
}

# N NAME...: the Nth drive becomes another host's, with these namespaces
foreign_drive()
{
	local name there=(env "PNVME_CONFIG_DIR=$PNVME_WORK/etc" "PNVME_STATE_DIR=$PNVME_WORK/state" pnvme)
	load_module
	mkdir -p "$PNVME_WORK/etc"
	echo 7c0b5d3e-95a1-4f6e-8a52-6a0cd7be2a11 > "$PNVME_WORK/etc/hostid"
	run "${there[@]}" drive adopt "$(drive "$1")"
	for name in "${@:2}"; do run "${there[@]}" ns create pnvme0 "$name" 8M; done
	run "${there[@]}" drive detach pnvme0
}

test_wait()
{
	: "wait: until namespaces are usable, or the time is over"
	local dev uuid waiter
	fails 2 "which namespaces" pnvme wait
	fails 2 "which namespaces" pnvme wait --all one
	fails 2 "timeout" pnvme wait --timeout=soon one
	run pnvme wait --all --timeout 1
	# a drive of another host, with a namespace of a name that is used here: not waited for
	foreign_drive 2 one theirs
	run pnvme wait --all --timeout 1
	adopted
	run pnvme ns create pnvme0 one 8M
	run pnvme ns create pnvme0 two 8M
	fails 3 "theirs is not usable: detached: its label names another owner" pnvme wait theirs --timeout 1
	run pnvme wait one two --timeout 5
	run pnvme wait --all --timeout 5
	shows '.namespaces[0] | .name + " " + .state' "one live" pnvme -j wait one
	fails 3 "no namespace three" pnvme wait one three --timeout 1
	run pnvme drive detach pnvme0
	fails 3 "one is not usable: detached" pnvme wait one --timeout 1
	fails 3 "two is not usable: detached" pnvme wait --all --timeout 1
	pnvme wait --all --timeout 100 > "$PNVME_WORK/waited" 2>&1 &
	waiter=$!
	sleep 1
	kill -0 "$waiter"
	run pnvme drive attach "$dev"
	wait "$waiter"
	grep -qx "ready: 2 namespaces" "$PNVME_WORK/waited"
	# one that is held is there, and not usable
	defer bash -c 'echo 1 > /sys/bus/pci/rescan'
	echo 1 > "$(readlink -f "/sys/block/${dev#/dev/}/device/device")/remove"
	wait_for ns_is one held
	fails 3 "one is not usable: held: the drive is gone" pnvme wait one --timeout 1
	fails 3 "missing: it left while it was in use" pnvme wait --all --timeout 1
	exits 3 pnvme status
	grep -q "next: pnvme drive fail pnvme0" "$PNVME_WORK/stdout" || fail "status does not say how to give up"
	shows ".drives[] | select(.uuid == \"$uuid\") | .state + \" \" + .verdict" "held missing" pnvme -j
	fails 1 "is held and cannot be changed" pnvme ns delete two
	echo 1 > /sys/bus/pci/rescan
	run pnvme wait --all --timeout 60
	run pnvme drive fail pnvme0
	[ "$(ns_field one state)" = down ]
	fails 3 "one is not usable: down: given up" pnvme wait one --timeout 1
	run pnvme drive attach pnvme0
	run pnvme wait --all --timeout 5
	run pnvme ns unfence one
}

ns_is() { [ "$(ns_field "$1" state)" = "$2" ]; }

test_record_lost()
{
	: "the record is lost, damaged, or cannot be written"
	local dev uuid
	adopted
	run pnvme ns create pnvme0 one 8M
	run pnvme drive detach pnvme0
	rm -rf /var/lib/pnvme
	shows ".drives[] | select(.device == \"$dev\") | .verdict" unrecorded pnvme -j
	run pnvme drive attach --all
	[ "$(ns_field one state)" = live ]
	shows ".drives[] | select(.device == \"$dev\") | .verdict" intact pnvme -j
	test -s /var/lib/pnvme/record.json
	echo '{ "version": 1, "drives": [ {' > /var/lib/pnvme/record.json
	fails 0 "note: .*damaged" pnvme status
	a_line_matches "the record could not be read" "$PNVME_WORK/stdout"
	fails 0 "note: .*damaged" pnvme ns rename one two
	run pnvme status
	mkdir "$PNVME_WORK/ro"
	mount -t tmpfs -o ro none "$PNVME_WORK/ro"
	defer umount "$PNVME_WORK/ro"
	export PNVME_STATE_DIR=$PNVME_WORK/ro
	fails 0 "note: the record in $PNVME_WORK/ro" pnvme ns rename two three
	fails 0 "note: the record" pnvme ns create pnvme0 four 1M
	fails 0 "note: the record" pnvme drive set pnvme0 latency=off
	shows '.notes | length' 1 pnvme -j ns delete four
	run pnvme drive detach pnvme0
	export PNVME_STATE_DIR=/proc/nowhere
	fails 0 "note: the record in /proc/nowhere" pnvme drive attach --all
}

test_examine()
{
	: "examine: a damaged copy is shown, the next attach repairs it"
	local dev uuid
	adopted
	run pnvme ns create pnvme0 one 8M
	shows '[.labels[].status] | join(" ")' "valid valid valid valid" pnvme -j drive examine "$dev"
	run pnvme drive detach pnvme0
	label "$dev" flip 2
	label "$dev" zero 1
	exits 0 pnvme drive examine "$dev"
	grep -qE "^2 .*damaged" "$PNVME_WORK/stdout"
	grep -q "repairs them" "$PNVME_WORK/stdout"
	shows '[.labels[].status] | join(" ")' "valid none damaged valid" pnvme -j drive examine "$dev"
	shows '.namespaces[0].name' one pnvme -j drive examine "$dev"
	dd if="$dev" of="$PNVME_WORK/image" bs=1M count=1 status=none
	truncate -s "$(blockdev --getsize64 "$dev")" "$PNVME_WORK/image"
	shows '[.labels[].status] | join(" ")' "valid none none none" pnvme -j drive examine "$PNVME_WORK/image"
	(cd "$PNVME_WORK" && run pnvme drive examine image > /dev/null)
	run pnvme drive attach "$dev"
	[ "$(drive_field "$dev" repaired)" = true ]
	shows '[.labels[].status] | join(" ")' "valid valid valid valid" pnvme -j drive examine "$dev"
	shows '[.labels[].status] | unique | join(" ")' none pnvme -j drive examine "$(drive 2)"
}

any_event() { pnvme ns set one policy=read; pnvme ns set one policy=data; test -s "$PNVME_WORK/events"; }

test_events()
{
	: "events: one JSON object a line, as it happens"
	local dev uuid pid type
	adopted
	run pnvme ns create pnvme0 one 8M
	fails 1 "." pnvme events --timeout=1
	pnvme -j events > "$PNVME_WORK/events" &
	pid=$!
	wait_for any_event
	run pnvme ns create pnvme0 two 8M
	run pnvme ns rename two three
	run pnvme ns resize three 16M
	run pnvme ns delete three
	run pnvme drive detach pnvme0
	run pnvme drive attach "$uuid"
	wait_for grep -q '"drive-attach"' "$PNVME_WORK/events"
	kill "$pid"
	cat "$PNVME_WORK/events" >&2
	for type in ns-create ns-resize ns-delete drive-detach drive-attach; do
		grep -q "\"type\":\"$type\"" "$PNVME_WORK/events" || fail "no event $type"
	done
	[ "$(jq -c '.version, (.events | length), (.errors | length)' "$PNVME_WORK/events" | sort -u | tr '\n' ' ')" = "0 1 " ]
	[ "$(jq -rn 'first(inputs | select(.events[0].type == "ns-create") | .events[0].name)' "$PNVME_WORK/events")" = two ]
	[ "$(wc -l < "$PNVME_WORK/events")" = "$(jq -c . "$PNVME_WORK/events" | wc -l)" ]
}

test_forget()
{
	: "forget: a drive that is gone for good"
	local dev uuid
	adopted
	fails 6 "attached" pnvme drive forget "$uuid"
	run pnvme drive detach "$dev"
	wipe "$dev"
	shows ".drives[] | select(.device == \"$dev\") | .verdict" wiped pnvme -j
	exits 3 pnvme status
	run pnvme -n drive forget "$uuid"
	shows ".drives[] | select(.device == \"$dev\") | .verdict" wiped pnvme -j
	run pnvme drive forget "$uuid"
	shows ".drives[] | select(.device == \"$dev\") | .verdict" blank pnvme -j
	run pnvme status
}

pnvme_main "$@"
