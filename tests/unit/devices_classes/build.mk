# SPDX-License-Identifier: Apache-2.0
# The device classes net, console, entropy and vsock, each behind the registers and rings of a real device.
UNIT_CLASSES := $(SRC)/tests/unit/devices_classes
UNIT_CLASSES_FLAGS := -std=gnu17 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes \
    -I$(SRC) -I$(SRC)/include -I$(UNIT_CLASSES)
UNIT_CLASSES_SRC := $(addprefix $(SRC)/devices/,queue.c device.c entropy.c console.c console_mux.c net.c net_deliver.c \
    net_frame.c net_rate.c net_switch.c vsock.c vsock_deliver.c vsock_packet.c \
    vsock_peers.c)
UNIT_CLASSES_HELP := $(UNIT_CLASSES)/rig.c $(UNIT_CLASSES)/net_world.c $(UNIT_CLASSES)/vsock_world.c
UNIT_CLASSES_HDR := $(wildcard $(SRC)/devices/*.h $(UNIT_CLASSES)/*.h) $(SRC)/include/bulkhead/virtio_state.h

UNIT_CLASSES_TESTS := $(addprefix $(O)/unit/test_devices_,entropy console net net_switch vsock class_musts)
$(UNIT_CLASSES_TESTS): $(O)/unit/test_devices_%: $(UNIT_CLASSES)/test_%.c $(UNIT_CLASSES_HELP) \
    $(UNIT_CLASSES_SRC) $(UNIT_CLASSES_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_CLASSES_FLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all -o $@ \
	    $(filter %.c,$^) -lcmocka

UNIT_CLASSES_CRASH := $(addprefix $(O)/unit/test_devices_,classes_crash vsock_crash)
$(UNIT_CLASSES_CRASH): $(O)/unit/test_devices_%: $(UNIT_CLASSES)/test_%.c $(UNIT_CLASSES_HELP) $(UNIT_CLASSES_SRC) \
    $(UNIT_CLASSES_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_CLASSES_FLAGS) -include $(UNIT_CLASSES)/crash_step.h -fsanitize=address,undefined \
	    -fno-sanitize-recover=all -o $@ $(filter %.c,$^) -lcmocka

# The same with nothing in sight but what a mapper has room for.
UNIT_MAPPED_TESTS := $(addprefix $(O)/unit/test_mapped_,entropy console net vsock)
$(UNIT_MAPPED_TESTS): $(O)/unit/test_mapped_%: $(UNIT_CLASSES)/test_%.c $(UNIT_CLASSES_HELP) $(UNIT_CLASSES)/mapped.c \
    $(UNIT_CLASSES_SRC) $(UNIT_CLASSES_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_CLASSES_FLAGS) -DMAPPED -fsanitize=address,undefined -fno-sanitize-recover=all -o $@ \
	    $(filter %.c,$^) -lcmocka

UNIT_MAPPED_CRASH := $(addprefix $(O)/unit/test_mapped_,classes_crash vsock_crash)
$(UNIT_MAPPED_CRASH): $(O)/unit/test_mapped_%: $(UNIT_CLASSES)/test_%.c $(UNIT_CLASSES_HELP) $(UNIT_CLASSES)/mapped.c \
    $(UNIT_CLASSES_SRC) $(UNIT_CLASSES_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_CLASSES_FLAGS) -DMAPPED -include $(UNIT_CLASSES)/crash_step.h -fsanitize=address,undefined \
	    -fno-sanitize-recover=all -o $@ $(filter %.c,$^) -lcmocka

UNIT_TESTS += $(UNIT_CLASSES_TESTS) $(UNIT_CLASSES_CRASH) $(UNIT_MAPPED_TESTS) $(O)/unit/test_mapped_classes_crash

.PHONY: test-long-mapped
test-long: test-long-mapped
test-long-mapped: $(O)/unit/test_mapped_vsock_crash
	$(Q)$<

include $(SRC)/tests/fuzz/classes.mk
include $(SRC)/tests/fuzz/vsock.mk
