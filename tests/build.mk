# SPDX-License-Identifier: Apache-2.0
# Test guests, unit tests and system tests. Included by the top Makefile, which sets SRC, O, CLANG, LLD and OBJCOPY.

TG := $(SRC)/tests/guests
TG_O := $(O)/tests
TG_FLAGS := --target=aarch64-none-elf -march=armv8-a -std=gnu17 -O2 -ffreestanding -fpie -mgeneral-regs-only \
    -mstrict-align -fno-builtin -fno-stack-protector -fno-asynchronous-unwind-tables -fno-jump-tables \
    -fvisibility=hidden -ffile-prefix-map=$(SRC)=. -Wall -Wextra -Werror -Wmissing-prototypes -Wvla \
    -I$(TG)/lib -I$(SRC)/include
TG_LDFLAGS := -pie --no-dynamic-linker -z norelro -z notext --no-relax -T $(TG)/lib/guest.lds
TG_LIB := $(wildcard $(TG)/lib/*.c $(TG)/lib/*.S)
TG_TESTS := $(wildcard $(TG)/tests/*.c $(TG)/tests/*.S $(SRC)/tests/attack/*.c $(SRC)/tests/model/generate.c)
TG_TINY := $(wildcard $(TG)/tiny/*.c)
TG_HEADERS := $(wildcard $(TG)/lib/*.h $(TG)/tests/*.h $(SRC)/tests/attack/*.h $(SRC)/tests/model/*.h)

tg_objects = $(patsubst $(SRC)/tests/%,$(TG_O)/$(1)/%.o,$(2))
TG_GUEST_OBJECTS := $(call tg_objects,guest,$(TG_LIB) $(TG_TESTS))
TG_TINY_OBJECTS := $(call tg_objects,tiny,$(TG_LIB) $(TG_TINY))

# $(call quiet,WHAT) prints a short line unless V=1
TG_Q = $(if $(filter 1,$(V)),,@)

define tg_compile
	@mkdir -p $(@D)
	$(TG_Q)$(CLANG) $(TG_FLAGS) $(1) -c $< -o $@
endef

$(TG_O)/guest/%.o: $(SRC)/tests/% $(TG_HEADERS) $(SRC)/tests/build.mk
	$(call tg_compile,)
$(TG_O)/tiny/%.o: $(SRC)/tests/% $(TG_HEADERS) $(SRC)/tests/build.mk
	$(call tg_compile,-DTINY -Os)

$(TG_O)/guest.elf: $(TG_GUEST_OBJECTS) $(TG)/lib/guest.lds
	$(TG_Q)$(LLD) $(TG_LDFLAGS) $(TG_GUEST_OBJECTS) -o $@
$(TG_O)/tiny.elf: $(TG_TINY_OBJECTS) $(TG)/lib/guest.lds
	$(TG_Q)$(LLD) $(TG_LDFLAGS) $(TG_TINY_OBJECTS) -o $@
$(TG_O)/%.img: $(TG_O)/%.elf
	$(TG_Q)$(OBJCOPY) -O binary $< $@

$(TG_O)/delay.so $(TG_O)/count.so: $(TG_O)/%.so: $(SRC)/tests/plugin/%.c $(SRC)/tests/plugin/plugin.h
	@mkdir -p $(@D)
	$(TG_Q)$(HOSTCC) -std=gnu17 -O2 -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden \
	    -ffile-prefix-map=$(SRC)=. -o $@ $<

.PHONY: test-guests test-system test-long test-confined evidence
test-guests: $(TG_O)/guest.img $(TG_O)/tiny.img $(TG_O)/delay.so $(TG_O)/count.so

# /usr/bin/python3 is Debian's, with pytest and libfdt; another one found first in PATH may lack them.
PYTEST := /usr/bin/python3 -B -m pytest -q -p no:cacheprovider --rootdir=$(SRC)/tests/system -c $(SRC)/tests/system/pytest.ini
TEST_ENV = O=$(abspath $(O)) SRC=$(SRC)
# Files of tests run side by side, so many at a time.
TEST_JOBS ?= 2
PYTEST_SIDE = -n $(TEST_JOBS) --dist loadfile
# ONLY=01-4 is evidence line 4 of the first issue
TEST_SELECT = -m "$(if $(ONLY),line_$(subst -,_,$(ONLY)) and )not long"

test-system: all test-guests
	$(TG_Q)$(TEST_ENV) $(PYTEST) $(PYTEST_SIDE) --durations=25 $(TEST_SELECT) $(PYTEST_ARGS) $(SRC)/tests/system
test-long: all test-guests
	$(TG_Q)$(TEST_ENV) $(PYTEST) -m long $(PYTEST_ARGS) $(SRC)/tests/system
# Those that `make test` skips without this kernel.
test-confined: all test-guests
	$(TG_Q)$(SRC)/tools/bulkhead fetch busybox linux-confined
	$(TG_Q)$(TEST_ENV) $(PYTEST) -m "confined and not long" $(PYTEST_ARGS) $(SRC)/tests/system
evidence:
	@$(TEST_ENV) /usr/bin/python3 -B $(SRC)/tests/system/evidence.py $(ISSUE)

-include $(SRC)/tests/unit/build.mk
