# SPDX-License-Identifier: Apache-2.0
# Grants under real concurrency, with the thread sanitizer; stubs in the place of stage 2 and copy windows.
UNIT_GRANT := $(SRC)/tests/unit/grant
UNIT_GRANT_SRC := $(UNIT_GRANT)/test_grant_threads.c \
    $(addprefix $(SRC)/hypervisor/core/,grant.c grant_entry.c grant_stop.c grant_copy.c)
UNIT_GRANT_HDR := $(wildcard $(SRC)/hypervisor/core/*.h $(SRC)/hypervisor/base/*.h $(SRC)/hypervisor/arch/*/*.h)

$(O)/unit/test_grant_threads: $(UNIT_GRANT_SRC) $(UNIT_GRANT_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu17 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes \
	    -I$(SRC)/hypervisor $(UNIT_GRANT_EXTRA) -fsanitize=thread -o $@ $(UNIT_GRANT_SRC) -lcmocka -lpthread

UNIT_TESTS += $(O)/unit/test_grant_threads
