# SPDX-License-Identifier: Apache-2.0
# Extensions: ELF files O/extensions/NAME.elf of extensions/NAME/main.c and the start-up; those of the tests likewise.
EXT := $(SRC)/extensions
EXT_O := $(O)/extensions
EXT_NAMES := $(notdir $(patsubst %/,%,$(dir $(wildcard $(EXT)/*/main.c))))
EXT_TESTS := $(notdir $(basename $(wildcard $(SRC)/tests/extensions/*.c)))
EXT_HEADERS := $(wildcard $(EXT)/*.h $(SRC)/include/bulkhead/*.h $(SRC)/tests/extensions/*.h)

EXT_CFLAGS := --target=aarch64-none-elf -march=armv8-a -std=c17 -O2 -ffreestanding -fno-pic -mcmodel=small \
	-mgeneral-regs-only -mno-outline-atomics -fno-builtin -fno-common -fno-stack-protector -fno-jump-tables \
	-fno-asynchronous-unwind-tables -ffunction-sections -fdata-sections -Wall -Wextra -Werror -Wshadow \
	-Wmissing-prototypes -Wstrict-prototypes -Wvla -ffile-prefix-map=$(SRC)=. -I$(EXT) -I$(SRC)/include
EXT_LDFLAGS := --fatal-warnings --gc-sections -static -z max-page-size=4096 -z stack-size=8192 -T $(EXT)/extension.lds

$(EXT_O)/%.o: $(SRC)/%.c $(EXT_HEADERS) $(EXT)/build.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(CLANG) $(EXT_CFLAGS) -c -o $@ $<

# $(call ext_elf,NAME,OBJECTS)
define ext_elf
$(EXT_O)/$(1).elf: $(2) $(EXT_O)/extensions/start.o $(EXT)/extension.lds
	$$(call say,LD,$$@)
	$$(Q)$(LLD) $$(EXT_LDFLAGS) -o $$@ $$(filter %.o,$$^)
endef
$(foreach name,$(EXT_NAMES),$(eval $(call ext_elf,$(name),$(EXT_O)/extensions/$(name)/main.o)))
$(foreach name,$(EXT_TESTS),$(eval $(call ext_elf,$(name),$(EXT_O)/tests/extensions/$(name).o)))
all: $(EXT_NAMES:%=$(EXT_O)/%.elf)
test-guests: $(EXT_TESTS:%=$(EXT_O)/%.elf)
