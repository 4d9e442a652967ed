/* SPDX-License-Identifier: Apache-2.0 */
/* The rest of drivers/gic.h for a plain process: what host_gic.c leaves out. Interrupts that are pending, the
 * timers' lines and kicks are acknowledged here; state and list registers are host_gic.c's. */
#include <string.h>

#include "arch/host/host.h"
#include "arch/host/host_cpu.h"
#include "arch/host/host_gic.h"
#include "base/bits.h"
#include "core/interrupt.h"

#define INTIDS 1020u

static unsigned route[INTIDS], kicks[HOST_PCPUS];
static bool kicked[HOST_PCPUS], edge[INTIDS], glitch;

void host_irq_start(void)
{
    memset(route, 0, sizeof route);
    memset(kicks, 0, sizeof kicks);
    memset(kicked, 0, sizeof kicked);
    memset(edge, 0, sizeof edge);
    glitch = false;
    host_interrupts =
        (struct host_interrupts){.maintenance = 25, .timer_hyp = 26, .timer_virt = 27, .timer_phys = 30};
    host_gic_reset(3, 4);
    for (unsigned cpu = 0; cpu < HOST_PCPUS; cpu++) {
        host_gic_pcpu = cpu;
        gic_enable(host_interrupts.maintenance);
        gic_enable(host_interrupts.timer_hyp);
        gic_enable(host_interrupts.timer_virt);
        gic_enable(host_interrupts.timer_phys);
    }
    host_gic_pcpu = host_pcpu_index();
}

bool host_timer_line(const char *ctl)
{
    bool hyp = strcmp(ctl, "cnthp_ctl_el2") == 0, virt = strcmp(ctl, "cntv_ctl_el0") == 0;
    uint64_t cval = host_effective(hyp ? "cnthp_cval_el2" : virt ? "cntv_cval_el0" : "cntp_cval_el0");
    uint64_t now = host_now - (virt ? host_effective("cntvoff_el2") : 0);

    return host_effective(ctl) % 4u == 1u && now >= cval;
}

void host_irq_timers(void)
{
    glitch = glitch || host_timer_line("cntv_ctl_el0") || host_timer_line("cntp_ctl_el0");
}

bool host_timer_glitch(void)
{
    bool was = glitch;

    glitch = false;
    return was;
}

static bool level(unsigned intid)
{
    return (intid == host_interrupts.timer_hyp && host_timer_line("cnthp_ctl_el2")) ||
           (intid == host_interrupts.timer_virt && host_timer_line("cntv_ctl_el0")) ||
           (intid == host_interrupts.timer_phys && host_timer_line("cntp_ctl_el0")) ||
           (intid == host_interrupts.maintenance && host_gic_maintenance());
}

static unsigned next_interrupt(void)
{
    for (unsigned intid = 16; intid < INTIDS; intid++) {
        bool here = intid < 32u || route[intid] == host_pcpu_index();

        if (here && (host_gic_pending(intid) || level(intid)) && host_gic_enabled(intid) &&
            !gic_is_active(intid)) {
            return intid;
        }
    }
    return GIC_SPURIOUS + 3u;
}

bool host_irq_pending(void)
{
    return kicked[host_pcpu_index()] || next_interrupt() < INTIDS;
}

unsigned host_kicks(unsigned pcpu)
{
    return kicks[pcpu];
}

unsigned host_route(unsigned intid)
{
    return route[intid];
}

uint32_t gic_acknowledge(void)
{
    unsigned intid;

    if (kicked[host_pcpu_index()]) {
        kicked[host_pcpu_index()] = false;
        return GIC_KICK;
    }
    intid = next_interrupt();
    if (intid < INTIDS) {
        gic_set_pending(intid, false);
        gic_set_active(intid, true);
    }
    return intid;
}

void gic_drop(uint32_t intid)
{
    if (intid % 1024u >= GIC_SPURIOUS) {
        host_fail("priority drop of no interrupt");
    }
}

void gic_deactivate(uint32_t intid)
{
    if (intid % 1024u >= 16u) {
        gic_set_active(intid, false);
    }
}

void gic_kick(unsigned pcpu)
{
    host_dsb("ishst");
    kicked[pcpu] = true;
    kicks[pcpu]++;
}

void gic_set_edge(unsigned intid, bool value)
{
    edge[intid] = value;
}

void gic_route(unsigned intid, unsigned pcpu)
{
    route[intid] = pcpu;
}

void gic_init_pcpu(unsigned pcpu, uint64_t mpidr, volatile void *gicr, const uint32_t private_irqs[4])
{
    (void)pcpu;
    (void)mpidr;
    (void)gicr;
    for (unsigned i = 0; i < 4u; i++) {
        gic_enable(private_irqs[i]);
    }
}
