# SPDX-License-Identifier: Apache-2.0
# `make help` lists the targets. O=/other/folder builds elsewhere; the source tree may then be read-only.
MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

SRC := $(patsubst %/,%,$(dir $(abspath $(lastword $(MAKEFILE_LIST)))))
O ?= build
override O := $(abspath $(O))
export O PROFILE ONLY

CLANG := clang-19
LLD := ld.lld-19
OBJCOPY := llvm-objcopy-19
HOSTCC := clang-19
AR := llvm-ar-19
PYTHON := /usr/bin/python3
PROFILE ?= full
EXAMPLE ?= driver-domains
V ?= 0

# Nothing that a tool writes may depend on the user's locale, zone or clock.
export LC_ALL := C
export TZ := UTC
export SOURCE_DATE_EPOCH := 0
export PYTHONDONTWRITEBYTECODE := 1

Q := $(if $(filter-out 0,$(V)),,@)
say = @printf '  %-6s %s\n' '$(1)' '$(patsubst $(SRC)/%,%,$(patsubst $(O)/%,%,$(2)))'

ifneq ($(filter-out full static,$(PROFILE)),)
$(error PROFILE is full or static, not "$(PROFILE)")
endif

# run, test and lint install what is missing; the others say what to do.
ifneq ($(filter-out run test lint deps format help clean,$(or $(MAKECMDGOALS),all)),)
ifeq ($(shell command -v $(CLANG)),)
$(error $(CLANG) is missing: run ./setup)
endif
endif

.PHONY: all deps run test test-long bench evidence lint format clean help test-unit test-system test-tools
all: $(O)/bulkhead.img

-include $(SRC)/hypervisor/build.mk
-include $(SRC)/domains/build.mk
-include $(SRC)/extensions/build.mk
-include $(SRC)/tools/check/build.mk
-include $(SRC)/examples/build.mk
-include $(SRC)/tests/build.mk
-include $(SRC)/bench/build.mk

ifneq ($(wildcard $(SRC)/tools/check/build.mk),)
all: $(O)/bulkhead-check
endif

# Installs what is missing. Quick when nothing is.
deps:
	@$(SRC)/setup --quiet

run: deps
	@$(MAKE) --no-print-directory -f $(SRC)/Makefile all
	@$(SRC)/tools/bulkhead fetch
	@$(SRC)/tools/bulkhead run $(SRC)/examples/$(EXAMPLE)

# The suites run one after the other even if one fails; the last line is the sum of their counts.
test: deps
	@$(MAKE) --no-print-directory -f $(SRC)/Makefile all
	@$(SRC)/tools/bulkhead fetch
	@$(SRC)/tools/run-suites $(if $(ONLY),system,unit tools system)

# The bulkhead command. Examples are started by the system tests.
test-tools: all
	@$(PYTHON) -B -m pytest -q -p no:cacheprovider --rootdir=$(SRC)/tests/tools -c $(SRC)/tests/tools/pytest.ini \
		$(PYTEST_ARGS) $(SRC)/tests/tools

lint: deps
	@$(SRC)/tests/lint/run

format:
	@cd $(SRC) && git ls-files '*.c' '*.h' | xargs clang-format-19 -i

clean:
	rm -rf $(O)

help:
	@echo 'make                     build the hypervisor and its offline check in $(O)'
	@echo 'make run [EXAMPLE=name]  build all, fetch the guests and start an example in QEMU (examples/)'
	@echo 'make test [ONLY=01-4]    unit and system tests, or one line of evidence; ends with one line of counts'
	@echo 'make test-long           the long forms of the tests'
	@echo 'make test-confined       the tests of a Linux that does not show its memory, whose kernel is built once'
	@echo 'make bench [PEERS=xen]   every figure beside its budget; PEERS=xen runs Xen 4.17 beside it'
	@echo 'make worst-exit          the longest stays at EL2: bounds from the code, and what was seen'
	@echo 'make evidence ISSUE=01   line of evidence, command, figure, result'
	@echo 'make proof               remove each barrier in turn; Spin models of the lock-free protocols'
	@echo 'make coverage            lines and branches of the hypervisor that the unit tests reach, by file'
	@echo 'make lint                formatting, static analysis, licences, sizes'
	@echo 'make format               apply .clang-format to all C sources'
	@echo 'make clean               remove $(O)'
	@echo ''
	@echo 'O=/other/folder  build there     PROFILE=full|static  what the image contains     V=1  show commands'
	@echo './setup          install what the build and the tests need (--check only reports)'
