# SPDX-License-Identifier: Apache-2.0
# The writer of device trees, the guest's tree and partial trees; with address and undefined-behaviour sanitizers.
UNIT_TREE := $(SRC)/tests/unit/guest_tree
UNIT_TREE_FLAGS := -std=gnu17 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror \
    -I$(SRC)/hypervisor -I$(SRC)/include -I$(UNIT_TREE) \
    -fsanitize=address,undefined -fno-sanitize-recover=all $(UNIT_TREE_EXTRA)
UNIT_TREE_SRC := $(UNIT_TREE)/support.c $(SRC)/hypervisor/core/format.c \
    $(addprefix $(SRC)/hypervisor/boot/,fdt.c fdt_value.c host.c report.c fdt_write.c guest_fdt.c guest_links.c \
    backend_tree.c hardware_fdt.c partial.c passthrough.c device_kind.c streams.c)
UNIT_TREE_HDR := $(wildcard $(SRC)/hypervisor/boot/*.h $(SRC)/hypervisor/base/*.h $(SRC)/hypervisor/core/record.h \
    $(UNIT_TREE)/*.h)

$(O)/unit/test_passthrough $(O)/unit/test_guest_tree $(O)/unit/test_virtio_tree: $(O)/unit/%: \
    $(UNIT_TREE)/%.c $(UNIT_TREE_SRC) $(UNIT_TREE_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_TREE_FLAGS) -o $@ $(filter %.c,$^) -lcmocka

UNIT_TESTS += $(O)/unit/test_passthrough $(O)/unit/test_guest_tree $(O)/unit/test_virtio_tree
