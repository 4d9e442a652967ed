# SPDX-License-Identifier: Apache-2.0
# Driver domains: flat arm64 Images O/domains/NAME.img of domains/NAME/main.c, the runtime, its drivers and the devices;
# what a domain does not use is left out. NAME-step.img, for tests, dies behind some store (tests/domains/steps).
DD_O := $(O)/domains
DD_NAMES := $(notdir $(patsubst %/,%,$(dir $(wildcard $(SRC)/domains/*/main.c))))
DD_COMMON := $(wildcard $(SRC)/runtime/*.c $(SRC)/runtime/*.S $(SRC)/runtime/drivers/*.c $(SRC)/devices/*.c)
DD_HEADERS := $(wildcard $(SRC)/runtime/*.h $(SRC)/runtime/drivers/*.h $(SRC)/devices/*.h $(SRC)/include/bulkhead/*.h \
	$(SRC)/tests/domains/*/*.h)

DD_FLAGS := --target=aarch64-none-elf -march=armv8-a -ffreestanding -fpie -mcmodel=tiny -mgeneral-regs-only \
	-mstrict-align -mno-outline-atomics -fvisibility=hidden -fno-common -fno-stack-protector \
	-fno-asynchronous-unwind-tables -fno-omit-frame-pointer -momit-leaf-frame-pointer \
	-ffile-prefix-map=$(SRC)=. -I$(SRC) -I$(SRC)/include
DD_CFLAGS := $(DD_FLAGS) -std=c17 -Oz -flto -fno-builtin -fno-jump-tables -ffunction-sections -fdata-sections \
	-Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Wvla
DD_LDFLAGS := --fatal-warnings --gc-sections --lto-O2 -pie --no-dynamic-linker -z norelro -z notext \
	-T $(SRC)/runtime/runtime.lds

dd_objects = $(patsubst $(SRC)/%,$(DD_O)/$(1)/%.o,$(2))

$(DD_O)/plain/%.c.o: $(SRC)/%.c $(DD_HEADERS) $(SRC)/domains/build.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CLANG) $(DD_CFLAGS) -c -o $@ $<
$(DD_O)/plain/%.S.o: $(SRC)/%.S $(SRC)/domains/build.mk
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(CLANG) $(DD_FLAGS) -c -o $@ $<

STEPS := $(SRC)/tests/domains/steps
$(DD_O)/step/%.c.o: $(SRC)/%.c $(DD_HEADERS) $(SRC)/domains/build.mk
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(DD_CFLAGS) -fno-lto -include $(STEPS)/steps.h -c -o $@ $<

# $(call dd_image,NAME,OBJECTS)
define dd_image
$(DD_O)/$(1).elf: $(2) $(SRC)/runtime/runtime.lds
	$$(call say,LD,$$@)
	$$(Q)$(LLD) $$(DD_LDFLAGS) -o $$@ $$(filter %.o,$$^)
$(DD_O)/$(1).img: $(DD_O)/$(1).elf
	$$(Q)$(OBJCOPY) -O binary $$< $$@
	@$(PYTHON) -B $(SRC)/domains/size.py $$@
endef
dd_main = $(call dd_objects,plain,$(SRC)/domains/$(1)/main.c)

$(foreach name,$(DD_NAMES),$(eval $(call dd_image,$(name), \
	$(call dd_main,$(name)) $(call dd_objects,plain,$(DD_COMMON)))))
all: $(DD_NAMES:%=$(DD_O)/%.img)

# Not optimized as a whole: calls between files have to be there to be replaced.
$(DD_NAMES:%=$(DD_O)/%-step.elf): DD_LDFLAGS += --wrap=device_init --wrap=queue_again --wrap=queue_complete \
	--wrap=virtio_block_start --wrap=memory_disk_start
$(foreach name,$(DD_NAMES),$(eval $(call dd_image,$(name)-step,$(call dd_objects,step, \
	$(SRC)/domains/$(name)/main.c $(filter %.c,$(DD_COMMON)) $(wildcard $(STEPS)/*.c)) \
	$(call dd_objects,plain,$(filter %.S,$(DD_COMMON))))))
# DOMAIN=/some/folder: the C files in it are a driver domain that is named as the folder.
ifneq ($(DOMAIN),)
DD_OWN := $(abspath $(DOMAIN))
DD_OWN_NAME := $(notdir $(DD_OWN))
$(if $(filter $(DD_OWN_NAME),$(DD_NAMES)),$(error there is a driver domain "$(DD_OWN_NAME)" already))
DD_OWN_OBJECTS := $(patsubst $(DD_OWN)/%.c,$(DD_O)/$(DD_OWN_NAME)/%.c.o,$(wildcard $(DD_OWN)/*.c))

$(DD_OWN_OBJECTS): $(DD_O)/$(DD_OWN_NAME)/%.c.o: $(DD_OWN)/%.c $(DD_HEADERS) $(SRC)/domains/build.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CLANG) $(DD_CFLAGS) -c -o $@ $<
$(eval $(call dd_image,$(DD_OWN_NAME),$(DD_OWN_OBJECTS) $(call dd_objects,plain,$(DD_COMMON))))
all: $(DD_O)/$(DD_OWN_NAME).img
endif

# Frontends without an operating system, for the tests and the benchmark: the runtime as their driver.
DD_LOADS := $(notdir $(patsubst %/,%,$(dir $(wildcard $(SRC)/tests/domains/*/main.c))))
$(foreach name,$(DD_LOADS),$(eval $(call dd_image,$(name), \
	$(call dd_objects,plain,$(wildcard $(SRC)/tests/domains/$(name)/*.c) $(DD_COMMON)))))
$(DD_LOADS:%=$(DD_O)/plain/tests/domains/%/main.c.o): $(SRC)/tests/domains/marker.h

# The frontend of an example.
$(eval $(call dd_image,gpio-panel,$(call dd_objects,plain,$(SRC)/examples/gpio/panel/main.c $(DD_COMMON))))
all: $(DD_O)/gpio-panel.img

# NAME-mortal.img: the driver domain that dies by itself.
DD_MORTAL := block net
$(DD_O)/mortal/%.c.o: $(SRC)/%.c $(DD_HEADERS) $(SRC)/domains/build.mk
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(DD_CFLAGS) -Ddomain_start=served_start -c -o $@ $<
$(foreach name,$(DD_MORTAL),$(eval $(call dd_image,$(name)-mortal, \
	$(call dd_objects,mortal,$(SRC)/domains/$(name)/main.c) \
	$(call dd_objects,plain,$(SRC)/tests/domains/mortal/mortal.c $(DD_COMMON)))))
$(DD_O)/plain/tests/domains/mortal/mortal.c.o: $(SRC)/tests/domains/marker.h

test-guests: $(DD_MORTAL:%=$(DD_O)/%-mortal.img)
test-guests: $(DD_O)/block-step.img $(DD_O)/net-step.img $(DD_O)/vsock-step.img $(DD_LOADS:%=$(DD_O)/%.img)
