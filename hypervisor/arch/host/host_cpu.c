/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/host/host_cpu.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/host/host.h"
#include "arch/host/host_gic.h"
#include "core/pcpu.h"

#define MAX_REGISTERS 256u

struct host_register {
    char name[24];
    uint64_t value[HOST_PCPUS];     /* as MRS reads it after MSR */
    uint64_t effective[HOST_PCPUS]; /* as the processor uses it */
    bool pending[HOST_PCPUS];
};

static struct host_register registers[MAX_REGISTERS];
static unsigned nr_registers, here;
static uint64_t par_next[HOST_PCPUS];
static bool par_pending[HOST_PCPUS];
static unsigned dsbs[HOST_PCPUS];
static bool in_guest[HOST_PCPUS]; /* since host_eret(), until EL2 executes something */
static bool drained[HOST_PCPUS];  /* a DSB SY since the last WFI */

struct pcpu *host_pcpu;
uint64_t host_now;
void (*host_on_write)(const char *name, uint64_t value);
void (*host_on_wfi)(void);
void (*host_firmware)(bool hvc, uint64_t x[8]);

void host_fail(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fprintf(stderr, "pCPU %u: ", here);
    vfprintf(stderr, format, args);
    fprintf(stderr, "\n");
    va_end(args);
    _Exit(1);
}

struct host_register *host_register(const char *name)
{
    unsigned i;

    for (i = 0; i < nr_registers; i++) {
        if (strcmp(registers[i].name, name) == 0) {
            return &registers[i];
        }
    }
    if (i == MAX_REGISTERS) {
        host_fail("too many registers");
    }
    snprintf(registers[i].name, sizeof registers[i].name, "%s", name);
    nr_registers++;
    return &registers[i];
}

void host_start(void)
{
    for (unsigned i = 0; i < nr_registers; i++) {
        memset(registers[i].value, 0, sizeof registers[i].value);
        memset(registers[i].effective, 0, sizeof registers[i].effective);
        memset(registers[i].pending, 0, sizeof registers[i].pending);
    }
    memset(par_pending, 0, sizeof par_pending);
    memset(in_guest, 0, sizeof in_guest);
    memset(drained, 0, sizeof drained);
    here = 0;
    host_now = 1000;
    host_on_write = NULL;
    host_on_wfi = NULL;
    host_firmware = NULL;
    host_stage1 = NULL;
    host_device = NULL;
    host_pcpu = NULL;
    host_set("ctr_el0", 4u << 16); /* lines of 64 bytes */
    host_set("cntfrq_el0", 1000000000u);
    host_set("id_aa64mmfr0_el1", 0x5); /* 48 bits of PA */
    host_cache_start();
    host_tables_start();
    host_tlb_start();
    host_irq_start();
}

void host_on(unsigned pcpu)
{
    if (pcpu != here) {
        host_tables_left(here);
    }
    here = pcpu;
    host_gic_pcpu = pcpu;
    if (pcpus[pcpu] != NULL) {
        host_pcpu = pcpus[pcpu];
        host_put("tpidr_el2", (uint64_t)host_pcpu);
    }
    host_tlb_switch();
}

unsigned host_pcpu_index(void)
{
    return here;
}

static bool is_counter(const char *name)
{
    return strcmp(name, "cntpct_el0") == 0 || strcmp(name, "cntvct_el0") == 0;
}

bool host_in_guest(unsigned pcpu)
{
    return in_guest[pcpu];
}

uint64_t host_sysreg_read(struct host_register *reg)
{
    in_guest[here] = false;
    return is_counter(reg->name) ? host_now : reg->value[here];
}

void host_sysreg_write(struct host_register *reg, uint64_t value)
{
    in_guest[here] = false;
    if (host_on_write != NULL) {
        host_on_write(reg->name, value);
    }
    reg->value[here] = value;
    reg->pending[here] = true;
}

uint64_t host_effective(const char *name)
{
    return host_register(name)->effective[here];
}

uint64_t host_effective_on(unsigned pcpu, const char *name)
{
    return host_register(name)->effective[pcpu];
}

void host_put(const char *name, uint64_t value)
{
    struct host_register *reg = host_register(name);

    reg->value[here] = value;
    reg->effective[here] = value;
    reg->pending[here] = false;
}

void host_set(const char *name, uint64_t value)
{
    unsigned saved = here;

    for (here = 0; here < HOST_PCPUS; here++) {
        host_put(name, value);
    }
    here = saved;
}

unsigned host_dsbs(void)
{
    return dsbs[here];
}

void host_par_write(uint64_t par)
{
    par_next[here] = par;
    par_pending[here] = true;
}

/* Registers between two ISBs take effect in any order: here those that enable something come first. */
static void take_effect(bool controls)
{
    for (unsigned i = 0; i < nr_registers; i++) {
        struct host_register *reg = &registers[i];

        if (reg->pending[here] && (strstr(reg->name, "_ctl_") != NULL) == controls) {
            reg->effective[here] = reg->value[here];
            reg->pending[here] = false;
            if (controls) {
                host_irq_timers();
            }
        }
    }
}

void host_isb(void)
{
    take_effect(true);
    take_effect(false);
    if (par_pending[here]) {
        host_put("par_el1", par_next[here]);
        par_pending[here] = false;
    }
    host_tables_isb(here);
    host_tlb_isb(here);
}

void host_eret(void)
{
    host_isb();
    in_guest[here] = true;
}

void host_dsb(const char *option)
{
    bool all = strcmp(option, "sy") == 0, inner = all || strncmp(option, "ish", 3) == 0;
    bool stores = strstr(option, "st") != NULL;

    dsbs[here]++;
    host_tables_dsb(here, inner);
    if (!stores) {
        host_tlb_dsb(here, inner);
        if (inner) {
            host_cache_ic_dsb();
        }
    }
    if (all) {
        host_cache_dsb();
        drained[here] = true;
    }
}

void host_wfi(void)
{
    if (!drained[here]) {
        host_fail("WFI without a DSB before it");
    }
    drained[here] = false;
    if (host_irq_pending()) {
        return;
    }
    if (host_on_wfi != NULL) {
        host_on_wfi();
    }
    host_fail("sleeps for ever");
}

void conduit_call(bool hvc, uint64_t x[8]);
void conduit_call(bool hvc, uint64_t x[8])
{
    if (host_firmware != NULL) {
        host_firmware(hvc, x);
    } else {
        x[0] = ~UINT64_C(0); /* NOT_SUPPORTED */
    }
}
