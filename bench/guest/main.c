// SPDX-License-Identifier: Apache-2.0
/* bootargs: role=bench|timer|ioreq|grants|spin|send|receive|hello  n=<samples>  cpus=<vCPUs>  hvc=0
 * phase=<ticks> loop=<row> off=1; at=<address> for role=ioreq; for channels role=channel-send|channel-receive
 * size=<bytes>; for events port=<static port>  sleep=1  fp=1 */
#include "guest.h"

void guest_main(const uint8_t *device_tree, uint64_t first);
void exception_main(uint64_t vector, uint64_t esr, uint64_t elr, uint64_t far);
void secondary_main(void);
void irq_main(uint64_t time);

void exception_main(uint64_t vector, uint64_t esr, uint64_t elr, uint64_t far)
{
    print("PANIC");
    print_field("vector", vector);
    print(" esr=");
    print_hex(esr);
    print(" elr=");
    print_hex(elr);
    print(" far=");
    print_hex(far);
    print("\n");
}

/* Interrupts that were pending when the guest started would occupy a list register and add to every exit. */
void drain_interrupts(void)
{
    uint64_t end = now() + 20000;
    irq_enable();
    while (now() < end)
        yield();
    irq_disable();
}

static void burn(uint64_t ticks)
{
    uint64_t end = now() + ticks;
    while (now() < end)
        compiler_barrier();
}

void guest_main(const uint8_t *device_tree, uint64_t first)
{
    platform_read(device_tree);
    mmu_tables();
    mmu_enable();
    print("B first");
    print_field("cntpct", first);
    print("\n");
    uint32_t count = (uint32_t)argument_number("n", MAX_SAMPLES);
    if (count > MAX_SAMPLES)
        count = MAX_SAMPLES;
    if (!argument_is("role", "hello")) {
        gic_init_distributor();
        gic_init_cpu(0);
        drain_interrupts();
        burn(argument_number("phase", 0));
    }
    if (argument("loop")) {
        print("I loop\n");
        trace_loop(argument("loop"));
    } else if (argument_is("role", "bench")) {
        bench_exits(count);
        bench_interrupts(count);
    } else if (argument_is("role", "ioreq")) {
        bench_ioreq(count);
    } else if (argument_is("role", "grants")) {
        bench_grants(count);
    } else if (argument_is("role", "timer")) {
        bench_timer(count, NULL, "vtimer_shared");
    } else if (argument_is("role", "send")) {
        bench_send("evtchn_rtt");
    } else if (argument_is("role", "receive")) {
        bench_receive();
    } else if (argument_is("role", "channel-send")) {
        bench_channel_send();
    } else if (argument_is("role", "channel-receive")) {
        bench_channel_receive();
    } else if (argument_is("role", "spin")) {
        for (;;)
            compiler_barrier();
    }
    print("GUEST DONE\n");
    if (argument_number("off", 0))
        psci(PSCI_SYSTEM_OFF, 0, 0, 0);
}
