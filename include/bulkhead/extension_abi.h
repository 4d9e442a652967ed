/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* The extension ABI (docs/extension-abi.md). Written by tools/extension-abi from
 * include/bulkhead/extension.toml. */
#ifndef BULKHEAD_EXTENSION_ABI_H
#define BULKHEAD_EXTENSION_ABI_H

#define BH_EXT_MAJOR       1u
#define BH_EXT_MINOR       0u
#define BH_EXT_WINDOW      0x400000u
#define BH_EXT_WINDOW_SIZE 0x200000u
#define BH_EXT_ARGUMENTS   5u
#define BH_EXT_CALLS_END   14u /* behind the last number */

enum bh_ext_entry {
    BH_EXT_INIT = 0, /* first, in each life: before the domain starts, or before the access that comes next
                        after a crash */
    BH_EXT_EXIT = 1, /* a vCPU of the domain has accessed one of its ranges */
    BH_EXT_FAIL =
        2, /* exit ended badly, but not by an overrun. The stack is empty, all else as it was left */
};

enum bh_ext_call {
    BH_EXT_CALL_VERSION = 1, /* agrees on the version; before that there are only log and fail */
    BH_EXT_CALL_DONE = 2,    /* the entry is over; in fail: its life is over */
    BH_EXT_CALL_AGAIN =
        3, /* the vCPU tries its access again: not yet, or after fail has repaired what was wrong */
    BH_EXT_CALL_ABORT = 4, /* the access ends as one to an address with nothing behind it */
    BH_EXT_CALL_FAIL = 5,  /* its life is over; the code is in the crash record */
    BH_EXT_CALL_LOG =
        6, /* text for the log, from the low byte of text0 on; a newline, or 96 bytes, makes a line of it */
    BH_EXT_CALL_TIME = 7,        /* nanoseconds since the board was switched on; never goes back */
    BH_EXT_CALL_INFORMATION = 8, /* a number that says where it is */
    BH_EXT_CALL_VCPU_READ = 9,   /* reads a register of the vCPU that has made the access */
    BH_EXT_CALL_VCPU_WRITE =
        10, /* writes a register of it; that of a load is written once more when the entry is over */
    BH_EXT_CALL_INTERRUPT = 11, /* an edge of an interrupt of its domain */
    BH_EXT_CALL_DOMAIN_RESET =
        12, /* stops its domain as PSCI SYSTEM_RESET does, and the domain's restart policy is applied */
    BH_EXT_CALL_DOMAIN_OFF = 13, /* stops its domain as PSCI SYSTEM_OFF does */
};

enum bh_ext_status {
    BH_EXT_STATUS_OK = 0,       /* done */
    BH_EXT_STATUS_VERSION = 1,  /* this version is not served */
    BH_EXT_STATUS_UNKNOWN = 2,  /* bad call: there is no call with this number */
    BH_EXT_STATUS_STATE = 3,    /* bad call: not in this entry, or the version has not been agreed on */
    BH_EXT_STATUS_ARGUMENT = 4, /* bad call: argument 0 is out of its range; for argument n this number + n */
};

enum bh_ext_end {
    BH_EXT_END_FAULT = 0,   /* an exception that is no call */
    BH_EXT_END_CALL = 1,    /* a bad call */
    BH_EXT_END_OVERRUN = 2, /* longer in one entry than its budget */
    BH_EXT_END_GAVE_UP = 3, /* it called fail */
    BH_EXT_END_SERROR = 4,  /* an SError came while it ran; its domain crashes too */
};

enum bh_ext_item {
    BH_EXT_ITEM_DOMID = 0,      /* number of its domain */
    BH_EXT_ITEM_VCPUS = 1,      /* vCPUs of its domain */
    BH_EXT_ITEM_LIFE = 2,       /* 1 in its first life */
    BH_EXT_ITEM_LAST_END = 3,   /* how its last life ended, see the ends; all ones in the first */
    BH_EXT_ITEM_BUDGET = 4,     /* microseconds that one entry may take */
    BH_EXT_ITEM_INTERRUPTS = 5, /* how many bulkhead,interrupts declares */
};

enum bh_ext_kind {
    BH_EXT_KIND_NONE = 0,      /* no such argument */
    BH_EXT_KIND_ANY = 1,       /* any value */
    BH_EXT_KIND_WORD = 2,      /* 0 to 65535 */
    BH_EXT_KIND_LENGTH = 3,    /* 1 to 32 */
    BH_EXT_KIND_ITEM = 4,      /* see the items */
    BH_EXT_KIND_REGISTER = 5,  /* 0 to 30: x0 to x30; 31: the pc; 32: PSTATE */
    BH_EXT_KIND_GENERAL = 6,   /* 0 to 30: x0 to x30 */
    BH_EXT_KIND_INTERRUPT = 7, /* its place in bulkhead,interrupts */
};

/* x(kind, least, most); `declared`: where the description says it */
/* clang-format off */
#define BH_EXT_KINDS(x, declared) \
    x(ANY, 0, 0xffffffffffffffffull) \
    x(WORD, 0, 0xffffu) \
    x(LENGTH, 1, 0x20u) \
    x(ITEM, 0, 0x5u) \
    x(REGISTER, 0, 0x20u) \
    x(GENERAL, 0, 0x1eu) \
    x(INTERRUPT, 0, declared)
/* clang-format on */

/* x(name, mask of the entries that may call it, before the version is agreed on too, kinds) */
/* clang-format off */
#define BH_EXT_CALLS(x) \
    x(VERSION, 1, 1, WORD, WORD, NONE, NONE, NONE) \
    x(DONE, 7, 0, ANY, NONE, NONE, NONE, NONE) \
    x(AGAIN, 6, 0, NONE, NONE, NONE, NONE, NONE) \
    x(ABORT, 2, 0, NONE, NONE, NONE, NONE, NONE) \
    x(FAIL, 7, 1, WORD, NONE, NONE, NONE, NONE) \
    x(LOG, 7, 1, LENGTH, ANY, ANY, ANY, ANY) \
    x(TIME, 7, 0, NONE, NONE, NONE, NONE, NONE) \
    x(INFORMATION, 7, 0, ITEM, NONE, NONE, NONE, NONE) \
    x(VCPU_READ, 6, 0, REGISTER, NONE, NONE, NONE, NONE) \
    x(VCPU_WRITE, 6, 0, GENERAL, ANY, NONE, NONE, NONE) \
    x(INTERRUPT, 2, 0, INTERRUPT, NONE, NONE, NONE, NONE) \
    x(DOMAIN_RESET, 2, 0, NONE, NONE, NONE, NONE, NONE) \
    x(DOMAIN_OFF, 2, 0, NONE, NONE, NONE, NONE, NONE)
/* clang-format on */

#endif
