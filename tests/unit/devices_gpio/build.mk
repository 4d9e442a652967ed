# SPDX-License-Identifier: Apache-2.0
# The GPIO device behind its registers and rings, on a controller that keeps edges; and the driver of the PL061.
UNIT_GPIO := $(SRC)/tests/unit/devices_gpio
UNIT_GPIO_FLAGS := -std=gnu17 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes \
    -I$(UNIT_GPIO) -I$(SRC) -I$(SRC)/include -I$(SRC)/tests/unit/devices_classes -fsanitize=address,undefined \
    -fno-sanitize-recover=all
UNIT_GPIO_SRC := $(SRC)/tests/unit/devices_classes/rig.c $(UNIT_GPIO)/pins.c \
    $(addprefix $(SRC)/devices/,queue.c device.c gpio.c gpio_line.c)
UNIT_GPIO_HDR := $(wildcard $(SRC)/devices/*.h $(SRC)/runtime/*.h $(SRC)/runtime/drivers/*.h $(UNIT_GPIO)/*.h) \
    $(wildcard $(SRC)/tests/unit/devices_classes/*.h) $(SRC)/include/bulkhead/virtio_state.h

UNIT_GPIO_SYSTEM := $(UNIT_GPIO)/gpio_system.c $(UNIT_GPIO_SRC)

$(addprefix $(O)/unit/test_devices_,gpio gpio_events): $(O)/unit/test_devices_%: $(UNIT_GPIO)/test_%.c \
    $(UNIT_GPIO_SYSTEM) $(UNIT_GPIO_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_GPIO_FLAGS) -o $@ $(filter %.c,$^) -lcmocka

$(O)/unit/test_devices_gpio_crash: $(UNIT_GPIO)/test_gpio_crash.c $(UNIT_GPIO_SRC) $(UNIT_GPIO_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_GPIO_FLAGS) -include $(SRC)/tests/unit/devices_classes/crash_step.h -o $@ \
	    $(filter %.c,$^) -lcmocka

# With nothing in sight but what a mapper has room for.
$(addprefix $(O)/unit/test_mapped_,gpio gpio_events): $(O)/unit/test_mapped_%: $(UNIT_GPIO)/test_%.c \
    $(UNIT_GPIO_SYSTEM) $(SRC)/tests/unit/devices_classes/mapped.c $(UNIT_GPIO_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_GPIO_FLAGS) -DMAPPED -o $@ $(filter %.c,$^) -lcmocka

# The registers are functions of the test.
$(O)/unit/test_runtime_pl061: $(UNIT_GPIO)/test_pl061.c $(SRC)/runtime/drivers/pl061.c $(UNIT_GPIO_HDR) \
    $(UNIT_GPIO)/runtime/arch.h
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_GPIO_FLAGS) -o $@ $(filter %.c,$^) -lcmocka

UNIT_TESTS += $(addprefix $(O)/unit/test_devices_,gpio gpio_events gpio_crash) \
    $(addprefix $(O)/unit/test_mapped_,gpio gpio_events) $(O)/unit/test_runtime_pl061

include $(SRC)/tests/fuzz/gpio.mk
