# SPDX-License-Identifier: Apache-2.0
# Unit tests on the build machine. Each folder adds its programs to UNIT_TESTS; a program is one suite and exits with 0 if
# all of it passed.
UNIT_TESTS :=
include $(sort $(wildcard $(SRC)/tests/unit/*/build.mk))

.PHONY: test-unit
test-unit: $(UNIT_TESTS)
	$(Q)bad=; for test in $^; do $$test || bad="$$bad $${test##*/} ($$?)"; done; \
	    [ -z "$$bad" ] || { echo "unit tests that ended badly (status):$$bad"; exit 1; }
