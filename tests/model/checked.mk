# SPDX-License-Identifier: Apache-2.0
# bulkhead-checked.img: the hypervisor with the model beside it. Test-only; with BREAK=name a check is missing as well.
CHECKED_O := $(O)/checked
CHECKED_FLAGS := $(filter-out -Wmissing-prototypes,$(HV_CFLAGS)) -I$(MODEL)
CHECKED_C := $(MODEL_C) $(MODEL)/checked.c $(MODEL)/checked_el2.c
CHECKED_OBJS := $(patsubst $(MODEL)/%.c,$(CHECKED_O)/%.o,$(CHECKED_C)) $(CHECKED_O)/trap.o \
    $(filter-out %/guest/arm64/trap.o,$(HV_OBJS))
CHECKED_NAME := $(O)/bulkhead-checked$(if $(BREAK),-$(BREAK))

$(CHECKED_O)/%.o: $(MODEL)/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CLANG) $(CHECKED_FLAGS) -flto -MMD -MP -c -o $@ $<

$(CHECKED_O)/trap.o: $(HV)/guest/arm64/trap.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CLANG) $(CHECKED_FLAGS) -flto -Dhypercall=hypercall_checked -MMD -MP -c -o $@ $<

$(CHECKED_NAME).elf: $(CHECKED_OBJS) $(HV)/hypervisor.lds
	$(call say,LD,$@)
	$(Q)$(LLD) --gc-sections --fatal-warnings --lto-O2 -z max-page-size=4096 -T $(HV)/hypervisor.lds -o $@ $(CHECKED_OBJS)

$(CHECKED_NAME).img: $(CHECKED_NAME).elf
	$(Q)$(OBJCOPY) -O binary $< $@

-include $(CHECKED_OBJS:.o=.d)
