/* SPDX-License-Identifier: Apache-2.0 */
/* A machine of some pCPUs in a plain process, at its worst: what a barrier or a maintenance instruction does
 * not force does not happen, or happens at the wrong moment.
 *
 * - A write to a translation table is seen by walks of others after a DSB, by those of the own pCPU after an
 * ISB.
 * - A translation that was used once stays until the exact TLBI and its DSB (and ISB, on the own pCPU).
 * - What EL2 writes stays in its cache until it is cleaned; what was not invalidated hides what a guest
 * writes to memory.
 * - An instruction that was fetched once stays until IC IALLUIS and its DSB.
 *
 * One thread; host_on() says which pCPU executes. What software must never do ends the process with a
 * message. */
#ifndef ARCH_HOST_HOST_H
#define ARCH_HOST_HOST_H

#include "base/types.h"

#define HOST_PCPUS    4u
#define HOST_RAM      UINT64_C(0x40000000) /* PA */
#define HOST_RAM_SIZE MIB(8)
#define HOST_HEAP \
    MIB(2) /* the first part of RAM is EL2's heap; its first part holds the tables that are watched */
#define HOST_TABLES KIB(512)

struct pcpu;
extern struct pcpu *host_pcpu; /* the one that executes, as in pcpus[] */

void host_start(void);
void host_on(unsigned pcpu);
unsigned host_pcpu_index(void);
void host_fail(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* --- registers --- */
uint64_t host_effective(const char *name); /* of the pCPU that executes */
uint64_t host_effective_on(unsigned pcpu, const char *name);
void host_set(const char *name, uint64_t value); /* on all pCPUs, at once; for identification registers */
void host_put(const char *name, uint64_t value); /* of the pCPU that executes, at once; what a guest writes */
extern void (*host_on_write)(const char *name, uint64_t value); /* sees every MSR; or NULL */
unsigned host_dsbs(void);                                       /* DSBs that this pCPU has executed */

/* --- time and interrupts --- */
extern uint64_t host_now;              /* CNTPCT */
bool host_timer_line(const char *ctl); /* "cnthp_ctl_el2", "cntv_ctl_el0" or "cntp_ctl_el0": its line now */
bool host_timer_glitch(void); /* a guest timer was asserted for a moment while its registers were loaded */
bool host_irq_pending(void);  /* something is to be acknowledged on this pCPU */
unsigned host_kicks(unsigned pcpu); /* kicks that pCPU has got */
unsigned host_route(unsigned intid);
extern void (*host_on_wfi)(void); /* WFI with nothing pending; must not return */
extern void (*host_firmware)(bool hvc, uint64_t x[8]);

/* --- translation --- */
bool host_el2_translate(const volatile void *va, bool write,
                        uint64_t *pa);       /* keeps the entry as an access would */
extern uint64_t (*host_stage1)(uint64_t va); /* the guest's own stage 1; NULL: its MMU is off */
extern uint64_t host_memory_attributes; /* that it gives to memory, as MAIR_EL1 encodes them; write-back */
bool host_guest_translate(uint64_t va, uint64_t *pa);
uint64_t host_guest_attributes(uint64_t va); /* stage-2 leaf without its address */

/* --- memory --- */
void host_eret(void);                              /* this pCPU enters its guest */
uint8_t host_guest_read(uint64_t va, bool cached); /* the guest of this pCPU; a fault ends the process */
void host_guest_write(uint64_t va, uint8_t value, bool cached);
uint8_t host_guest_fetch(uint64_t va);                              /* through the instruction cache */
uint8_t host_memory(uint64_t pa);                                   /* what lies behind all caches */
void host_memory_set(uint64_t pa, const void *data, uint64_t size); /* in memory and seen by all */
void host_cache_evict(void); /* every line that EL2 left in its cache is written back */
extern uint64_t (*host_device)(uint64_t pa, unsigned size, bool write,
                               uint64_t value); /* registers mapped by EL2 */

/* --- between the files of this folder --- */
void host_tables_start(void);
void host_tables_left(unsigned pcpu); /* another one will execute */
void host_tables_dsb(unsigned pcpu, bool shareable);
void host_tables_isb(unsigned pcpu);
bool host_tables_word(unsigned pcpu, uint64_t pa, bool synchronized, uint64_t *word);
void host_tlb_start(void);
void host_tlb_switch(void);
void host_tlb_dsb(unsigned pcpu, bool shareable);
void host_tlb_isb(unsigned pcpu);
void host_cache_start(void);
int host_cache_file(void);
void host_cache_touched(uint64_t pa); /* EL2 may have lines of this page */
void host_cache_dsb(void);
void host_cache_ic_dsb(void);
void host_irq_start(void);
void host_irq_timers(void);        /* a timer register has taken effect */
bool host_in_guest(unsigned pcpu); /* its hardware may walk the guest's tables */
void host_par_write(uint64_t par); /* AT: seen after an ISB */

#endif
