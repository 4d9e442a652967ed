# SPDX-License-Identifier: Apache-2.0
# The model of the guest ABI, its own tests. Included by tests/unit/model/build.mk.
MODEL := $(SRC)/tests/model
MODEL_C := $(addprefix $(MODEL)/,model.c memory.c events.c grants.c physmap.c others.c)
MODEL_H := $(wildcard $(MODEL)/*.h)

$(O)/unit/test_model: $(MODEL)/test_model.c $(MODEL)/generate.c $(MODEL_C) $(MODEL_H)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu17 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes \
	    -fsanitize=address,undefined -fno-sanitize-recover=all -o $@ $(filter %.c,$^) -lcmocka

UNIT_TESTS += $(O)/unit/test_model
