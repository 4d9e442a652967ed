# SPDX-License-Identifier: Apache-2.0
# A hostile frontend on the switch of the net device. The unit test makes its inputs itself; `make fuzz-net` runs
# libFuzzer, `make fuzz-net-long` 10 million hostile chains.
FUZZ_NET_RUNS ?= 100000
FUZZ_NET_SRC := $(SRC)/tests/fuzz/net.c $(SRC)/tests/fuzz/net_hostile.c $(UNIT_CLASSES_HELP) \
    $(addprefix $(SRC)/devices/,queue.c device.c net.c net_frame.c net_rate.c net_switch.c)
FUZZ_NET_FLAGS := $(UNIT_CLASSES_FLAGS) -I$(SRC)/tests/fuzz -fsanitize=address,undefined -fno-sanitize-recover=all

$(O)/unit/test_devices_net_fuzz: $(FUZZ_NET_SRC) $(UNIT_CLASSES_HDR) $(SRC)/tests/fuzz/net_hostile.h
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(FUZZ_NET_FLAGS) -o $@ $(filter %.c,$^) -lcmocka

$(O)/fuzz/fuzz_net: $(FUZZ_NET_SRC) $(UNIT_CLASSES_HDR) $(SRC)/tests/fuzz/net_hostile.h
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(FUZZ_NET_FLAGS) -O2 -DFUZZER -fsanitize=fuzzer -o $@ $(filter %.c,$^) -lcmocka

.PHONY: fuzz-net fuzz-net-long
fuzz-net: $(O)/fuzz/fuzz_net
	@mkdir -p $(O)/fuzz/net-corpus
	$(Q)$(O)/fuzz/fuzz_net -seed=$(or $(FUZZ_SEED),1) -runs=$(FUZZ_NET_RUNS) -max_len=4096 -len_control=0 -timeout=30 \
	    -print_final_stats=1 -artifact_prefix=$(O)/fuzz/ $(O)/fuzz/net-corpus
fuzz-net-long: $(O)/unit/test_devices_net_fuzz
	$(Q)$< 130000 2

UNIT_TESTS += $(O)/unit/test_devices_net_fuzz
