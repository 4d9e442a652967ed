# SPDX-License-Identifier: Apache-2.0
# Hostile frontends of the device classes. The unit tests make their inputs themselves; `make fuzz-net` and `make
# fuzz-console` (console and entropy) run libFuzzer, `make fuzz-classes-long` 10 million hostile chains each.
FUZZ_NET_RUNS ?= 100000
FUZZ_CONSOLE_RUNS ?= 100000
FUZZ_CLASSES := $(SRC)/tests/fuzz
FUZZ_CLASSES_SRC := $(FUZZ_CLASSES)/classes_hostile.c $(UNIT_CLASSES)/rig.c $(SRC)/devices/queue.c $(SRC)/devices/device.c
FUZZ_NET_SRC := $(FUZZ_CLASSES)/net.c $(FUZZ_CLASSES_SRC) $(UNIT_CLASSES)/net_world.c \
    $(addprefix $(SRC)/devices/,net.c net_deliver.c net_frame.c net_rate.c net_switch.c)
FUZZ_CONSOLE_SRC := $(FUZZ_CLASSES)/console.c $(FUZZ_CLASSES_SRC) \
    $(addprefix $(SRC)/devices/,console.c console_mux.c entropy.c)
FUZZ_CLASSES_HDR := $(UNIT_CLASSES_HDR) $(FUZZ_CLASSES)/classes_hostile.h
FUZZ_CLASSES_FLAGS := $(UNIT_CLASSES_FLAGS) -I$(FUZZ_CLASSES) -fsanitize=address,undefined -fno-sanitize-recover=all

$(O)/unit/test_devices_net_fuzz: $(FUZZ_NET_SRC) $(FUZZ_CLASSES_HDR)
$(O)/unit/test_devices_console_fuzz: $(FUZZ_CONSOLE_SRC) $(FUZZ_CLASSES_HDR)
$(O)/unit/test_devices_net_fuzz $(O)/unit/test_devices_console_fuzz:
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(FUZZ_CLASSES_FLAGS) -o $@ $(filter %.c,$^) -lcmocka

$(O)/fuzz/fuzz_net: $(FUZZ_NET_SRC) $(FUZZ_CLASSES_HDR)
$(O)/fuzz/fuzz_console: $(FUZZ_CONSOLE_SRC) $(FUZZ_CLASSES_HDR)
$(O)/fuzz/fuzz_net $(O)/fuzz/fuzz_console:
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(FUZZ_CLASSES_FLAGS) -O2 -DFUZZER -fsanitize=fuzzer -o $@ $(filter %.c,$^) -lcmocka

.PHONY: fuzz-net fuzz-console fuzz-classes-long
fuzz-net: $(O)/fuzz/fuzz_net
	@mkdir -p $(O)/fuzz/net-corpus
	$(Q)$< -seed=$(or $(FUZZ_SEED),1) -runs=$(FUZZ_NET_RUNS) -max_len=4096 -len_control=0 -timeout=30 \
	    -print_final_stats=1 -artifact_prefix=$(O)/fuzz/ $(O)/fuzz/net-corpus
fuzz-console: $(O)/fuzz/fuzz_console
	@mkdir -p $(O)/fuzz/console-corpus
	$(Q)$< -seed=$(or $(FUZZ_SEED),1) -runs=$(FUZZ_CONSOLE_RUNS) -max_len=4096 -len_control=0 -timeout=30 \
	    -print_final_stats=1 -artifact_prefix=$(O)/fuzz/ $(O)/fuzz/console-corpus
fuzz-classes-long: $(O)/unit/test_devices_net_fuzz $(O)/unit/test_devices_console_fuzz
	$(Q)$(O)/unit/test_devices_net_fuzz 130000 2
	$(Q)$(O)/unit/test_devices_console_fuzz 180000 2

UNIT_TESTS += $(O)/unit/test_devices_net_fuzz $(O)/unit/test_devices_console_fuzz
