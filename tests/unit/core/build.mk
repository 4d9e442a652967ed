# SPDX-License-Identifier: Apache-2.0
# Event channels on threads, under the thread sanitizer. The other tests of this folder are built by tests/unit/arch.
UNIT_EVENT := $(SRC)/hypervisor/core/event.c $(SRC)/hypervisor/core/event_ports.c $(SRC)/hypervisor/core/pool.c

$(O)/unit/test_event_threads: $(SRC)/tests/unit/core/event_threads.c $(UNIT_EVENT) \
    $(wildcard $(SRC)/hypervisor/core/*.h)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu17 -g -O1 -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -I$(SRC)/hypervisor \
	    -fsanitize=thread -o $@ $(filter %.c,$^) -lcmocka -lpthread

UNIT_TESTS += $(O)/unit/test_event_threads
