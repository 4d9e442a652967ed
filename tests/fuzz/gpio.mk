# SPDX-License-Identifier: Apache-2.0
# A hostile frontend of the GPIO device. The unit test makes its inputs itself; `make fuzz-gpio` runs libFuzzer,
# `make fuzz-gpio-long` (part of fuzz-classes-long) 10 million hostile chains.
FUZZ_GPIO_RUNS ?= 100000
FUZZ_GPIO_SRC := $(SRC)/tests/fuzz/gpio.c $(SRC)/tests/fuzz/classes_hostile.c $(UNIT_GPIO_SRC)
FUZZ_GPIO_HDR := $(UNIT_GPIO_HDR) $(SRC)/tests/fuzz/classes_hostile.h
FUZZ_GPIO_FLAGS := $(UNIT_GPIO_FLAGS) -I$(SRC)/tests/fuzz

$(O)/unit/test_devices_gpio_fuzz: $(FUZZ_GPIO_SRC) $(FUZZ_GPIO_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(FUZZ_GPIO_FLAGS) -o $@ $(filter %.c,$^) -lcmocka
$(O)/fuzz/fuzz_gpio: $(FUZZ_GPIO_SRC) $(FUZZ_GPIO_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(FUZZ_GPIO_FLAGS) -O2 -DFUZZER -fsanitize=fuzzer -o $@ $(filter %.c,$^) -lcmocka

.PHONY: fuzz-gpio fuzz-gpio-long
fuzz-gpio: $(O)/fuzz/fuzz_gpio
	@mkdir -p $(O)/fuzz/gpio-corpus
	$(Q)$< -seed=$(or $(FUZZ_SEED),1) -runs=$(FUZZ_GPIO_RUNS) -max_len=4096 -len_control=0 -timeout=30 \
	    -print_final_stats=1 -artifact_prefix=$(O)/fuzz/ $(O)/fuzz/gpio-corpus
fuzz-gpio-long: $(O)/unit/test_devices_gpio_fuzz
	$(Q)$< 50000 2
fuzz-classes-long: fuzz-gpio-long

UNIT_TESTS += $(O)/unit/test_devices_gpio_fuzz
