/* SPDX-License-Identifier: Apache-2.0 OR MIT */
/* A hostile frontend with lines 0 to 3 of a controller, beside an honest one with lines 4 to 7. Whatever the
 * hostile one does, while lines change and the backend dies: no access outside (AddressSanitizer), none to a
 * line that is not its own, and the honest one's outputs are what it says and its edges are told once each.
 *
 * With -DFUZZER for libFuzzer; else a program that makes its inputs itself: [number [seed]]. */
#include "classes_hostile.h"
#include "pins.h"

#include <stdio.h>

#define HOSTILE 0u
#define HONEST  1u
#define LAMP    4u /* pins of the honest one: its lines 0 and 1 */
#define KEY     5u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
    struct pins pins;
    struct gpio_bank bank;
    struct gpio gpio[2];
    struct rig rig[2];
    uint64_t features, key; /* key: where the status of its event is */
    bool lamp;
};

static uint64_t honest_edges, hostile_requests;

static void set_up(struct world *world)
{
    static const uint8_t names[] = "one\0two\0\0four";

    memset(&world->bank, 0, sizeof world->bank);
    memset(world->gpio, 0, sizeof world->gpio);
    gpio_init(&world->bank, &world->pins.lines);
    for (uint32_t i = 0; i < 2; i++) {
        struct gpio *gpio = &world->gpio[i];

        *gpio = (struct gpio){.device = &world->rig[i].device, .first = i * 4u, .nr = 4};
        if (i == HOSTILE) {
            gpio->names = names;
            gpio->names_size = sizeof names;
        }
        assert(gpio_add(&world->bank, gpio));
    }
}

static void poll(struct world *world)
{
    world->pins.foreign = 0;
    pins_poll(&world->pins);
}

static void honest_unmasks(struct world *world)
{
    world->key = pins_unmask(&world->rig[HONEST], KEY - 4u);
    rig_run(&world->rig[HONEST]);
    poll(world);
}

static void create(struct world *world, uint64_t features)
{
    memset(world, 0, sizeof *world);
    pins_create(&world->pins);
    world->features = features;
    rig_create(&world->rig[HOSTILE], 2);
    rig_create(&world->rig[HONEST], 2);
    set_up(world);
    rig_start(&world->rig[HOSTILE], features);
    rig_start(&world->rig[HONEST], features | VIRTIO_GPIO_F_IRQ);
    assert(pins_ask(&world->rig[HONEST], P_SET_DIRECTION, LAMP - 4u, P_OUT) == 0);
    assert(pins_ask(&world->rig[HONEST], P_TYPE, KEY - 4u, LINE_RISING) == 0);
    honest_unmasks(world);
}

static void crash(struct world *world)
{
    world->pins.foreign = 0;
    rig_crash(&world->rig[HOSTILE]);
    rig_crash(&world->rig[HONEST]);
    pins_restart(&world->pins);
    set_up(world);
    device_init(&world->rig[HOSTILE].device);
    device_init(&world->rig[HONEST].device);
    rig_run(&world->rig[HONEST]);
    poll(world);
}

static void make_room(struct rig *rig)
{
    if (rig->next > RIG_BASE + RIG_MEMORY - 256u) {
        rig->next = RIG_BASE + 0x8000u; /* long since answered */
    }
}

/* Its lamp, and an edge on its key: with `died` in the middle of it. */
static void honest_step(struct world *world, uint8_t what)
{
    struct rig *rig = &world->rig[HONEST];
    uint32_t length;

    make_room(rig);
    world->pins.foreign = 0xf;
    if (what % 2u == 0) {
        world->lamp = !world->lamp;
        assert(pins_ask(rig, P_SET, LAMP - 4u, world->lamp) == 0);
        assert(pins_ask(rig, P_GET, LAMP - 4u, 0) == 256 * world->lamp);
        return;
    }
    pins_set(&world->pins, KEY, true);
    if (what % 8u == 1) {
        crash(world);
    }
    pins_set(&world->pins, KEY, false);
    poll(world);
    assert(rig_used(rig, 1, NULL, &length) && length == 1 && rig_at(rig, world->key)[0] == 1);
    honest_unmasks(world);
    honest_edges++;
}

/* What looks like a request, or nearly. */
static void hostile_request(struct world *world, struct input *input)
{
    struct rig *rig = &world->rig[HOSTILE];
    uint8_t shape = input_byte(input), how = input_byte(input);
    uint32_t queue = shape % 3u == 0, room = queue == 1 ? 1 : 2;
    uint16_t words[4] = {(uint16_t)(how % 8u), (uint16_t)(how / 8u % 6u), (uint16_t)(how / 48u), 0};
    uint64_t at;
    struct rig_buffer pair[2];

    if (rig_failed(rig) || rig->ring[queue].nr_free < 2u) {
        hostile_restart(rig, world->features);
    }
    make_room(rig);
    at = rig_memory(rig, 128);
    if (shape >= 200) {
        words[shape % 4u] = input_word(input);
        room = input_byte(input) % 40u;
    }
    if (queue == 1) {
        words[0] = words[1];
    }
    memcpy(rig_at(rig, at), words, 8);
    pair[0] = (struct rig_buffer){at, queue == 1 ? 2 : 8, false};
    pair[1] = (struct rig_buffer){at + 64, room, true};
    rig_add(rig, queue, pair, 2);
    hostile_requests++;
    hostile_chains++;
    (void)device_run(&rig->device);
}

static void environment(struct world *world, struct input *input)
{
    uint8_t what = input_byte(input);

    if (what >= 240) {
        crash(world);
    } else {
        world->pins.foreign = 0;
        pins_set(&world->pins, what % 4u, what / 4u % 2u != 0);
        poll(world);
    }
}

static void check(struct world *world)
{
    const struct pins *pins = &world->pins;

    assert(!rig_failed(&world->rig[HONEST]));
    assert(pins->out[LAMP] && pins->value[LAMP] == world->lamp && !pins->out[KEY] && !pins->out[6] &&
           !pins->out[7]);
    assert(rig_used_idx(&world->rig[HONEST], 1) == world->rig[HONEST].ring[1].taken);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    struct input input = {data, size};
    uint8_t options = input_byte(&input);
    uint64_t features = options % 2u != 0 ? VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_RESET : 0;

    create(&world, features | (options % 8u < 6 ? VIRTIO_GPIO_F_IRQ : 0));
    while (input.left != 0) {
        uint8_t who = input_byte(&input);

        if (who < 120) {
            world.pins.foreign = 0xf0;
            hostile_request(&world, &input);
        } else if (who < 180) {
            world.pins.foreign = 0xf0;
            hostile_step(&world.rig[HOSTILE], &input, world.features);
        } else if (who < 220) {
            honest_step(&world, who);
        } else {
            environment(&world, &input);
        }
        poll(&world);
        check(&world);
    }
    rig_destroy(&world.rig[HOSTILE]);
    rig_destroy(&world.rig[HONEST]);
    return 0;
}

#ifndef FUZZER
int main(int argc, char **argv)
{
    uint32_t number = hostile_inputs(argc, argv, LLVMFuzzerTestOneInput);

    printf("gpio: %u inputs, %llu hostile chains, %llu of them like requests, %llu honest edges\n", number,
           (unsigned long long)hostile_chains, (unsigned long long)hostile_requests,
           (unsigned long long)honest_edges);
    return honest_edges > number && hostile_requests > number ? 0 : 1;
}
#endif
