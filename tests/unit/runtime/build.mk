# SPDX-License-Identifier: Apache-2.0
# What of the runtime of driver domains (runtime/) does not depend on the processor.
UNIT_RUNTIME := $(SRC)/tests/unit/runtime
UNIT_RUNTIME_FLAGS := -std=gnu17 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes \
    -I$(UNIT_RUNTIME) -I$(SRC) -I$(SRC)/include -fsanitize=address,undefined -fno-sanitize-recover=all
UNIT_RUNTIME_HDR := $(wildcard $(SRC)/runtime/*.h $(SRC)/devices/*.h $(UNIT_RUNTIME)/runtime/*.h) \
    $(SRC)/include/bulkhead/ioreq.h

$(O)/unit/test_runtime_tree: $(UNIT_RUNTIME)/test_tree.c $(SRC)/runtime/tree.c
$(O)/unit/test_runtime_backend: $(addprefix $(UNIT_RUNTIME)/,test_backend.c world.c) \
    $(addprefix $(SRC)/runtime/,backend.c grants.c tree.c)
$(O)/unit/test_runtime_copy: $(UNIT_RUNTIME)/test_copy.c
$(O)/unit/test_runtime_pl011: $(UNIT_RUNTIME)/test_pl011.c $(SRC)/runtime/drivers/pl011.c \
    $(SRC)/devices/console_mux.c $(SRC)/runtime/drivers/terminals.h
$(O)/unit/test_runtime_loop: $(UNIT_RUNTIME)/test_loop.c $(addprefix $(SRC)/runtime/,loop.c gic.c)
UNIT_RUNTIME_TESTS := $(addprefix $(O)/unit/test_runtime_,tree backend copy pl011 loop)
$(UNIT_RUNTIME_TESTS): $(UNIT_RUNTIME_HDR) $(UNIT_RUNTIME)/world.h
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_RUNTIME_FLAGS) -o $@ $(filter %.c,$^) -lcmocka -lfdt

UNIT_TESTS += $(UNIT_RUNTIME_TESTS)
