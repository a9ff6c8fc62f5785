# SPDX-License-Identifier: GPL-2.0
#
#   make                       module for the running kernel (if its headers are here) and tools
#   make modules KVER=RELEASE  build/RELEASE/pnvme.ko; KDIR=TREE for a kernel tree, C=2 for sparse,
#                              WERROR=1 to stop at a warning
#   make tools unit            build/pnvme and build/libpnvme.so; unit tests
#   make check                 all tests in virtual machines; KERNELS="6.12" TESTS="test_adopt.sh" select
#   make check-long            the same, each script on each kernel and with all rounds (hours)
#   make check-soak            a drive pulled 1,000 times under I/O, 10,000 steps of the model (an hour or so)
#   make bench                 instructions per I/O, compared with dm-linear
#   make demo                  the main job, shown in a virtual machine
#   make install               DESTDIR= PREFIX=; module for KVER, tools, udev rules, units
#   make gen gen-check         netlink code from its specification
#   make checkpatch shellcheck style
#   make clean

KVER ?= $(shell uname -r)
PREFIX ?= /usr/local
BUILD := $(CURDIR)/build
KERNELS ?=
TESTS ?=

export KDIR C CF W WERROR DESTDIR PREFIX

.PHONY: all
all: tools
	@scripts/build-module --if-possible $(KVER)

.PHONY: modules
modules:
	@scripts/build-module $(KVER)

.PHONY: tools
tools:
	$(MAKE) -C tools BUILD=$(BUILD)

.PHONY: unit
unit:
	$(MAKE) -C selftests/unit BUILD=$(BUILD) check

.PHONY: check
check:
	KERNELS="$(KERNELS)" TESTS="$(TESTS)" selftests/vm/check

.PHONY: check-long
check-long:
	EVERYTHING=1 KERNELS="$(KERNELS)" TESTS="$(TESTS)" selftests/vm/check

.PHONY: check-soak
check-soak: tools
	scripts/kernels get 6.12
	scripts/build-module $$(scripts/kernels release 6.12)
	$(MAKE) -C selftests BUILD=$(BUILD) all
	selftests/vm/soak

.PHONY: bench
bench: tools
	scripts/kernels get 6.12
	scripts/build-module $$(scripts/kernels release 6.12)
	$(MAKE) -C selftests BUILD=$(BUILD) all
	selftests/bench/run
	selftests/bench/run --dump
	selftests/bench/run --pairs

.PHONY: demo
demo:
	scripts/demo

.PHONY: install
install: tools
	scripts/build-module --install $(KVER)
	$(MAKE) -C tools BUILD=$(BUILD) DESTDIR=$(DESTDIR) PREFIX=$(PREFIX) install

.PHONY: gen
gen:
	KSRC=$$(scripts/kernels source) scripts/netlink-gen

.PHONY: gen-check
gen-check:
	KSRC=$$(scripts/kernels source) scripts/netlink-gen --check

.PHONY: checkpatch
checkpatch:
	scripts/style checkpatch

.PHONY: shellcheck
shellcheck:
	scripts/style shellcheck

.PHONY: clean
clean:
	rm -rf $(BUILD)
