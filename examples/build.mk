# SPDX-License-Identifier: Apache-2.0
# Bare-metal programs of the examples: flat arm64 Images.
EXAMPLE_FLAGS := --target=aarch64-none-elf -march=armv8-a -ffreestanding -fno-pic -mcmodel=small -mgeneral-regs-only \
	-mstrict-align -fno-stack-protector -fno-asynchronous-unwind-tables -ffile-prefix-map=$(SRC)=. \
	-Wall -Wextra -Werror

# Bare-metal programs on examples/common. $(call example_program,OUTPUT,SOURCE,FLAGS): O/examples/OUTPUT.img of a file below SRC
EXAMPLE_COMMON := $(SRC)/examples/common
EXAMPLE_PROGRAM_FLAGS := $(filter-out -mcmodel=small,$(EXAMPLE_FLAGS)) -mcmodel=tiny -std=c17 -Oz -flto \
	-fomit-frame-pointer -fno-jump-tables -fno-builtin -I$(SRC)/include -I$(EXAMPLE_COMMON)
EXAMPLE_COMMON_FILES := $(wildcard $(EXAMPLE_COMMON)/*)

define example_program
$(O)/examples/$(1).img: $(SRC)/$(2) $(EXAMPLE_COMMON_FILES) $(SRC)/include/bulkhead/channel.h \
		$(SRC)/examples/build.mk
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)rm -rf $$(@:.img=.d) && mkdir -p $$(@:.img=.d)
	$$(Q)for file in $$(filter %.c %.S,$$^); do \
	    flags='$(EXAMPLE_PROGRAM_FLAGS) $(3)'; case $$$$file in *.S) flags='$(EXAMPLE_FLAGS)' ;; esac; \
	    $(CLANG) $$$$flags -c -o $$(@:.img=.d)/$$$$(basename $$$$file).o $$$$file || exit 1; done
	$$(Q)$(LLD) --fatal-warnings --gc-sections -mllvm -disable-lsr -T $(EXAMPLE_COMMON)/guest.lds -o $$(@:.img=.elf) $$(@:.img=.d)/*.o
	$$(Q)$(OBJCOPY) -O binary $$(@:.img=.elf) $$@
all: $(O)/examples/$(1).img
endef

# The smallest: built for one kind of GIC and one channel.
$(eval $(call example_program,channel-echo/echo-gicv2,examples/channel-echo/echo/main.c,-DGIC=2 -DMAX_CHANNELS=1))
$(eval $(call example_program,channel-echo/echo-gicv3,examples/channel-echo/echo/main.c,-DGIC=3 -DMAX_CHANNELS=1))

$(eval $(call example_program,two-linux/heartbeat,examples/two-linux/heartbeat/main.c,))
$(eval $(call example_program,linux-rtos-channel/control,examples/linux-rtos-channel/control/main.c,))
$(eval $(call example_program,pipeline/stage,examples/pipeline/main.c,))
$(eval $(call example_program,xen-static-channel/first,examples/xen-static-channel/guest/main.c,-DSIDE=1))
$(eval $(call example_program,xen-static-channel/second,examples/xen-static-channel/guest/main.c,-DSIDE=2))

# Of the tests.
$(eval $(call example_program,tests/metronome,tests/channels/metronome.c,))
$(eval $(call example_program,tests/peer,tests/channels/peer.c,))

# Programs for Linux, without a C library. $(call linux_program,OUTPUT,SOURCE): O/OUTPUT of a file below SRC
define linux_program
$(O)/$(1): $(SRC)/$(2) $(SRC)/tests/channels/user.h $(SRC)/include/bulkhead/channel.h $(SRC)/examples/build.mk
	@mkdir -p $$(@D)
	$$(call say,CC,$$@)
	$$(Q)$(CLANG) --target=aarch64-linux-gnu -ffreestanding -fno-builtin -nostdlib -static -fno-pic -std=c17 -O2 \
	    -mgeneral-regs-only -fno-stack-protector -ffile-prefix-map=$(SRC)=. -Wall -Wextra -Werror -I$(SRC)/include \
	    -fuse-ld=lld-19 -Wl,--build-id=none -o $$@ $$<
all: $(O)/$(1)
endef
$(eval $(call linux_program,tests/channels/device,tests/channels/device.c))
$(eval $(call linux_program,examples/vsock/talk,examples/vsock/talk/main.c))
