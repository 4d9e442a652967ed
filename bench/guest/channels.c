// SPDX-License-Identifier: Apache-2.0
/* Messages over a channel between two domains, each on a pCPU of its own, rung by a device register and an
 * SPI: role=channel-send and role=channel-receive, size=<bytes of a message>. One way is from the sender's
 * call to the message in the receiver's buffer; both print CNTPCT values, which the runner pairs. */
#include "bulkhead/channel.h"

#include "guest.h"

#define MAX_MESSAGE  4096
#define MAX_MESSAGES 128
#define WARM_UP      16
#define SETTLE       40000

static struct bh_channel channel;
static uint8_t message[MAX_MESSAGE];
static uint64_t times[MAX_MESSAGES];
static volatile uint32_t received;

void channel_taken(void)
{
    uint32_t length;
    bool ring;
    if (!channel.tx)
        return; /* the peer was earlier */
    while (bh_channel_receive(&channel, message, sizeof(message), &length, &ring) == BH_CHANNEL_OK) {
        if (received < MAX_MESSAGES)
            times[received] = now();
        received = received + 1;
        if (ring)
            write32(platform.doorbell, 1);
    }
    (void)bh_channel_prepare_wait_data(&channel);
}

static uint64_t offset(void)
{
    uint64_t physical, virtual;
    __asm__ volatile("isb; mrs %0, cntpct_el0; mrs %1, cntvct_el0"
                     : "=&r"(physical), "=&r"(virtual)::"memory");
    return physical + 1 - virtual;
}

static void print_times(const char *name)
{
    /* not the last one: the sender has begun to print, and burns its slice of the emulator */
    for (uint32_t i = WARM_UP; i < MAX_MESSAGES - 1; i++) {
        print(name);
        print_field("i", i);
        print_field("t", times[i] + offset());
        print("\n");
    }
}

static bool start(void)
{
    if (!platform.doorbell || bh_channel_open(&channel, (void *)platform.tx, (const void *)platform.rx,
                                              platform.ring_size, BH_CHANNEL_DISCARD) != BH_CHANNEL_OK) {
        print("I no channel\n");
        return false;
    }
    write32(platform.doorbell, 1);
    return true;
}

void bench_channel_send(void)
{
    uint32_t size = (uint32_t)argument_number("size", 64);
    bool ring;
    if (!start())
        return;
    uint64_t ready = now() + 20000000; /* until the other end is up */
    while (now() < ready)
        yield();
    for (uint32_t i = 0; i < MAX_MESSAGES; i++) {
        uint64_t settled = now() + SETTLE + i * 7919u % 4999;
        while (now() < settled)
            yield();
        isb();
        times[i] = now();
        if (bh_channel_send(&channel, message, size, &ring) != BH_CHANNEL_OK)
            print("I not sent\n");
        if (ring)
            write32(platform.doorbell, 1);
    }
    print_times("TX");
}

void bench_channel_receive(void)
{
    if (!start())
        return;
    (void)bh_channel_prepare_wait_data(&channel);
    while (received < MAX_MESSAGES) {
        irq_disable();
        if (received < MAX_MESSAGES)
            wfi();
        irq_enable();
        isb();
    }
    irq_disable();
    print_times("RX");
}
