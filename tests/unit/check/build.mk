# SPDX-License-Identifier: Apache-2.0
# bulkhead-check on the corpus, with address and undefined-behaviour sanitizers.
UNIT_CHECK := $(SRC)/tests/unit/check

$(O)/unit/bulkhead-check: $(CHK_C) $(wildcard $(CHK)/*.h $(SRC)/hypervisor/*/*.h)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(CHK_CFLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all -o $@ $(CHK_C)

# A test program without arguments, like the others.
$(O)/unit/test_check: $(O)/unit/bulkhead-check $(UNIT_CHECK)/test_check.py
	@printf '#!/bin/sh\nexec $(PYTHON) -B $(UNIT_CHECK)/test_check.py $(O)/unit/bulkhead-check $(SRC)/tests/corpus\n' > $@
	@chmod +x $@

UNIT_TESTS += $(O)/unit/test_check
