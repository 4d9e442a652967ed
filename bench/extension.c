/* SPDX-License-Identifier: Apache-2.0 */
/* An extension without a device: what is left of a trapped access is the way to it and back. */
#include <bulkhead/extension_abi.h>
#include <stdint.h>

__attribute__((noreturn)) void extension_start(uint64_t entry);

void extension_start(uint64_t entry)
{
    register uint64_t x0 __asm__("x0") = BH_EXT_MAJOR;
    register uint64_t x1 __asm__("x1") = BH_EXT_MINOR;
    register uint64_t x8 __asm__("x8") = BH_EXT_CALL_VERSION;

    if (entry == BH_EXT_INIT) {
        __asm__ volatile("svc #0" : "+r"(x0), "+r"(x1) : "r"(x8) : "memory");
    }
    x8 = BH_EXT_CALL_DONE;
    __asm__ volatile("svc #0" ::"r"(x0), "r"(x8) : "memory");
    __builtin_unreachable();
}
