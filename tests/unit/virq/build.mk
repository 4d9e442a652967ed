# SPDX-License-Identifier: Apache-2.0
# Virtual interrupts and the GIC registers, against an array in place of the list registers and a model of the GIC.
UNIT_VIRQ := $(SRC)/tests/unit/virq
UNIT_VIRQ_FLAGS := -std=gnu17 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes \
    -I$(SRC)/hypervisor -I$(UNIT_VIRQ) -fsanitize=address,undefined -fno-sanitize-recover=all $(UNIT_VIRQ_EXTRA)
UNIT_VIRQ_SRC := $(sort $(wildcard $(SRC)/hypervisor/virq/*.c $(SRC)/hypervisor/guest/arm64/vgic_*.c)) \
    $(SRC)/hypervisor/arch/host/host_gic.c $(UNIT_VIRQ)/machine.c
UNIT_VIRQ_HDR := $(wildcard $(SRC)/hypervisor/virq/*.h $(SRC)/hypervisor/guest/arm64/vgic_*.h $(SRC)/hypervisor/base/*.h \
    $(SRC)/hypervisor/drivers/gic.h $(SRC)/hypervisor/arch/host/*.h $(UNIT_VIRQ)/*.h)

$(O)/unit/test_virq: $(UNIT_VIRQ)/test_virq.c $(UNIT_VIRQ)/guest.c
$(O)/unit/test_vgic: $(UNIT_VIRQ)/test_vgic.c $(UNIT_VIRQ)/guest.c
$(O)/unit/test_virq_torture: $(UNIT_VIRQ)/test_torture.c $(UNIT_VIRQ)/model.c
$(O)/unit/test_virq_threads: $(UNIT_VIRQ)/test_threads.c
$(O)/unit/test_virq $(O)/unit/test_vgic $(O)/unit/test_virq_torture $(O)/unit/test_virq_threads: $(UNIT_VIRQ_SRC) $(UNIT_VIRQ_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_VIRQ_FLAGS) -o $@ $(filter %.c,$^) -lcmocka -lpthread

UNIT_TESTS += $(O)/unit/test_virq $(O)/unit/test_vgic $(O)/unit/test_virq_torture $(O)/unit/test_virq_threads
