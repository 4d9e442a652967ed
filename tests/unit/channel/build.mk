# SPDX-License-Identifier: Apache-2.0
# The channel library (include/bulkhead/channel.h). CHANNEL_SEED=0x... repeats a run; TORN_RESTARTS=n is the length of
# the torn restart test (`make test-long`: 10,000).
UNIT_CHANNEL := $(SRC)/tests/unit/channel
UNIT_CHANNEL_FLAGS := -std=gnu17 -g -O1 -fno-omit-frame-pointer -Wall -Wextra -Werror -Wshadow -Wmissing-prototypes \
    -I$(SRC)/include -I$(UNIT_CHANNEL) $(UNIT_CHANNEL_EXTRA)
UNIT_CHANNEL_HDR := $(SRC)/include/bulkhead/channel.h $(UNIT_CHANNEL)/pair.h

$(O)/unit/test_channel: $(UNIT_CHANNEL)/test_channel.c
$(O)/unit/test_channel_model: $(UNIT_CHANNEL)/test_model.c
$(O)/unit/test_channel $(O)/unit/test_channel_model: $(UNIT_CHANNEL)/pair.c $(UNIT_CHANNEL_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_CHANNEL_FLAGS) -fsanitize=address,undefined -fno-sanitize-recover=all -o $@ $(filter %.c,$^) \
	    -lcmocka

$(O)/unit/test_channel_threads: $(UNIT_CHANNEL)/test_threads.c $(UNIT_CHANNEL)/pair.c $(UNIT_CHANNEL_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_CHANNEL_FLAGS) -O2 -fsanitize=thread -o $@ $(filter %.c,$^) -lcmocka -lpthread

$(O)/unit/test_channel_threads_plain: $(UNIT_CHANNEL)/test_threads.c $(UNIT_CHANNEL)/pair.c $(UNIT_CHANNEL_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_CHANNEL_FLAGS) -O2 -o $@ $(filter %.c,$^) -lcmocka -lpthread

# Without sanitizers: the instructions that are stepped are those that a guest runs.
$(O)/unit/test_channel_torn: $(UNIT_CHANNEL)/test_torn.c $(UNIT_CHANNEL)/pair.c $(UNIT_CHANNEL_HDR)
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) $(UNIT_CHANNEL_FLAGS) -O2 -o $@ $(filter %.c,$^) -lcmocka

.PHONY: test-long-channel
test-long: test-long-channel
test-long-channel: $(O)/unit/test_channel_torn
	$(Q)TORN_RESTARTS=10000 $<

UNIT_TESTS += $(addprefix $(O)/unit/test_channel_,model threads threads_plain torn) $(O)/unit/test_channel
