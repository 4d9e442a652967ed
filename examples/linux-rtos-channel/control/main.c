/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A control loop. Once a period it takes the sensor frames that have come ("frame=7 temp=19") and answers
 * each with a command ("frame=7 heat=1"). It never asks to be woken, so that no doorbell of Linux disturbs
 * it; it never waits for room: a command that does not fit is dropped and counted. A frame with stop=1 ends
 * it. Boot arguments: period=MICROSECONDS (1000), report=PERIODS (10000).
 */
#include "guest.h"

#include <bulkhead/channel.h>

#define FRAMES_A_PERIOD 8 /* at most, so that a period's work is bounded */
#define WARM            20
#define COLD            18

static struct bh_channel channel;
static const struct channel_node *node;
static uint64_t periods, missed, worst, frames, dropped;
static bool heating, stop;

static void print_line(const char *name, uint64_t value)
{
    print(name);
    print_number(value);
}

static void report(const char *what)
{
    print("control: ");
    print(what);
    print_line(": periods ", periods);
    print_line(", missed ", missed);
    print_line(", latest start us ", worst * 1000000 / READ_SYSREG(CNTFRQ_EL0));
    print_line(", frames ", frames);
    print_line(", dropped commands ", dropped);
    print("\n");
}

static size_t append(char *to, const char *text)
{
    size_t length = 0;

    for (; text[length] != '\0'; length++)
        to[length] = text[length];
    return length;
}

/* One frame: the law is a thermostat's. */
static void control(const char *frame)
{
    uint64_t temperature = number_after(frame, "temp", WARM);
    char command[64];
    size_t length;
    bool ring;

    frames++;
    stop = number_after(frame, "stop", 0) != 0;
    if (temperature <= COLD)
        heating = true;
    else if (temperature >= WARM)
        heating = false;
    length = append(command, "frame=");
    length += text_number(command + length, number_after(frame, "frame", 0));
    length += append(command + length, heating ? " heat=1\n" : " heat=0\n");
    if (bh_channel_send(&channel, command, (uint32_t)length, &ring) != BH_CHANNEL_OK)
        dropped++;
    else if (ring)
        channel_ring(node);
}

static void take_frames(void)
{
    char frame[64];
    uint32_t length;
    bool ring;

    for (int i = 0; i < FRAMES_A_PERIOD; i++) {
        enum bh_channel_status status =
            bh_channel_receive(&channel, frame, sizeof(frame) - 1, &length, &ring);

        if (status == BH_CHANNEL_TOO_LONG) { /* no frame of ours */
            bh_channel_consume(&channel);
            ring = bh_channel_release(&channel);
        } else if (status == BH_CHANNEL_OK) {
            frame[length] = '\0';
            control(frame);
        } else {
            break;
        }
        if (ring)
            channel_ring(node);
    }
}

_Noreturn void main(const uint8_t *tree)
{
    uint64_t period = READ_SYSREG(CNTFRQ_EL0) * argument(tree, "period", 1000) / 1000000;
    uint64_t every = argument(tree, "report", 10000), next, late;

    if (channel_find(tree) == 0)
        power_off();
    node = &channel_nodes[0];
    if (bh_channel_open(&channel, (void *)node->reg[CHANNEL_TX], (const void *)node->reg[CHANNEL_RX],
                        node->reg[CHANNEL_SIZE], BH_CHANNEL_DISCARD) != BH_CHANNEL_OK)
        power_off();
    channel_ring(node);
    interrupt_init();
    interrupt_enable_private(VTIMER_INTID);
    next = READ_SYSREG(CNTVCT_EL0);
    while (!stop) {
        next += period;
        late = timer_sleep(next) - next;
        worst = late > worst ? late : worst;
        periods++;
        for (; late >= period; late -= period) { /* a whole period went by without its step */
            missed++;
            next += period;
        }
        if (bh_channel_peer_state(&channel) == BH_CHANNEL_PEER_NEW)
            report("Linux is there");
        take_frames();
        if (periods % every == 0)
            report("going on");
    }
    report("stopped");
    power_off();
}
