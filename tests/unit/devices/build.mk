# SPDX-License-Identifier: Apache-2.0
# The device library (devices/) against a driver that may be broken, with address and undefined-behaviour sanitizers.
# QUEUE_STEP of devices/queue.h is a call here, so that a backend can die between any two stores.
# DEVICES_CRASHES=n is the length of the crash test (`make test-long`: 200,000).
UNIT_DEVICES := $(SRC)/tests/unit/devices
UNIT_DEVICES_FLAGS := -std=gnu17 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes \
    -I$(SRC) -I$(SRC)/include -I$(UNIT_DEVICES) -include $(UNIT_DEVICES)/step.h \
    -fsanitize=address,undefined -fno-sanitize-recover=all $(UNIT_DEVICES_EXTRA)
UNIT_DEVICES_SRC := $(addprefix $(SRC)/devices/,queue.c device.c block.c) $(UNIT_DEVICES)/driver.c $(UNIT_DEVICES)/block_rig.c
UNIT_DEVICES_HDR := $(addprefix $(SRC)/devices/,memory.h libc.h queue.h device.h disk.h block.h) \
    $(wildcard $(UNIT_DEVICES)/*.h) $(SRC)/include/bulkhead/virtio_state.h
UNIT_DEVICES_OBJ := $(patsubst $(SRC)/%.c,$(O)/unit/devices/%.o,$(UNIT_DEVICES_SRC))
UNIT_DEVICES_NAMES := $(patsubst $(UNIT_DEVICES)/test_%.c,%,$(wildcard $(UNIT_DEVICES)/test_*.c))
UNIT_DEVICES_TESTS := $(addprefix $(O)/unit/test_devices_,$(UNIT_DEVICES_NAMES))

$(O)/unit/devices/%.o: $(SRC)/%.c $(UNIT_DEVICES_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_DEVICES_FLAGS) -c -o $@ $<

$(UNIT_DEVICES_TESTS): $(O)/unit/test_devices_%: $(UNIT_DEVICES)/test_%.c $(UNIT_DEVICES_OBJ) $(UNIT_DEVICES_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_DEVICES_FLAGS) -o $@ $(filter %.c %.o,$^) -lcmocka -lpthread

# The same with nothing in sight but what is granted: every test, through the runtime's mapper.
UNIT_GRANTED_FLAGS := $(UNIT_DEVICES_FLAGS) -DGRANTED -DGRANTS_GROUPS=1200
UNIT_GRANTED_OBJ := $(patsubst $(SRC)/%.c,$(O)/unit/granted/%.o,$(UNIT_DEVICES_SRC) $(UNIT_DEVICES)/granted.c)
UNIT_GRANTED_NAMES := block block_crash crash hostile transport
UNIT_GRANTED_TESTS := $(addprefix $(O)/unit/test_granted_,$(UNIT_GRANTED_NAMES))

$(O)/unit/granted/%.o: $(SRC)/%.c $(UNIT_DEVICES_HDR) $(wildcard $(SRC)/runtime/grants.*)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_GRANTED_FLAGS) -c -o $@ $<
$(UNIT_GRANTED_TESTS): $(O)/unit/test_granted_%: $(UNIT_DEVICES)/test_%.c $(UNIT_GRANTED_OBJ) $(UNIT_DEVICES_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_GRANTED_FLAGS) -o $@ $(filter %.c %.o,$^) -lcmocka -lpthread
UNIT_TESTS += $(UNIT_GRANTED_TESTS)

.PHONY: test-long-devices
test-long: test-long-devices
test-long-devices: $(O)/unit/test_devices_crash
	$(Q)DEVICES_CRASHES=200000 $<

UNIT_TESTS += $(UNIT_DEVICES_TESTS)

include $(SRC)/tests/fuzz/devices.mk
