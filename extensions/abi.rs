// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The extension ABI. Written by tools/extension-abi from include/bulkhead/extension.toml.

pub const MAJOR: u64 = 1;
pub const MINOR: u64 = 0;

/// first, in each life: before the domain starts, or before the access that comes next after a crash
pub const ENTRY_INIT: u64 = 0;
/// a vCPU of the domain has accessed one of its ranges
pub const ENTRY_EXIT: u64 = 1;
/// exit ended badly, but not by an overrun. The stack is empty, all else as it was left
pub const ENTRY_FAIL: u64 = 2;

/// agrees on the version; before that there are only log and fail
pub const CALL_VERSION: u64 = 1;
/// the entry is over; in fail: its life is over
pub const CALL_DONE: u64 = 2;
/// the vCPU tries its access again: not yet, or after fail has repaired what was wrong
pub const CALL_AGAIN: u64 = 3;
/// the access ends as one to an address with nothing behind it
pub const CALL_ABORT: u64 = 4;
/// its life is over; the code is in the crash record
pub const CALL_FAIL: u64 = 5;
/// text for the log, from the low byte of text0 on; a newline, or 96 bytes, makes a line of it
pub const CALL_LOG: u64 = 6;
/// nanoseconds since the board was switched on; never goes back
pub const CALL_TIME: u64 = 7;
/// a number that says where it is
pub const CALL_INFORMATION: u64 = 8;
/// reads a register of the vCPU that has made the access
pub const CALL_VCPU_READ: u64 = 9;
/// writes a register of it; that of a load is written once more when the entry is over
pub const CALL_VCPU_WRITE: u64 = 10;
/// an edge of an interrupt of its domain
pub const CALL_INTERRUPT: u64 = 11;
/// stops its domain as PSCI SYSTEM_RESET does, and the domain's restart policy is applied
pub const CALL_DOMAIN_RESET: u64 = 12;
/// stops its domain as PSCI SYSTEM_OFF does
pub const CALL_DOMAIN_OFF: u64 = 13;

/// done
pub const STATUS_OK: u64 = 0;
/// this version is not served
pub const STATUS_VERSION: u64 = 1;
/// bad call: there is no call with this number
pub const STATUS_UNKNOWN: u64 = 2;
/// bad call: not in this entry, or the version has not been agreed on
pub const STATUS_STATE: u64 = 3;
/// bad call: argument 0 is out of its range; for argument n this number + n
pub const STATUS_ARGUMENT: u64 = 4;

/// an exception that is no call
pub const END_FAULT: u64 = 0;
/// a bad call
pub const END_CALL: u64 = 1;
/// longer in one entry than its budget
pub const END_OVERRUN: u64 = 2;
/// it called fail
pub const END_GAVE_UP: u64 = 3;
/// an SError came while it ran; its domain crashes too
pub const END_SERROR: u64 = 4;

/// number of its domain
pub const ITEM_DOMID: u64 = 0;
/// vCPUs of its domain
pub const ITEM_VCPUS: u64 = 1;
/// 1 in its first life
pub const ITEM_LIFE: u64 = 2;
/// how its last life ended, see the ends; all ones in the first
pub const ITEM_LAST_END: u64 = 3;
/// microseconds that one entry may take
pub const ITEM_BUDGET: u64 = 4;
/// how many bulkhead,interrupts declares
pub const ITEM_INTERRUPTS: u64 = 5;
