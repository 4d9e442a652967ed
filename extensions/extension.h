/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* What an extension in C is made of: it defines extension_init() and extension_access(), and may define
 * extension_fail(); extensions/start.c calls them. docs/extension-abi.md has the calls. Freestanding C11,
 * compiled with -mgeneral-regs-only: there is no FP. */
#ifndef EXTENSION_H
#define EXTENSION_H

#include <bulkhead/extension_abi.h>
#include <stdbool.h>
#include <stdint.h>

struct extension_access {
    uint64_t vcpu, address, size; /* size: 1, 2, 4 or 8 bytes */
    bool write;
    uint64_t value; /* of a store; of a load 0 */
};

/* Begins a life: variables are as the image has them. */
void extension_init(void);

/* Serves one access; returns what a load reads (its low bytes), of a store anything. */
uint64_t extension_access(const struct extension_access *access);

/* extension_access() ended badly (enum bh_ext_end, and what the ABI says of the entry); the stack is empty,
 * the variables are as they were. It returns or calls extension_give_up() to end the life, extension_again()
 * if the access can be tried again. Without one the life ends. */
void extension_fail(uint64_t end, uint64_t what, uint64_t where, uint64_t pc);

struct extension_result {
    uint64_t status, value;
};

/* Any call, with up to five arguments. */
static inline struct extension_result extension_call(uint64_t call, uint64_t a, uint64_t b, uint64_t c,
                                                     uint64_t d, uint64_t e)
{
    register uint64_t x0 __asm__("x0") = a;
    register uint64_t x1 __asm__("x1") = b;
    register uint64_t x2 __asm__("x2") = c;
    register uint64_t x3 __asm__("x3") = d;
    register uint64_t x4 __asm__("x4") = e;
    register uint64_t x8 __asm__("x8") = call;

    __asm__ volatile("svc #0" : "+r"(x0), "+r"(x1) : "r"(x2), "r"(x3), "r"(x4), "r"(x8) : "memory");
    return (struct extension_result){x0, x1};
}

/* Calls that end the entry. */
__attribute__((noreturn)) static inline void extension_end(uint64_t call, uint64_t argument)
{
    (void)extension_call(call, argument, 0, 0, 0, 0);
    __builtin_unreachable();
}

/* The vCPU executes its access again. */
__attribute__((noreturn)) static inline void extension_again(void)
{
    extension_end(BH_EXT_CALL_AGAIN, 0);
}

/* The access gets an external abort. */
__attribute__((noreturn)) static inline void extension_abort(void)
{
    extension_end(BH_EXT_CALL_ABORT, 0);
}

/* The life ends; code: 0 to 65535, for the crash record. */
__attribute__((noreturn)) static inline void extension_give_up(uint64_t code)
{
    extension_end(BH_EXT_CALL_FAIL, code);
}

/* Text for the log; a newline ends the line. */
void extension_log(const char *text);
void extension_log_number(uint64_t value); /* hexadecimal */

/* Nanoseconds since the board was switched on. */
static inline uint64_t extension_time(void)
{
    return extension_call(BH_EXT_CALL_TIME, 0, 0, 0, 0, 0).value;
}

static inline uint64_t extension_information(enum bh_ext_item item)
{
    return extension_call(BH_EXT_CALL_INFORMATION, item, 0, 0, 0, 0).value;
}

/* Registers of the vCPU that has made the access: 0 to 30 are x0 to x30, 31 the pc, 32 PSTATE. */
static inline uint64_t extension_vcpu_read(unsigned index)
{
    return extension_call(BH_EXT_CALL_VCPU_READ, index, 0, 0, 0, 0).value;
}

static inline void extension_vcpu_write(unsigned index, uint64_t value)
{
    (void)extension_call(BH_EXT_CALL_VCPU_WRITE, index, value, 0, 0, 0);
}

/* An edge of the interrupt with that place in bulkhead,interrupts. */
static inline void extension_interrupt(unsigned place)
{
    (void)extension_call(BH_EXT_CALL_INTERRUPT, place, 0, 0, 0, 0);
}

#endif
