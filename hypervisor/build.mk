# SPDX-License-Identifier: Apache-2.0
# The hypervisor image. BREAK=name builds a test-only variant with one check removed (controls of the attack tests).
HV := $(SRC)/hypervisor
HVO := $(O)/hypervisor$(if $(filter static,$(PROFILE)),-static)
HV_DIRS := base entry/arm64 guest/arm64 guest/xen core virq arch/arm64 drivers boot
HV_C := $(foreach d,$(HV_DIRS),$(sort $(wildcard $(HV)/$(d)/*.c)))
# The static profile has no driver domains.
ifeq ($(PROFILE),static)
HV_LEFT_OUT := core/ioreq.c core/frontend.c core/dma.c guest/xen/dm_op.c arch/arm64/stage2_window.c
HV_LEFT_OUT += boot/smmus.c drivers/smmu_v3.c core/extension.c core/extension_call.c entry/arm64/extension.S
HV_C := $(filter-out $(addprefix $(HV)/,$(HV_LEFT_OUT)),$(HV_C))
HV_PROFILE := -DPROFILE_STATIC
endif
HV_S := $(filter-out $(addprefix $(HV)/,$(HV_LEFT_OUT)),$(foreach d,$(HV_DIRS),$(sort $(wildcard $(HV)/$(d)/*.S))))
HV_OBJS := $(patsubst $(HV)/%.c,$(HVO)/%.o,$(HV_C)) $(patsubst $(HV)/%.S,$(HVO)/%.S.o,$(HV_S))
ifneq ($(BREAK),)
# Only the sources that name the check are compiled anew.
HV_BREAK := $(patsubst $(HV)/%.c,%.o,$(shell grep -lw 'BREAK_$(BREAK)' $(HV_C)))
$(if $(HV_BREAK),,$(error no source knows BREAK_$(BREAK)))
HV_OBJS := $(foreach o,$(HV_OBJS),$(if $(filter $(o:$(HVO)/%=%),$(HV_BREAK)),$(HVO)-$(BREAK)/$(o:$(HVO)/%=%),$(o)))
endif

HV_FLAGS := --target=aarch64-none-elf -march=armv8-a -ffreestanding -fno-pic -mcmodel=small -mgeneral-regs-only \
	-mstrict-align -ffixed-x18 -fno-common -fno-stack-protector -fno-asynchronous-unwind-tables -fno-omit-frame-pointer \
	-mbranch-protection=bti -I$(HV) -I$(HV)/arch/arm64 -I$(SRC)/include -ffile-prefix-map=$(SRC)=. -g1
HV_CFLAGS := -std=c17 -O2 -ffunction-sections -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	-Wvla -fno-builtin-memcpy -momit-leaf-frame-pointer $(HV_PROFILE) $(HV_FLAGS)

# What stays resident is optimised as one program; boot/, what serves extensions and what serves SMMUs are told apart by
# their object files (hypervisor.lds).
HV_LTO = $(if $(filter boot/% drivers/smmu% core/dma core/extension%,$*),,-flto)

$(HVO)/%.o: $(HV)/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CLANG) $(HV_CFLAGS) $(HV_LTO) -MMD -MP -c -o $@ $<

$(HVO)/%.S.o: $(HV)/%.S
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CLANG) $(HV_FLAGS) -MMD -MP -c -o $@ $<

$(HVO)-$(BREAK)/%.o: $(HV)/%.c
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CLANG) $(HV_CFLAGS) $(HV_LTO) -Wno-unused -DBREAK_$(BREAK) -MMD -MP -c -o $@ $<

HV_NAME := $(O)/bulkhead$(if $(BREAK),-$(BREAK))

# The profile of the image that is there: another one is linked anew.
$(O)/hypervisor.profile: hypervisor-profile
	@mkdir -p $(@D)
	@echo $(PROFILE) | cmp -s - $@ || echo $(PROFILE) > $@
.PHONY: hypervisor-profile

$(HV_NAME).elf: $(HV_OBJS) $(HV)/hypervisor.lds $(O)/hypervisor.profile
	$(call say,LD,$@)
	$(Q)$(LLD) --gc-sections --fatal-warnings --lto-O2 -z max-page-size=4096 -T $(HV)/hypervisor.lds -o $@ $(HV_OBJS)

$(HV_NAME).img: $(HV_NAME).elf
	$(Q)$(OBJCOPY) -O binary $< $@

-include $(HV_OBJS:.o=.d)
