# SPDX-License-Identifier: Apache-2.0
# The device classes under libFuzzer, with sanitizers. `make fuzz-devices` ends after FUZZ_CHAINS chains; the unit tests run a
# short form.
FUZZ_CHAINS ?= 10000000
FUZZ_DV := $(O)/fuzz/devices-objects
FUZZ_DV_FLAGS := -std=gnu17 -g -O2 -fno-omit-frame-pointer -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes \
    -I$(SRC) -I$(SRC)/include -I$(SRC)/tests/fuzz -include $(SRC)/tests/unit/devices/step.h \
    -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_DV_SRC := $(wildcard $(SRC)/devices/*.c) $(addprefix $(SRC)/tests/fuzz/,devices.c devices_subjects.c \
    devices_lines.c)
FUZZ_DV_OBJ := $(patsubst $(SRC)/%.c,$(FUZZ_DV)/%.o,$(FUZZ_DV_SRC))

$(FUZZ_DV)/%.o: $(SRC)/%.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(FUZZ_DV_FLAGS) -fsanitize=fuzzer-no-link -MMD -MP -c -o $@ $<

$(O)/fuzz/fuzz_devices: $(FUZZ_DV_OBJ)
	$(Q)$(HOSTCC) $(FUZZ_DV_FLAGS) -fsanitize=fuzzer -o $@ $^

-include $(FUZZ_DV_OBJ:.o=.d)

FUZZ_DV_RUN = $(O)/fuzz/fuzz_devices -seed=$(or $(FUZZ_SEED),1) -max_len=1024 -timeout=10 -len_control=0 \
    -artifact_prefix=$(O)/fuzz/ $(O)/fuzz/devices-corpus

.PHONY: fuzz-devices
fuzz-devices: $(O)/fuzz/fuzz_devices
	@mkdir -p $(O)/fuzz/devices-corpus
	$(Q)FUZZ_CHAINS=$(FUZZ_CHAINS) $(FUZZ_DV_RUN)

# A test program without arguments, like the others.
$(O)/unit/test_devices_fuzz: $(O)/fuzz/fuzz_devices
	@mkdir -p $(O)/fuzz/devices-corpus $(@D)
	@printf '#!/bin/sh\nFUZZ_CHAINS=200000 exec %s 2>%s/fuzz/devices.log\n' '$(FUZZ_DV_RUN)' '$(O)' > $@ && chmod +x $@

UNIT_TESTS += $(O)/unit/test_devices_fuzz
