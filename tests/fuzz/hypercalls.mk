# SPDX-License-Identifier: Apache-2.0
# Typed hypercalls against the host build, the model beside it. `make fuzz-hypercalls` runs them under libFuzzer.
FUZZ_HC := $(O)/fuzz/hypercalls-objects
FUZZ_HC_INPUTS ?= 500
FUZZ_HC_FLAGS = $(UNIT_HOST_FLAGS) -I$(MODEL)
FUZZ_HC_OWN := $(MODEL_C) $(MODEL)/checked.c $(MODEL)/generate.c $(SRC)/tests/fuzz/hypercalls.c
FUZZ_HC_TRAP := $(SRC)/hypervisor/guest/arm64/trap.c
FUZZ_HC_OBJ := $(patsubst $(SRC)/%.c,$(FUZZ_HC)/%.o,$(FUZZ_HC_OWN) $(FUZZ_HC_TRAP))
FUZZ_HC_HOST := $(filter-out $(O)/unit/host/hypervisor/guest/arm64/trap.o,$(UNIT_HOST_OBJ))

$(FUZZ_HC)/%.o: $(SRC)/%.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(FUZZ_HC_FLAGS) $(if $(filter %/trap.c,$<),-Dhypercall=hypercall_checked) -MMD -MP -c -o $@ $<

$(O)/fuzz/hypercalls: $(FUZZ_HC_OBJ) $(FUZZ_HC_HOST)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(FUZZ_HC_FLAGS) -no-pie -o $@ $^ -lcmocka

# The same with the fuzzer's own instrumentation.
FUZZ_LF := $(O)/fuzz/hypercalls-fuzzer
FUZZ_LF_OBJ := $(patsubst $(SRC)/%.c,$(FUZZ_LF)/%.o,$(FUZZ_HC_OWN) $(UNIT_HOST_SRC))

$(FUZZ_LF)/%.o: $(SRC)/%.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(FUZZ_HC_FLAGS) -DFUZZER -fsanitize=fuzzer-no-link \
	    $(if $(filter %/trap.c,$<),-Dhypercall=hypercall_checked) -MMD -MP -c -o $@ $<

$(O)/fuzz/fuzz_hypercalls: $(FUZZ_LF_OBJ)
	$(Q)$(HOSTCC) $(FUZZ_HC_FLAGS) -fsanitize=fuzzer -no-pie -o $@ $^ -lcmocka

-include $(FUZZ_HC_OBJ:.o=.d) $(FUZZ_LF_OBJ:.o=.d)

.PHONY: fuzz-hypercalls
fuzz-hypercalls: $(O)/fuzz/fuzz_hypercalls
	@mkdir -p $(O)/fuzz/hypercalls-corpus
	$(Q)$(O)/fuzz/fuzz_hypercalls -seed=$(or $(FUZZ_SEED),1) -runs=$(FUZZ_HC_INPUTS) -max_len=4096 -len_control=0 \
	    -timeout=30 -print_final_stats=1 -artifact_prefix=$(O)/fuzz/ $(O)/fuzz/hypercalls-corpus

# A test program without arguments, like the others: the model agrees, and finds every fault of a table.
$(O)/unit/test_hypercalls: $(FUZZ_HC_OBJ) $(FUZZ_HC_HOST) $(SRC)/tests/fuzz/hypercall_faults.py
	@mkdir -p $(@D)
	@printf '#!/bin/sh\nexec $(PYTHON) -B $(SRC)/tests/fuzz/hypercall_faults.py $(O)/fuzz/faults "$(HOSTCC) $(FUZZ_HC_FLAGS)" %s\n' \
	    '$(FUZZ_HC_OBJ) $(FUZZ_HC_HOST)' > $@ && chmod +x $@

UNIT_TESTS += $(O)/unit/test_hypercalls
