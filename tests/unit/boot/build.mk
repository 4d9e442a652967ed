# SPDX-License-Identifier: Apache-2.0
# Boot's planner on the build machine, with address and undefined-behaviour sanitizers, and the corpus of device trees.
UNIT_BOOT := $(SRC)/tests/unit/boot
UNIT_BOOT_FLAGS := -std=gnu17 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror \
    -I$(SRC)/hypervisor -I$(SRC)/include -I$(UNIT_BOOT)
UNIT_BOOT_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
BOOT_PURE := $(filter-out %/early_map.c %/main.c %/pcpus.c %/smmus.c,$(sort $(wildcard $(SRC)/hypervisor/boot/*.c))) \
    $(SRC)/hypervisor/core/format.c
UNIT_BOOT_HELP := $(UNIT_BOOT)/board.c $(UNIT_BOOT)/listing.c $(UNIT_BOOT)/verify.c $(UNIT_BOOT)/verify_virtio.c
UNIT_BOOT_HDR := $(wildcard $(SRC)/hypervisor/boot/*.h $(SRC)/hypervisor/base/*.h $(UNIT_BOOT)/*.h) \
    $(SRC)/hypervisor/core/record.h $(SRC)/hypervisor/core/format.h $(SRC)/hypervisor/core/pool.h

CORPUS := $(SRC)/tests/corpus
CORPUS_DTS := $(sort $(wildcard $(CORPUS)/broken/*.dts $(CORPUS)/good/*.dts))
CORPUS_DTB := $(patsubst $(CORPUS)/%.dts,$(O)/corpus/%.dtb,$(CORPUS_DTS) $(wildcard $(CORPUS)/partial/*.dts))

$(O)/corpus/%.dtb: $(CORPUS)/%.dts $(CORPUS)/host.dtsi $(CORPUS)/smmu.dtsi
	@mkdir -p $(@D)
	$(Q)dtc -q -I dts -O dtb -o $@ $<

$(O)/unit/boot_corpus: $(UNIT_BOOT)/corpus.c $(UNIT_BOOT_HELP) $(BOOT_PURE) $(UNIT_BOOT_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_BOOT_FLAGS) $(UNIT_BOOT_SAN) -o $@ $(filter %.c,$^)

# A test program without arguments, like the others.
$(O)/unit/test_corpus: $(O)/unit/boot_corpus $(CORPUS_DTB)
	@printf '#!/bin/sh\nexec $(O)/unit/boot_corpus $(O)/corpus $(CORPUS_DTS)\n' > $@ && chmod +x $@

$(O)/unit/test_fdt: $(UNIT_BOOT)/test_fdt.c $(UNIT_BOOT)/tree.c $(UNIT_BOOT)/board.c $(UNIT_BOOT)/tree.h $(BOOT_PURE) \
    $(UNIT_BOOT_HDR) $(CORPUS_DTB)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_BOOT_FLAGS) $(UNIT_BOOT_SAN) -o $@ $(filter %.c,$^) -lcmocka -ldl

$(O)/unit/test_extension_elf: $(UNIT_BOOT)/test_extension_elf.c $(SRC)/hypervisor/boot/extension_elf.c \
    $(SRC)/hypervisor/boot/extension_elf.h $(SRC)/include/bulkhead/extension_abi.h
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_BOOT_FLAGS) $(UNIT_BOOT_SAN) -o $@ $(filter %.c,$^) -lcmocka

UNIT_TESTS += $(O)/unit/test_corpus $(O)/unit/test_fdt $(O)/unit/test_extension_elf

include $(SRC)/tests/fuzz/boot.mk
