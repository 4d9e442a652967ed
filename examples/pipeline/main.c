/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Camera, planner or display, by the channels that this domain has. The camera numbers its frames. The
 * planner passes them on and stops in the midst of its work, at another place in each life. The display
 * accounts for every frame. Boot arguments: frames=N of the camera; lives=N of the planner, the last of which
 * does not stop.
 */
#include "guest.h"

#include <bulkhead/channel.h>

#define WORDS 32 /* of 8 bytes in a frame: its number, then a pattern */
#define END   UINT64_MAX

struct port {
    struct bh_channel channel;
    const struct channel_node *node;
};

static struct port in, out;

static void port_open(struct port *port, const struct channel_node *node)
{
    const uint64_t *reg = node->reg;

    port->node = node;
    if (bh_channel_open(&port->channel, (void *)reg[CHANNEL_TX], (const void *)reg[CHANNEL_RX],
                        reg[CHANNEL_SIZE], BH_CHANNEL_KEEP) != BH_CHANNEL_OK) {
        print("no channel: ");
        print(node->name);
        print("\n");
        power_off();
    }
    interrupt_enable_edge(node->intid);
    channel_ring(node);
}

/* The next frame, in place. */
static struct bh_channel_message receive(void)
{
    struct bh_channel_message frame;
    enum bh_channel_status status;

    while ((status = bh_channel_peek(&in.channel, &frame)) != BH_CHANNEL_OK) {
        if (status != BH_CHANNEL_EMPTY || bh_channel_prepare_wait_data(&in.channel))
            interrupt_wait();
    }
    return frame;
}

static void received(void)
{
    bh_channel_consume(&in.channel);
    if (bh_channel_release(&in.channel))
        channel_ring(in.node);
}

static void put(const void *frame)
{
    enum bh_channel_status status;

    while ((status = bh_channel_put(&out.channel, frame, WORDS * 8)) != BH_CHANNEL_OK) {
        if (status != BH_CHANNEL_FULL || bh_channel_prepare_wait_space(&out.channel, WORDS * 8))
            interrupt_wait();
    }
}

static void publish(void)
{
    if (bh_channel_publish(&out.channel))
        channel_ring(out.node);
}

static uint64_t pattern(uint64_t number, uint32_t word)
{
    return (number * WORDS + word) * 0x9e3779b97f4a7c15U;
}

static _Noreturn void camera(uint64_t frames)
{
    uint64_t frame[WORDS];

    for (uint64_t number = 0; number <= frames; number++) {
        frame[0] = number == frames ? END : number;
        for (uint32_t i = 1; i < WORDS; i++)
            frame[i] = pattern(frame[0], i);
        put(frame);
        publish();
    }
    print("camera: sent ");
    print_number(frames);
    print(" frames\n");
    power_off();
}

/* Each life but the last ends after some frames: before the frame is copied, published, given back, or
 * behind. */
static void perhaps_stop(uint64_t place, uint64_t count, uint64_t lives)
{
    uint64_t life = in.channel.generation;

    if (life < lives && count == 50 + 7 * life && place == life % 4)
        power_reset();
}

static _Noreturn void planner(uint64_t lives)
{
    for (uint64_t count = 0;; count++) {
        struct bh_channel_message frame = receive();
        uint64_t number = *(const volatile uint64_t *)frame.data;

        perhaps_stop(0, count, lives);
        put(frame.data);
        perhaps_stop(1, count, lives);
        publish();
        perhaps_stop(2, count, lives);
        received();
        perhaps_stop(3, count, lives);
        if (number == END)
            break;
    }
    print("planner: lives ");
    print_number(in.channel.generation);
    print("\n");
    power_off();
}

static bool is_damaged(const struct bh_channel_message *frame)
{
    const uint64_t *words = frame->data;
    bool damaged = frame->length != WORDS * 8;

    for (uint32_t i = 1; i < WORDS && !damaged; i++)
        damaged = words[i] != pattern(words[0], i);
    return damaged;
}

static void print_count(uint64_t count, const char *what)
{
    print_number(count);
    print(what);
}

static _Noreturn void display(void)
{
    uint64_t next = 0, missing = 0, repeated = 0, damaged = 0, writers = 0, number;
    uint32_t generation = 0;

    do {
        struct bh_channel_message frame = receive();

        number = *(const uint64_t *)frame.data;
        damaged += is_damaged(&frame) ? 1 : 0;
        writers += frame.generation != generation ? 1 : 0;
        generation = frame.generation;
        if (number == END) {
        } else if (number < next) {
            repeated++;
        } else {
            missing += number - next;
            next = number + 1;
        }
        received();
    } while (number != END);
    print("display: ");
    print_count(next, " frames, ");
    print_count(missing, " missing, ");
    print_count(repeated, " repeated, ");
    print_count(damaged, " damaged, from ");
    print_count(writers, " lives of the planner\n");
    power_off();
}

_Noreturn void main(const uint8_t *tree)
{
    const struct channel_node *images, *plans;

    channel_find(tree);
    images = channel_named("images");
    plans = channel_named("plans");
    interrupt_init();
    if (images != NULL && plans != NULL) {
        port_open(&in, images);
        port_open(&out, plans);
        planner(argument(tree, "lives", 1));
    }
    if (images != NULL) {
        port_open(&out, images);
        camera(argument(tree, "frames", 10000));
    }
    if (plans != NULL) {
        port_open(&in, plans);
        display();
    }
    power_off();
}
