# SPDX-License-Identifier: Apache-2.0
# The offline check: a program of the build machine that runs the planner of hypervisor/boot.
CHK := $(SRC)/tools/check
CHK_O := $(O)/check
# these files of boot run on the board only
CHK_C := $(sort $(wildcard $(CHK)/*.c)) \
	$(filter-out %/early_map.c %/main.c %/pcpus.c %/smmus.c,$(sort $(wildcard $(SRC)/hypervisor/boot/*.c))) \
	$(addprefix $(SRC)/hypervisor/core/,domain_size.c format.c) \
	$(SRC)/hypervisor/arch/arm64/stage2_size.c $(SRC)/hypervisor/virq/virq_state.c
CHK_OBJS := $(patsubst $(SRC)/%.c,$(CHK_O)/%.o,$(CHK_C))
CHK_CFLAGS := -std=c17 -D_GNU_SOURCE -O2 -g1 -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	-Wvla -I$(SRC)/hypervisor -I$(SRC)/hypervisor/arch/arm64 -I$(SRC)/include -ffile-prefix-map=$(SRC)=. $(CHK_EXTRA)

$(CHK_O)/%.o: $(SRC)/%.c
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)$(HOSTCC) $(CHK_CFLAGS) -MMD -MP -c -o $@ $<

$(O)/bulkhead-check: $(CHK_OBJS)
	$(call say,HOSTLD,$@)
	$(Q)$(HOSTCC) $(CHK_EXTRA) -o $@ $(CHK_OBJS)

-include $(CHK_OBJS:.o=.d)
