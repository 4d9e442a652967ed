# SPDX-License-Identifier: Apache-2.0
# Console, printing, log ring, vpl011 and the UART drivers on the host, with address and undefined-behaviour sanitizers; and
# once more with the thread sanitizer. A fake UART takes the place of drivers/uart.c where the console is under test.
UNIT_CONSOLE := $(SRC)/tests/unit/console
UNIT_CONSOLE_FLAGS := -std=gnu17 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror -I$(SRC)/hypervisor -I$(UNIT_CONSOLE) \
    $(UNIT_CONSOLE_EXTRA)
UNIT_CONSOLE_SRC := $(addprefix $(SRC)/hypervisor/,core/console.c core/console_input.c core/print.c core/format.c core/log.c \
    core/vpl011.c)
UNIT_CONSOLE_HDR := $(wildcard $(SRC)/hypervisor/core/*.h $(SRC)/hypervisor/base/*.h $(UNIT_CONSOLE)/*.h) \
    $(SRC)/hypervisor/core/vpl011.h $(SRC)/hypervisor/drivers/uart.h

$(O)/unit/test_console: $(UNIT_CONSOLE)/test_console.c $(UNIT_CONSOLE)/fake.c $(UNIT_CONSOLE_SRC) $(UNIT_CONSOLE_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_CONSOLE_FLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all -o $@ $(filter %.c,$^) -lcmocka

$(O)/unit/test_console_threads: $(UNIT_CONSOLE)/test_threads.c $(UNIT_CONSOLE)/fake.c $(UNIT_CONSOLE_SRC) $(UNIT_CONSOLE_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_CONSOLE_FLAGS) -fsanitize=thread -o $@ $(filter %.c,$^) -lcmocka -lpthread

$(O)/unit/test_uart: $(UNIT_CONSOLE)/test_uart.c $(wildcard $(SRC)/hypervisor/drivers/uart*.c) $(UNIT_CONSOLE_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_CONSOLE_FLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all -o $@ $(filter %.c,$^) -lcmocka

UNIT_TESTS += $(O)/unit/test_console $(O)/unit/test_console_threads $(O)/unit/test_uart
