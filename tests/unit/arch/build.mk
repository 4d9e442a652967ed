# SPDX-License-Identifier: Apache-2.0
# core/, guest/, virq/ and the C part of arch/arm64/ on the host, over the machine of arch/host/; with address and
# undefined-behaviour sanitizers. The objects are shared by the tests of tests/unit/arch, core and guest.
UNIT_HOST := $(SRC)/tests/unit/arch
UNIT_HOST_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_HOST_FLAGS := -std=gnu17 -g -O1 -fno-omit-frame-pointer -fno-pie -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes \
    -I$(SRC)/hypervisor -I$(SRC)/include -I$(UNIT_HOST) $(UNIT_HOST_SAN) $(UNIT_HOST_EXTRA)
UNIT_HOST_SRC := $(wildcard $(SRC)/hypervisor/core/*.c $(SRC)/hypervisor/guest/arm64/*.c $(SRC)/hypervisor/guest/xen/*.c \
    $(SRC)/hypervisor/virq/*.c $(SRC)/hypervisor/drivers/smmu_v3.c \
    $(SRC)/hypervisor/arch/arm64/*.c $(SRC)/hypervisor/arch/host/*.c) $(UNIT_HOST)/machine.c
UNIT_HOST_OBJ := $(patsubst $(SRC)/%.c,$(O)/unit/host/%.o,$(UNIT_HOST_SRC))
UNIT_HOST_TESTS := $(wildcard $(SRC)/tests/unit/arch/test_*.c $(SRC)/tests/unit/core/test_*.c $(SRC)/tests/unit/guest/test_*.c)
UNIT_HOST_PROGRAMS := $(patsubst %.c,$(O)/unit/%,$(notdir $(UNIT_HOST_TESTS)))

vpath test_%.c $(SRC)/tests/unit/arch $(SRC)/tests/unit/core $(SRC)/tests/unit/guest

$(O)/unit/host/%.o: $(SRC)/%.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_HOST_FLAGS) -MMD -MP -c -o $@ $<

$(UNIT_HOST_PROGRAMS): $(O)/unit/%: %.c $(UNIT_HOST_OBJ)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_HOST_FLAGS) -no-pie -MMD -MP -MF $@.d -o $@ $< $(UNIT_HOST_OBJ) -lcmocka

-include $(UNIT_HOST_OBJ:.o=.d) $(UNIT_HOST_PROGRAMS:=.d)
UNIT_TESTS += $(UNIT_HOST_PROGRAMS)

include $(SRC)/tests/proof/build.mk
