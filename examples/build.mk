# SPDX-License-Identifier: Apache-2.0
# Bare-metal programs of the examples: flat arm64 Images.
EXAMPLE_FLAGS := --target=aarch64-none-elf -march=armv8-a -ffreestanding -fno-pic -mcmodel=small -mgeneral-regs-only \
	-mstrict-align -fno-stack-protector -fno-asynchronous-unwind-tables -ffile-prefix-map=$(SRC)=. \
	-Wall -Wextra -Werror

HEARTBEAT := $(O)/examples/two-linux/heartbeat

$(HEARTBEAT).img: $(addprefix $(SRC)/examples/two-linux/heartbeat/,start.S main.c heartbeat.lds)
	@mkdir -p $(@D)
	$(call say,CC,$@)
	$(Q)$(CLANG) $(EXAMPLE_FLAGS) -c -o $(HEARTBEAT)-start.o $(filter %.S,$^)
	$(Q)$(CLANG) $(EXAMPLE_FLAGS) -std=c17 -O2 -c -o $(HEARTBEAT)-main.o $(filter %.c,$^)
	$(Q)$(LLD) --fatal-warnings -T $(filter %.lds,$^) -o $(HEARTBEAT).elf $(HEARTBEAT)-start.o $(HEARTBEAT)-main.o
	$(Q)$(OBJCOPY) -O binary $(HEARTBEAT).elf $@

all: $(HEARTBEAT).img
