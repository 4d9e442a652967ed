# SPDX-License-Identifier: Apache-2.0
# A hostile frontend of the socket device. The unit test makes its inputs itself; `make fuzz-vsock` runs libFuzzer,
# `make fuzz-vsock-long` ten million hostile chains.
FUZZ_VSOCK_RUNS ?= 100000
FUZZ_VSOCK_SRC := $(FUZZ_CLASSES)/vsock.c $(FUZZ_CLASSES_SRC) $(UNIT_CLASSES)/vsock_world.c \
    $(addprefix $(SRC)/devices/,vsock.c vsock_deliver.c vsock_packet.c vsock_peers.c net_frame.c)

$(O)/unit/test_devices_vsock_fuzz: $(FUZZ_VSOCK_SRC) $(FUZZ_CLASSES_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(FUZZ_CLASSES_FLAGS) -o $@ $(filter %.c,$^) -lcmocka

$(O)/fuzz/fuzz_vsock: $(FUZZ_VSOCK_SRC) $(FUZZ_CLASSES_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(FUZZ_CLASSES_FLAGS) -O2 -DFUZZER -fsanitize=fuzzer -o $@ $(filter %.c,$^) -lcmocka

.PHONY: fuzz-vsock fuzz-vsock-long
fuzz-vsock: $(O)/fuzz/fuzz_vsock
	@mkdir -p $(O)/fuzz/vsock-corpus
	$(Q)$< -seed=$(or $(FUZZ_SEED),1) -runs=$(FUZZ_VSOCK_RUNS) -max_len=4096 -len_control=0 -timeout=30 \
	    -print_final_stats=1 -artifact_prefix=$(O)/fuzz/ $(O)/fuzz/vsock-corpus
fuzz-vsock-long: $(O)/unit/test_devices_vsock_fuzz
	$(Q)$(O)/unit/test_devices_vsock_fuzz 160000 2

UNIT_TESTS += $(O)/unit/test_devices_vsock_fuzz
