/* SPDX-License-Identifier: Apache-2.0 */
/* A frontend that loads disks with several queues, indirect descriptors and event index, believes nothing
 * that the device answers, and resets it, restarts or powers off when answers stay away. Lines begin with
 * RING; "RING wrong" is what must never be. Boot arguments, numbers; in brackets what holds without them:
 *   disks [1]  queues [4]  depth [6] of each queue, at most 8  blocks [512] of 4 KiB that are used
 *   stall [40] milliseconds without an answer that are a stall; action [0] what is done then (enum action),
 *   at [0] in which stall (0: each)   every [0] so many answers, a device reset
 *   age [20000] milliseconds after which a request counts as lost
 *   needs [0] 1: a device may need a reset, and gets it   overlap [0] 1: writes to one block, in order
 *   table [1] 0: not to be found from outside   report [250] milliseconds   gap [0] microseconds without an
 * answer that are worth a line */
#include <stddef.h>

#include "ring.h"
#include "runtime/arch.h"
#include "runtime/crash.h"
#include "runtime/domain.h"
#include "runtime/drivers/virtio.h"
#include "runtime/hypercall.h"
#include "runtime/log.h"
#include "runtime/loop.h"
#include "runtime/memory.h"
#include "table.h"

#define F_INDIRECT  (1u << 28)
#define F_EVENT_IDX (1u << 29)
#define F_VERSION_1 1u /* of the upper half */
#define UNKNOWN     UINT32_MAX

enum action { NOTHING, RESET_DEVICE, RESET_QUEUES, RESTART, POWER_OFF, CRASH };
enum { STATUS = 0x70, QUEUE_SELECT = 0x30, QUEUE_READY = 0x44, DRIVER_FEATURES = 0x20, DRIVER_SELECT = 0x24 };
enum { ACKNOWLEDGE = 1, DRIVER = 2, FEATURES_OK = 8, NEEDS_RESET = 64, ALL_OK = 15 };
enum { MAX_DISKS = 2, MAX_QUEUES = 4, TICK_MS = 5, SETTLE_MS = 100, MOST_WRONG = 5, AT_ONCE = 4 };

struct slot {
    struct {
        uint32_t type, reserved;
        uint64_t sector;
    } header;
    uint64_t *data;
    uint64_t began;
    uint32_t block, version;
    bool write, late;
    uint8_t status;
};

struct load {
    struct source source; /* there are answers */
    uint32_t number;
    uintptr_t base;
    struct ring rings[MAX_QUEUES];
    struct slot slots[MAX_QUEUES][RING_SLOTS];
    struct table_page *table;
    uint32_t *known; /* the version that a block holds; UNKNOWN: one between acknowledged and started */
    bool *busy;
    uint32_t sweep;             /* blocks below this one have been looked at since the last reset */
    uint32_t round, left, last; /* of overlapping writes: the block, requests under way, the last version */
    uint64_t answered, paused;  /* the time of the last answer; the longest pause */
    uint64_t answers, reads, writes, resets, next_reset, repair;
    bool acted;
};

static struct {
    uint32_t queues, depth, blocks, stall, action, at, every, age, needs, overlap, report, gap;
} set;
static struct load loads[MAX_DISKS];
static uint32_t nr_loads, stalls, wrong;
static uint64_t dice_state, reported;
static struct alarm tick;

static uint32_t dice(uint32_t below)
{
    dice_state = dice_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)((dice_state >> 33) % below);
}

static void tell_wrong(const struct load *load, const char *what, uint64_t a, uint64_t b)
{
    if (wrong++ < MOST_WRONG) {
        log_line("RING wrong: disk %u %s %u %u", load->number, what, a, b);
    }
}

static struct table_entry *entry_of(struct load *load, uint32_t block)
{
    return table_entry(load->table, block);
}

static void send(struct load *load, uint32_t queue, uint32_t index)
{
    struct slot *slot = &load->slots[queue][index];
    uint8_t *data = (uint8_t *)slot->data;
    bool in = !slot->write;
    struct ring_piece pieces[RING_PIECES] = {{&slot->header, 16, false},
                                             {data, 1024, in},
                                             {data + 1024, BLOCK - 1024, in},
                                             {&slot->status, 1, true}};

    slot->header.type = slot->write;
    slot->header.sector = (uint64_t)slot->block * (BLOCK / 512);
    slot->status = 0xff;
    slot->began = ticks_now();
    slot->late = false;
    load->busy[slot->block] = true;
    if (slot->write) {
        block_fill(slot->data, slot->block, slot->version);
        entry_of(load, slot->block)->started = slot->version;
        load->known[slot->block] = UNKNOWN;
    }
    ring_add(&load->rings[queue], index, pieces, RING_PIECES, dice(2) != 0);
}

/* What nobody uses: first those whose version is not known. */
static uint32_t choose(struct load *load)
{
    uint32_t block;

    while (load->sweep < set.blocks && load->known[load->sweep] != UNKNOWN) {
        load->sweep++;
    }
    block = load->sweep < set.blocks ? load->sweep : dice(set.blocks);
    while (load->busy[block]) {
        block = (block + 1) % set.blocks;
    }
    return block;
}

static void begin(struct load *load, uint32_t queue, uint32_t index)
{
    struct slot *slot = &load->slots[queue][index];

    slot->block = choose(load);
    slot->write = load->known[slot->block] != UNKNOWN && (load->known[slot->block] == 0 || dice(4) != 0);
    slot->version = entry_of(load, slot->block)->started + 1;
    send(load, queue, index);
}

/* All slots of the first queue write the same block, one version after the other. */
static void begin_round(struct load *load)
{
    load->round = dice(set.blocks);
    load->left = set.depth;
    load->last = entry_of(load, load->round)->started + set.depth;
    for (uint32_t i = 0; i < set.depth; i++) {
        struct slot *slot = &load->slots[0][i];

        slot->block = load->round;
        slot->write = true;
        slot->version = entry_of(load, load->round)->started + 1;
        send(load, 0, i);
    }
}

static void begin_all(struct load *load)
{
    load->answered = ticks_now();
    if (set.overlap != 0) {
        begin_round(load);
        return;
    }
    for (uint32_t q = 0; q < set.queues; q++) {
        for (uint32_t i = 0; i < set.depth; i++) {
            begin(load, q, i);
        }
    }
}

static void acknowledge(struct load *load, const struct slot *slot, uint32_t version)
{
    struct table_entry *entry = entry_of(load, slot->block);

    load->known[slot->block] = version;
    entry->crc = block_crc(slot->data);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    entry->acknowledged = version;
}

static void compare(struct load *load, const struct slot *slot)
{
    struct table_entry *entry = entry_of(load, slot->block);
    uint32_t known = load->known[slot->block];
    int64_t version;

    if (known == 0 || entry->started == 0) {
        load->known[slot->block] = 0;
        return;
    }
    version = block_version(slot->data, slot->block);
    if (known != UNKNOWN ? version != known : version < entry->acknowledged || version > entry->started) {
        if (known != UNKNOWN || entry->acknowledged != 0) {
            tell_wrong(load, "block, version expected", slot->block,
                       known != UNKNOWN ? known : entry->acknowledged);
            log_line("RING found version %u", version < 0 ? 0 : version);
        }
        return;
    }
    if (known == UNKNOWN) {
        acknowledge(load, slot, (uint32_t)version);
    }
}

/* One of a round is done; the last one is read back. */
static void go_on_with_round(struct load *load, struct slot *slot)
{
    if (--load->left != 0) {
        return;
    }
    if (slot->write) {
        load->known[load->round] = load->last;
        load->left = 1;
        slot = &load->slots[0][0];
        slot->write = false;
        send(load, 0, 0);
        return;
    }
    begin_round(load);
}

static void account(struct load *load)
{
    uint64_t now = ticks_now(), pause = now - load->answered;

    if (pause > load->paused) {
        load->paused = pause;
    }
    if (set.gap != 0 && pause > set.gap * ticks_per_ms() / 1000) {
        log_line("RING pause %u ticks", pause);
    }
    load->answered = now;
    load->answers++;
    load->acted = false;
}

static void finish(struct load *load, uint32_t queue, uint32_t index, uint32_t written)
{
    struct slot *slot = &load->slots[queue][index];

    account(load);
    load->busy[slot->block] = false;
    if (slot->status != 0 || written != (slot->write ? 1 : BLOCK + 1)) {
        tell_wrong(load, "status, bytes", slot->status, written);
    } else if (!slot->write) {
        load->reads++;
        compare(load, slot);
    } else {
        load->writes++;
        if (set.overlap == 0) {
            acknowledge(load, slot, slot->version);
        }
    }
    if (set.overlap != 0) {
        go_on_with_round(load, slot);
    } else {
        begin(load, queue, index);
    }
}

/* Some answers; true: there are more. */
static bool look_at(struct load *load, uint32_t queue)
{
    struct ring *ring = &load->rings[queue];

    for (uint32_t i = 0; i < AT_ONCE; i++) {
        uint32_t written;
        int32_t slot = ring_answer(ring, &written);

        if (slot >= 0) {
            finish(load, queue, (uint32_t)slot, written);
        } else if (slot == -2) {
            tell_wrong(load, "queue, answer to nothing", queue, written);
            ring->seen++;
        } else if (ring_wait(ring)) {
            return false;
        }
    }
    return true;
}

static void look(struct source *source)
{
    struct load *load = (struct load *)source; /* its first member */

    for (uint32_t q = 0; load->repair == 0 && q < set.queues; q++) {
        if (look_at(load, q)) {
            source_ready(source);
        }
    }
}

/* False: the device has failed meanwhile. */
static bool set_up(struct load *load)
{
    uint32_t features = F_INDIRECT | F_EVENT_IDX;

    write32(load->base + STATUS, ACKNOWLEDGE | DRIVER);
    write32(load->base + DRIVER_SELECT, 1);
    write32(load->base + DRIVER_FEATURES, F_VERSION_1);
    write32(load->base + DRIVER_SELECT, 0);
    write32(load->base + DRIVER_FEATURES, features);
    write32(load->base + STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
    for (uint32_t q = 0; q < set.queues; q++) {
        ring_start(&load->rings[q]);
    }
    return read32(load->base + STATUS) == (ACKNOWLEDGE | DRIVER | FEATURES_OK);
}

/* What was on its way may have been done or not. */
static void forget(struct load *load)
{
    for (uint32_t q = 0; q < set.queues; q++) {
        for (uint32_t i = 0; i < set.depth; i++) {
            load->busy[load->slots[q][i].block] = false;
        }
    }
    load->sweep = 0;
}

static void reset(struct load *load)
{
    log_line("RING resets disk %u", load->number);
    load->resets++;
    forget(load);
    do {
        write32(load->base + STATUS, 0);
    } while (read32(load->base + STATUS) != 0 || !set_up(load));
    DEVICE_BARRIER();
    write32(load->base + STATUS, ALL_OK);
    log_line("RING has reset disk %u", load->number);
    begin_all(load);
}

/* One after the other while the rest is at work; each loses what was on its way in it. */
static void reset_queues(struct load *load)
{
    log_line("RING resets queues of disk %u", load->number);
    for (uint32_t q = 0; q < set.queues; q++) {
        struct ring *ring = &load->rings[q];

        write32(load->base + QUEUE_SELECT, q);
        write32(load->base + QUEUE_READY, 0);
        while (read32(load->base + QUEUE_READY) != 0) {
        }
        for (uint32_t i = 0; i < set.depth; i++) {
            load->busy[load->slots[q][i].block] = false;
        }
        load->sweep = 0;
        ring_start(ring);
        for (uint32_t i = 0; i < set.depth; i++) {
            begin(load, q, i);
        }
    }
    load->resets++;
    log_line("RING has reset queues of disk %u", load->number);
}

static _Noreturn void psci(uint32_t function)
{
    register uint64_t x0 __asm__("x0") = function;

    __asm__ volatile("hvc #0" : "+r"(x0) : : "memory", "x1", "x2", "x3");
    for (;;) {
    }
}

static void act(struct load *load)
{
    switch (set.action) {
    case RESET_DEVICE:
        reset(load);
        break;
    case RESET_QUEUES:
        reset_queues(load);
        break;
    case RESTART:
        log_line("RING restarts");
        psci(0x84000009);
    case POWER_OFF:
        log_line("RING powers off");
        psci(0x84000008);
    case CRASH:
        log_line("RING crashes");
        shutdown_crash();
    default:
        break;
    }
}

static void interrupt(void *context)
{
    struct load *load = context;
    uint32_t causes = virtio_acknowledge(load->base);

    if (causes / 2 % 2 != 0 && (read32(load->base + STATUS) & NEEDS_RESET) != 0 && load->repair == 0) {
        if (set.needs == 0) {
            tell_wrong(load, "needs a reset", 0, 0);
        }
        log_line("RING disk %u needs a reset", load->number);
        load->repair = ticks_now() + SETTLE_MS * ticks_per_ms();
    }
    source_ready(&load->source);
}

static void watch(struct load *load, uint64_t now)
{
    uint64_t stalled = (now - load->answered) / ticks_per_ms();

    if (load->repair != 0) {
        if (set.needs != 0 && now >= load->repair) {
            load->repair = 0;
            reset(load);
        }
        return;
    }
    for (uint32_t q = 0; q < set.queues; q++) {
        for (uint32_t i = 0; i < set.depth; i++) {
            struct slot *slot = &load->slots[q][i];

            if ((load->rings[q].on_its_way >> i & 1) != 0 && !slot->late &&
                now - slot->began > set.age * ticks_per_ms()) {
                tell_wrong(load, "queue, slot without an answer", q, i);
                slot->late = true;
            }
        }
    }
    if (set.every != 0 && load->answers >= load->next_reset) {
        load->next_reset = load->answers + 1 + dice(2 * set.every);
        reset(load);
    } else if (stalled >= set.stall && !load->acted) {
        load->acted = true;
        stalls++;
        if (set.at == 0 || stalls == set.at) {
            act(load);
        }
    }
}

static void report(struct load *load)
{
    uint64_t answers = 0, overtook = 0, late = 0;

    for (uint32_t q = 0; q < set.queues; q++) {
        answers += load->rings[q].answers;
        overtook += load->rings[q].overtook;
        for (uint32_t i = 0; i < set.depth; i++) {
            late += (load->rings[q].on_its_way >> i & 1) != 0 && load->slots[q][i].late;
        }
    }
    log_begin("RING now");
    log_add(" disk %u answers %u overtook %u bytes %u", load->number, answers, overtook,
            (load->reads + load->writes) * BLOCK);
    log_add(" resets %u pause %u late %u", load->resets, load->paused, late);
    log_end();
    load->paused = 0;
}

static void on_tick(struct source *source)
{
    uint64_t now = ticks_now();

    (void)source;
    for (uint32_t i = 0; i < nr_loads; i++) {
        watch(&loads[i], now);
    }
    if (set.report != 0 && now - reported > set.report * ticks_per_ms()) {
        reported = now;
        for (uint32_t i = 0; i < nr_loads; i++) {
            report(&loads[i]);
        }
    }
    alarm_set(&tick, ticks_now() + TICK_MS * ticks_per_ms());
}

/* Memory that survives this domain if there is some, so that the next life knows what was acknowledged. */
static struct table_page *find_table(uint32_t number)
{
    tree_node node = number == 0 ? tree_find(TREE_NONE, "xen,shared-memory-v1") : TREE_NONE;
    struct table_page *table;

    if (node == TREE_NONE) {
        table = arena_alloc((size_t)table_pages(set.blocks) * BLOCK, BLOCK, "the table");
    } else {
        table = (struct table_page *)(uintptr_t)tree_number(node, "reg", 0, 2, 0);
        memory_map((uintptr_t)table, (uint64_t)table_pages(set.blocks) * BLOCK, MEMORY_NORMAL);
    }
    if (!table_is_there(table)) {
        table_make(table, set.blocks, number == 0 && tree_argument("table", 1) != 0);
    }
    return table;
}

static bool create(struct load *load, uint32_t number)
{
    tree_node node;

    load->base = virtio_find(VIRTIO_BLOCK, number, &node);
    if (load->base == 0) {
        return false;
    }
    load->source.run = look;
    load->number = number;
    load->table = find_table(number);
    load->known = arena_alloc(set.blocks * sizeof *load->known, 8, "versions");
    load->busy = arena_alloc(set.blocks * sizeof *load->busy, 8, "versions");
    for (uint32_t block = 0; block < set.blocks; block++) {
        load->known[block] = entry_of(load, block)->started == 0 ? 0 : UNKNOWN;
    }
    for (uint32_t q = 0; q < set.queues; q++) {
        ring_create(&load->rings[q], load->base, q);
        for (uint32_t i = 0; i < set.depth; i++) {
            load->slots[q][i].data = arena_alloc(BLOCK, BLOCK, "buffers");
        }
    }
    load->next_reset = set.every;
    (void)set_up(load);
    virtio_start(load->base, node, interrupt, load);
    return true;
}

static void start(struct source *source)
{
    (void)source;
    for (uint32_t i = 0; i < nr_loads; i++) {
        begin_all(&loads[i]);
    }
    alarm_set(&tick, ticks_now() + TICK_MS * ticks_per_ms());
}

static void read_arguments(void)
{
    set.queues = tree_argument("queues", MAX_QUEUES);
    set.depth = tree_argument("depth", 6);
    set.blocks = tree_argument("blocks", 512);
    set.stall = tree_argument("stall", 40);
    set.action = tree_argument("action", NOTHING);
    set.at = tree_argument("at", 0);
    set.every = tree_argument("every", 0);
    set.age = tree_argument("age", 20000);
    set.needs = tree_argument("needs", 0);
    set.overlap = tree_argument("overlap", 0);
    set.report = tree_argument("report", 250);
    set.gap = tree_argument("gap", 0);
    if (set.queues > MAX_QUEUES || set.depth > RING_SLOTS || set.blocks <= 2 * set.queues * set.depth) {
        crash("an argument out of range", "");
    }
}

void domain_start(void)
{
    static struct source first;
    uint32_t disks = tree_argument("disks", 1);

    dice_state = tree_argument("seed", 1);
    read_arguments();
    while (nr_loads < disks && nr_loads < MAX_DISKS && create(&loads[nr_loads], nr_loads)) {
        nr_loads++;
    }
    if (nr_loads == 0) {
        crash("there is no disk", "");
    }
    tick.source.run = on_tick;
    first.run = start;
    source_ready(&first);
}
