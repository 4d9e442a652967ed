# SPDX-License-Identifier: Apache-2.0
# The benchmark: `make bench [PEERS="xen bare"]`, `make bench-trace WHAT=psci_version`. See bench/README.md.
BENCH := $(SRC)/bench
BENCHO := $(O)/bench
BENCH_PYTHON := /usr/bin/python3 -B

BENCH_FLAGS := --target=aarch64-none-elf -march=armv8-a -ffreestanding -fno-pic -mcmodel=small \
	-mgeneral-regs-only -mstrict-align -ffixed-x18 -fno-builtin -fno-stack-protector \
	-fno-asynchronous-unwind-tables -I$(SRC)/include -ffile-prefix-map=$(SRC)=. -g1
BENCH_CFLAGS := -std=c17 -O2 -Wall -Wextra -Werror $(BENCH_FLAGS)

BENCH_C := $(sort $(wildcard $(BENCH)/guest/*.c))
BENCH_OBJS := $(BENCHO)/start.S.o $(patsubst $(BENCH)/guest/%.c,$(BENCHO)/%.o,$(BENCH_C))

$(BENCHO)/%.o: $(BENCH)/guest/%.c
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BENCH_CFLAGS) -MMD -MP -c -o $@ $<

$(BENCHO)/%.S.o: $(BENCH)/guest/%.S
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(BENCH_FLAGS) -MMD -MP -c -o $@ $<

$(BENCHO)/guest.elf: $(BENCH_OBJS) $(BENCH)/guest/guest.lds
	$(Q)$(LLD) --fatal-warnings -T $(BENCH)/guest/guest.lds -o $@ $(BENCH_OBJS)

$(BENCHO)/guest.img: $(BENCHO)/guest.elf
	$(Q)$(OBJCOPY) -O binary $< $@

# An extension without a device.
$(BENCHO)/extension.o: $(BENCH)/extension.c $(SRC)/include/bulkhead/extension_abi.h
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(EXT_CFLAGS) -c -o $@ $<

$(BENCHO)/extension.elf: $(BENCHO)/extension.o $(EXT)/extension.lds
	$(Q)$(LLD) $(EXT_LDFLAGS) -o $@ $<

# Program and stub of the Linux row.
$(BENCHO)/init $(BENCHO)/load: $(BENCHO)/%: $(BENCH)/linux/%.c $(SRC)/tests/system/linux/call.h
	@mkdir -p $(@D)
	$(Q)$(CLANG) --target=aarch64-linux-gnu -std=c17 -O2 -Wall -Wextra -Werror -ffreestanding -fno-builtin \
		-fno-pic -fno-stack-protector -ffile-prefix-map=$(SRC)=. -I$(SRC) -c -o $@.o $<
	$(Q)$(LLD) -static -e _start -o $@ $@.o

$(BENCHO)/entry.bin: $(BENCH)/linux/entry.S
	@mkdir -p $(@D)
	$(Q)$(CLANG) --target=aarch64-none-elf -c -o $@.o $<
	$(Q)$(OBJCOPY) -O binary -j .text $@.o $@

BENCH_FILES := $(BENCHO)/guest.img $(BENCHO)/extension.elf $(BENCHO)/init $(BENCHO)/load $(BENCHO)/entry.bin \
	$(O)/tests/count.so \
	$(patsubst %,$(O)/domains/%.img,block console net block-mortal blockload netload)

# What counts the instructions of exits.
$(O)/tests/worst_exit.so: $(SRC)/tests/plugin/worst_exit.c $(SRC)/tests/plugin/plugin.h
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu17 -O2 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden \
		-ffile-prefix-map=$(SRC)=. -o $@ $<

.PHONY: bench bench-run bench-guest bench-trace worst-exit
bench-guest: $(BENCH_FILES)

bench: deps
	@$(MAKE) --no-print-directory -f $(SRC)/Makefile bench-run

bench-run: $(O)/bulkhead.img $(BENCH_FILES) $(O)/tests/worst_exit.so $(O)/tests/guest.img
	$(Q)$(BENCH_PYTHON) $(BENCH)/run.py --out $(O) $(foreach p,$(PEERS),--peer $(p)) $(BENCH_ARGS)

WHAT ?= psci_version
bench-trace: $(O)/bulkhead.img $(BENCHO)/guest.img
	$(Q)$(BENCH_PYTHON) $(BENCH)/trace.py --out $(O) $(WHAT) $(if $(LIST),--list) $(if $(LINES),--lines)

# The longest exits in full: paths of the bound, and what was seen in every run.
worst-exit: $(O)/bulkhead.img $(BENCH_FILES) $(O)/tests/worst_exit.so $(O)/tests/guest.img
	$(Q)$(BENCH_PYTHON) $(BENCH)/worst_exit.py --out $(O) $(WORST_ARGS)
	$(Q)$(BENCH_PYTHON) $(BENCH)/worst_seen.py --out $(O)

-include $(BENCH_OBJS:.o=.d)
