# SPDX-License-Identifier: Apache-2.0
# Structures that guests share with us against Xen's public headers (libxen-dev), both compiled for arm64; the
# objects hold tables and never run.
UNIT_ABI := $(SRC)/tests/unit/abi
UNIT_ABI_FLAGS := --target=aarch64-linux-gnu -std=gnu17 -ffreestanding -Wall -Wextra -Werror -I$(UNIT_ABI)

$(O)/unit/abi/ours.o: UNIT_ABI_FLAGS += -I$(SRC)/hypervisor -I$(SRC)/include
$(O)/unit/abi/theirs.o: UNIT_ABI_FLAGS += -idirafter /usr/include -D__XEN_TOOLS__ \
    -D__XEN_INTERFACE_VERSION__=__XEN_LATEST_INTERFACE_VERSION__
$(O)/unit/abi/%.o: $(UNIT_ABI)/%.c $(UNIT_ABI)/layout.h $(UNIT_ABI)/entry.h
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(UNIT_ABI_FLAGS) -MMD -MP -c -o $@ $<

$(O)/unit/abi/%.bin: $(O)/unit/abi/%.o
	$(Q)$(OBJCOPY) -O binary --only-section=abi $< $@

# A test program without arguments, like the others.
$(O)/unit/test_abi: $(O)/unit/abi/ours.bin $(O)/unit/abi/theirs.bin $(UNIT_ABI)/test_abi.py
	@printf '#!/bin/sh\nexec $(PYTHON) -B $(UNIT_ABI)/test_abi.py $(O)/unit/abi/ours.bin $(O)/unit/abi/theirs.bin\n' > $@
	@chmod +x $@

-include $(O)/unit/abi/ours.d $(O)/unit/abi/theirs.d
UNIT_TESTS += $(O)/unit/test_abi
