/* SPDX-License-Identifier: Apache-2.0 */
/* The backend dies between any two stores of a take or of a completion, or while it recovers; another one
 * goes on from the state page. The driver, which rings and looks only when it is told to, sees each request
 * completed exactly once, and the new backend is given exactly the requests in flight, in their order. */
#include "driver.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define QUEUE_SIZE 16u
#define SECRET     UINT64_C(0x5bd1e995a3c59ac3)
#define LIST       4096u

enum control { SOUND, SKIPS, REPEATS, REORDERS, EARLY_USED_IDX, CONTROLS };
static const char *const control_names[] = {"sound", "skips one head", "repeats one head",
                                            "reorders two heads", "used_idx early"};

struct work {
    uint64_t id;
    uint64_t *answer;
    uint16_t queue, head;
};

struct request {
    uint64_t id;
    uint16_t head;
    bool done;
};

/* What the driver knows of one queue. */
struct ledger {
    struct request list[LIST];
    uint32_t offered, taken, answered;
};

static struct trial {
    struct rig rig;
    enum control control;
    struct work pending[MAX_QUEUES * QUEUE_SIZE * 2u];
    uint32_t nr_pending;
    int taking; /* the queue of the take that is going on, or -1 */
    struct ledger ledger[MAX_QUEUES];
    uint64_t next_id;
    bool doorbell;
    uint32_t interrupts_seen;
    const char *fault;
    uint32_t crashes, with_request, completed;
    uint32_t histogram[QUEUE_STEPS];
} t;

static void fault(const char *what)
{
    if (t.fault == NULL) {
        t.fault = what;
    }
}

static void work_add(uint32_t queue, const struct queue_chain *chain)
{
    struct work *work = &t.pending[t.nr_pending];

    if (chain->readable != 8 || chain->writable != 8) {
        fault("a chain is not what the driver wrote");
        return;
    }
    memcpy(&work->id, chain->buffers[0].data, 8);
    work->answer = (uint64_t *)(void *)chain->buffers[chain->nr_readable].data;
    work->queue = (uint16_t)queue;
    work->head = chain->head;
    t.nr_pending++;
}

static bool worker_run(struct device *device)
{
    for (uint32_t i = 0; i < device->nr_queues; i++) {
        struct queue *queue;

        while ((queue = device_queue(device, i)) != NULL) {
            struct queue_chain chain;
            enum queue_status status;

            t.taking = (int)i;
            status = queue_take(queue, &chain);
            t.taking = -1;
            if (status == QUEUE_OK) {
                t.ledger[i].taken++;
                work_add(i, &chain);
            } else if (status == QUEUE_BROKEN) {
                device_needs_reset(device);
            } else if (!queue_ask(queue, true)) {
                break;
            }
        }
    }
    return false;
}

static void worker_start(struct device *device)
{
    for (uint32_t i = 0; i < device->nr_queues; i++) {
        struct queue *queue = device_queue(device, i);
        uint32_t begin = t.nr_pending, nr = 0;
        uint64_t order = 0;
        struct queue_chain chain;

        while (queue != NULL && queue_again(queue, &order, &chain) == QUEUE_OK) {
            work_add(i, &chain);
        }
        if (t.control == SKIPS && t.nr_pending > begin) {
            t.nr_pending--;
        } else if (t.control == REPEATS && t.nr_pending > begin) {
            t.pending[t.nr_pending] = t.pending[begin];
            t.nr_pending++;
        } else if (t.control == REORDERS && t.nr_pending > begin + 1) {
            struct work first = t.pending[begin];

            t.pending[begin] = t.pending[begin + 1];
            t.pending[begin + 1] = first;
        }
        /* What the driver knows to have been taken and not answered, in its order. Two of the controls are to
         * be found by what the driver sees. */
        for (uint32_t k = 0; k < t.ledger[i].taken && t.control != SKIPS && t.control != REPEATS; k++) {
            const struct request *request = &t.ledger[i].list[k];
            const struct work *work = &t.pending[begin + nr];

            if (request->done) {
                continue;
            }
            if (begin + nr >= t.nr_pending || work->id != request->id || work->head != request->head) {
                fault("not the requests in flight, in their order");
            }
            nr++;
        }
        if (begin + nr != t.nr_pending && t.control != SKIPS && t.control != REPEATS) {
            fault("a request that is not in flight");
        }
    }
}

static bool worker_quiesce(struct device *device, uint32_t queue)
{
    (void)device;
    (void)queue;
    return true;
}

static uint32_t no_config(struct device *device, uint32_t offset, uint32_t size)
{
    (void)device;
    return offset + size;
}

static void no_write(struct device *device, uint32_t offset, uint32_t size, uint32_t value)
{
    (void)device;
    (void)(offset + size + value);
}

static const struct device_class worker = {
    .id = 42,
    .config_size = 8,
    .start = worker_start,
    .run = worker_run,
    .quiesce = worker_quiesce,
    .config_read = no_config,
    .config_write = no_write,
};

/* A batch of one queue, out of order. */
static void complete_some(void)
{
    uint16_t heads[QUEUE_SIZE];
    uint32_t written[QUEUE_SIZE];
    uint32_t count = 0, want = 1 + random_below(5);
    uint16_t queue = (uint16_t)random_below(t.rig.device.nr_queues);

    while (count < want) {
        uint32_t candidates = 0, pick;

        for (uint32_t i = 0; i < t.nr_pending; i++) {
            candidates += t.pending[i].queue == queue;
        }
        if (candidates == 0) {
            break;
        }
        pick = random_below(candidates);
        for (uint32_t i = 0; i < t.nr_pending; i++) {
            if (t.pending[i].queue == queue && pick-- == 0) {
                *t.pending[i].answer = t.pending[i].id ^ SECRET;
                heads[count] = t.pending[i].head;
                written[count++] = 8;
                t.nr_pending--;
                memmove(&t.pending[i], &t.pending[i + 1], (t.nr_pending - i) * sizeof(t.pending[0]));
                break;
            }
        }
    }
    device_complete(&t.rig.device, queue, heads, written, count);
}

static uint64_t buffer_of(uint32_t queue, uint16_t head)
{
    return GUEST_BASE + 0x100000u + queue * 0x10000u + head * 64u;
}

/* Up to `nr` requests, direct or indirect or both. */
static void offer_some(uint32_t nr)
{
    uint32_t queue = random_below(t.rig.device.nr_queues);
    struct driver_queue *q = &t.rig.queue[queue];
    struct ledger *ledger = &t.ledger[queue];
    uint16_t before = q->avail_idx;
    bool indirect = device_has(&t.rig.device, VIRTIO_F_INDIRECT_DESC);

    while (nr-- > 0 && q->nr_free >= 3 && ledger->offered < LIST) {
        uint16_t head = q->free[q->nr_free - 1];
        uint64_t buffer = buffer_of(queue, head);
        uint64_t id = t.next_id++;
        const struct part parts[] = {{buffer, 3, false}, {buffer + 3, 5, false}, {buffer + 8, 8, true}};

        *(uint64_t *)guest(&t.rig, buffer) = id;
        *(uint64_t *)guest(&t.rig, buffer + 8) = 0;
        ledger->list[ledger->offered++] = (struct request){id, head, false};
        (void)driver_add(&t.rig, queue, parts, 3, indirect ? random_below(4) : 3);
    }
    t.doorbell |= driver_rings(&t.rig, queue, before);
}

static void check_answer(uint32_t queue, uint32_t head, uint32_t length)
{
    struct ledger *ledger = &t.ledger[queue];

    for (uint32_t i = 0; i < ledger->offered; i++) {
        struct request *request = &ledger->list[i];

        if (!request->done && request->head == head) {
            uint64_t answer = *(uint64_t *)guest(&t.rig, buffer_of(queue, request->head) + 8);

            request->done = true;
            ledger->answered++;
            t.completed++;
            if (answer != (request->id ^ SECRET) || length != 8) {
                fault("a wrong answer");
            }
            return;
        }
    }
    fault("a completion of what was not asked");
}

static void collect(void)
{
    uint32_t head, length;

    for (uint32_t i = 0; i < t.rig.device.nr_queues; i++) {
        do {
            while (driver_used(&t.rig, i, &head, &length)) {
                check_answer(i, head, length);
            }
            driver_want(&t.rig, i, true);
        } while (t.rig.queue[i].used_idx != t.rig.queue[i].used[1]);
    }
}

/* The driver's handler, if there was an interrupt. */
static void handle_interrupt(void)
{
    if (t.rig.interrupts == t.interrupts_seen) {
        return;
    }
    t.interrupts_seen = t.rig.interrupts;
    set(&t.rig, INTERRUPT_ACK, reg(&t.rig, INTERRUPT_STATUS));
    collect();
}

/* What the driver can see of completions, without completing them for itself: those published are done. */
static void note_published(void)
{
    for (uint32_t i = 0; i < t.rig.device.nr_queues; i++) {
        uint32_t head, length;

        while (driver_used(&t.rig, i, &head, &length)) {
            check_answer(i, head, length);
        }
    }
}

static void note_crash(void)
{
    bool request = false;

    if (t.taking >= 0 && step_died_at >= QUEUE_TAKE_IN_FLIGHT && step_died_at <= QUEUE_TAKE_DONE) {
        t.ledger[t.taking].taken++;
    }
    t.taking = -1;
    note_published();
    for (uint32_t i = 0; i < t.rig.device.nr_queues; i++) {
        request |= t.ledger[i].taken != t.ledger[i].answered;
    }
    t.crashes++;
    t.with_request += request;
    t.histogram[step_died_at]++;
}

static void recover(void)
{
    uint32_t before;

    note_crash();
    while (setjmp(step_death) != 0) {
        note_crash();
    }
    t.nr_pending = 0;
    rig_forget(&t.rig, 1);
    before = t.rig.interrupts;
    step_countdown = random_below(4) == 0 ? (int)random_below(8) : -1;
    device_init(&t.rig.device);
    step_countdown = -1;
    if (t.rig.interrupts == before) {
        fault("no notification after a restart");
    }
    t.doorbell = true; /* the hypervisor sets every port pending */
}

static void activity(void)
{
    offer_some(random_below(6));
    if (t.doorbell) {
        t.doorbell = false;
        (void)device_run(&t.rig.device);
    }
    if (random_below(3) != 0) {
        complete_some();
    }
    if (random_below(2) != 0) {
        handle_interrupt();
    }
}

/* All that was asked must be answered, with no more crash, by a device and a driver that sleep when they may.
 */
static void drain(void)
{
    for (uint32_t i = 0; i < 400; i++) {
        if (t.doorbell) {
            t.doorbell = false;
            (void)device_run(&t.rig.device);
        }
        complete_some();
        handle_interrupt();
    }
    for (uint32_t i = 0; i < t.rig.device.nr_queues; i++) {
        if (t.ledger[i].answered != t.ledger[i].offered) {
            fault("a request was lost");
        }
    }
    if ((reg(&t.rig, STATUS) & VIRTIO_NEEDS_RESET) != 0) {
        fault("DEVICE_NEEDS_RESET");
    }
}

static void early_hook(unsigned int step)
{
    if (step == QUEUE_COMPLETE_PUBLISHED) {
        for (uint32_t i = 0; i < t.rig.device.nr_queues; i++) {
            t.rig.device.queue[i].state->used_idx = t.rig.queue[i].used[1];
        }
    }
}

/* NULL: sound. Adds to the counts in `t`. */
/* Where only what is granted is in sight, a device that uses a request after its end touches nothing. */
static sigjmp_buf touched_nothing;

static void touches_nothing(int number)
{
    (void)number;
    siglongjmp(touched_nothing, 1);
}

static const char *run_trial(uint64_t features, uint32_t nr_queues, enum control control, uint32_t rounds)
{
    memset(t.ledger, 0, sizeof(t.ledger));
    rig_create(&t.rig, &worker, NULL, nr_queues, QUEUE_SIZE, 0);
    t.control = control;
    t.fault = NULL;
    t.nr_pending = 0;
    t.taking = -1;
    t.doorbell = false;
    t.interrupts_seen = 0;
    device_init(&t.rig.device);
    driver_start(&t.rig, features, QUEUE_SIZE);
    collect();
    step_hook = control == EARLY_USED_IDX ? early_hook : NULL;
    if (sigsetjmp(touched_nothing, 1) != 0) {
        step_countdown = -1;
        step_hook = NULL;
        rig_destroy(&t.rig);
        return "memory that is not granted";
    }
    (void)signal(SIGSEGV, touches_nothing);
    for (volatile uint32_t i = 0; i < rounds && t.fault == NULL; i++) {
        if (setjmp(step_death) == 0) {
            step_countdown = random_below(3) == 0 ? (int)random_below(48) : -1;
            activity();
            step_countdown = -1;
        } else {
            recover();
        }
    }
    step_countdown = -1;
    drain();
    step_hook = NULL;
    rig_destroy(&t.rig);
    return t.fault;
}

static const uint64_t feature_sets[] = {0, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX,
                                        VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX};

static void exactly_once(void **state)
{
    static const char *const names[QUEUE_STEPS] = {"take: order",
                                                   "take: in flight",
                                                   "take: last_avail",
                                                   "take: done",
                                                   "complete: link",
                                                   "complete: batch head",
                                                   "complete: element",
                                                   "complete: published",
                                                   "complete: clear",
                                                   "complete: used_idx",
                                                   "reset",
                                                   "register"};
    const char *wanted = getenv("DEVICES_CRASHES");
    uint32_t crashes = wanted != NULL ? (uint32_t)atoi(wanted) : 20000;
    uint32_t trials = 0;

    (void)state;
    memset(&t, 0, sizeof(t));
    while (t.crashes < crashes) {
        const char *what;

        random_state = 0x1234567 + trials;
        what = run_trial(feature_sets[trials % 4], 1 + trials / 4 % MAX_QUEUES, SOUND, 400);
        if (what != NULL) {
            fail_msg("trial %u: %s", trials, what);
        }
        trials++;
    }
    print_message("crashes: %u, with a request in flight: %u, completions checked: %u\n", t.crashes,
                  t.with_request, t.completed);
    for (uint32_t i = 0; i < QUEUE_STEPS; i++) {
        print_message("  %-22s %u\n", names[i], t.histogram[i]);
        assert_true(t.histogram[i] >= 20 || i == QUEUE_RESET_STORE);
    }
    assert_true(t.with_request >= t.crashes / 10 * 9);
}

static void controls_are_caught(void **state)
{
    (void)state;
    for (enum control control = SKIPS; control < CONTROLS; control++) {
        uint32_t caught = 0;
        const char *what = NULL;

        for (uint32_t i = 0; i < 40; i++) {
            const char *found;

            random_state = 0x7654321 + i;
            found = run_trial(feature_sets[i % 4], 1 + i / 4 % MAX_QUEUES, control, 1000);
            what = found != NULL ? found : what;
            caught += found != NULL;
        }
        print_message("control fired: %s: %u of 40 (%s)\n", control_names[control], caught,
                      what != NULL ? what : "-");
        assert_int_equal(caught, 40);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exactly_once),
        cmocka_unit_test(controls_are_caught),
    };

    return cmocka_run_group_tests_name("devices: crash", tests, NULL, NULL);
}
