# SPDX-License-Identifier: Apache-2.0
# The device-tree reader and the planner under libFuzzer. FUZZ_RUNS inputs, from the corpus of device trees.
FUZZ_RUNS ?= 200000
FUZZ_SEED ?= 1

$(O)/fuzz/fuzz_boot: $(SRC)/tests/fuzz/fuzz_boot.c $(UNIT_BOOT_HELP) $(BOOT_PURE) $(UNIT_BOOT_HDR)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(UNIT_BOOT_FLAGS) -O2 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -o $@ $(filter %.c,$^)

$(O)/fuzz/seeds: $(CORPUS_DTB)
	@rm -rf $@ && mkdir -p $@
	$(Q)for f in $(filter-out %/partial/%,$(CORPUS_DTB)); do \
	    partial=$$(sed -n 's,^// module .* dtb ,,p' $(CORPUS)/$$(basename $$(dirname $$f))/$$(basename $$f .dtb).dts | head -n 1); \
	    { cat $$f; [ $$(( $$(stat -c %s $$f) % 8 )) = 0 ] || printf '\0\0\0\0'; \
	      [ -z "$$partial" ] || cat $(O)/corpus/partial/$$partial.dtb; } > $@/$$(basename $$f .dtb); \
	done

.PHONY: fuzz-boot
fuzz-boot: $(O)/fuzz/fuzz_boot $(O)/fuzz/seeds
	@mkdir -p $(O)/fuzz/boot-new
	$(Q)$(O)/fuzz/fuzz_boot -seed=$(FUZZ_SEED) -runs=$(FUZZ_RUNS) -max_len=16384 -timeout=10 -print_final_stats=1 \
	    -dict=$(SRC)/tests/fuzz/device_tree.dict -artifact_prefix=$(O)/fuzz/ $(O)/fuzz/boot-new $(O)/fuzz/seeds
