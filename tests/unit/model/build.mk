# SPDX-License-Identifier: Apache-2.0
# The model of the guest ABI has tests of its own; it lies apart because fuzzers, guests and a test-only build use it too.
include $(SRC)/tests/model/build.mk
include $(SRC)/tests/fuzz/hypercalls.mk
include $(SRC)/tests/model/checked.mk
