# SPDX-License-Identifier: Apache-2.0
# Proofs on the build machine: protocols without locks as Spin models, and every barrier removed in turn. Coverage of the unit
# tests is measured here too.
PROOF := $(SRC)/tests/proof

.PHONY: proof proof-models proof-barriers proof-channel proof-devices coverage
proof: proof-models proof-barriers proof-channel proof-devices
proof-models:
	$(Q)$(PROOF)/run_models.sh $(O)/proof/models
proof-barriers:
	$(Q)$(PYTHON) $(PROOF)/remove_barriers.py $(SRC) $(O)/proof/barriers
proof-channel:
	$(Q)$(PROOF)/run_channel.sh $(O)/proof/channel
proof-devices:
	$(Q)$(PROOF)/run_devices.sh $(O)/proof/devices

# Every unit test, built for coverage in a folder of its own; a table per file of the hypervisor.
COVERAGE := $(O)/coverage
COVERAGE_FLAGS := -fprofile-instr-generate -fcoverage-mapping -fprofile-update=atomic
coverage:
	$(Q)rm -rf $(COVERAGE)/raw && mkdir -p $(COVERAGE)/raw
	$(Q)LLVM_PROFILE_FILE=$(COVERAGE)/raw/%p-%m.profraw $(MAKE) --no-print-directory -f $(SRC)/Makefile O=$(COVERAGE) \
	    UNIT_HOST_EXTRA='$(COVERAGE_FLAGS)' UNIT_CONSOLE_EXTRA='$(COVERAGE_FLAGS)' UNIT_TREE_EXTRA='$(COVERAGE_FLAGS)' \
	    UNIT_VIRQ_EXTRA='$(COVERAGE_FLAGS)' \
	    UNIT_BOOT_SAN='-fsanitize=address,undefined -fno-sanitize-recover=all $(COVERAGE_FLAGS)' test-unit >$(COVERAGE)/test.log 2>&1
	$(Q)llvm-profdata-19 merge -o $(COVERAGE)/all.profdata $(COVERAGE)/raw/*.profraw
	$(Q)$(PYTHON) $(PROOF)/coverage_table.py $(SRC) $(COVERAGE)
