#!/bin/bash
. "$(dirname "$0")/../../lib.sh"
test_t()
{
	: "measure"
	drives
	time checksum "$(drive 1)"
	d=$(drive 2)
	dd if=/dev/urandom of=$d bs=1M count=8 seek=100 oflag=direct
	checksum $d
	time wipe $d
	checksum $d
	checksum $(drive 1)
	p=$(drive_by_serial pnvme-pi)
	dd if=/dev/urandom of=$p bs=1M count=8 seek=100 oflag=direct
	time wipe $p
	checksum $p $(drive_by_serial pnvme-4k)
	load_module
	time pnvme scan
	fails_with 1 'foo' false
}
pnvme_main "$@"
