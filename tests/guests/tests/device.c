// SPDX-License-Identifier: Apache-2.0
/* Passed-through devices: what another domain sees of them, and what a restart leaves of a transfer that was
 * under way. The addresses are those of QEMU's virt board. Virtual I/O Device specification 1.2,
 * sections 2.7, 4.2 and 5.2. */
#include "gic.h"
#include "guest.h"

enum {
    RTC = 0x09010000,
    RTC_DR = 0x0,
    RTC_MR = 0x4,
    RTC_IMSC = 0x10,
    RTC_RIS = 0x14,
    GPIO = 0x09030000,
    GPIO_DIR = 0x400,
    GPIO_IS = 0x404,
    GPIO_IEV = 0x40c,
    GPIO_IE = 0x410,
    DISK = 0x0a003e00,
    MAGIC = 0x0,
    DRIVER_FEATURES = 0x20,
    DRIVER_FEATURES_SEL = 0x24,
    QUEUE_SEL = 0x30,
    QUEUE_NUM_MAX = 0x34,
    QUEUE_NUM = 0x38,
    QUEUE_READY = 0x44,
    QUEUE_NOTIFY = 0x50,
    INTERRUPT_STATUS = 0x60,
    INTERRUPT_ACK = 0x64,
    STATUS = 0x70,
    QUEUE_DESC = 0x80,
    QUEUE_DRIVER = 0x90,
    QUEUE_DEVICE = 0xa0,
    STATUS_FEATURES_OK = 11,
    STATUS_DRIVER_OK = 15,
    DESC_NEXT = 1,
    DESC_WRITE = 2,
    RTC_IRQ = 34,
    GPIO_IRQ = 39,
    DISK_IRQ = 79
};
#define VIRTIO_MAGIC 0x74726976u
#define REQUESTS     8u
#define QUEUE_SIZE   32u
#define BLOCK        4096u
#define POISON       0xa4 /* even: avail.flags must not forbid the interrupt of an old answer */
#define ON_DISK      0xd5 /* what the harness filled the disk with */

static uint32_t disk_read(uint32_t offset)
{
    return read32(DISK + offset);
}
static void disk_write(uint32_t offset, uint32_t value)
{
    write32(DISK + offset, value);
}

/* All that the device reads and writes, in one piece, so that a late transfer shows wherever it lands. */
static struct {
    struct {
        uint64_t address;
        uint32_t length;
        uint16_t flags, next;
    } desc[QUEUE_SIZE];
    struct {
        uint16_t flags, index, ring[QUEUE_SIZE], event;
    } avail;
    struct {
        uint32_t type, reserved;
        uint64_t sector;
    } header[REQUESTS];
    struct {
        uint16_t flags, index;
        struct {
            uint32_t id, length;
        } ring[QUEUE_SIZE];
    } used __attribute__((aligned(64)));
    uint8_t status[REQUESTS];
    uint8_t data[REQUESTS][BLOCK] __attribute__((aligned(4096)));
} dma __attribute__((aligned(4096)));

static uint32_t spoilt(void)
{
    const uint64_t *word = (const uint64_t *)&dma;
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof(dma) / 8; i++) {
        count += read64((uint64_t)&word[i]) != POISON * 0x0101010101010101ull;
    }
    return count;
}

/* A device that was not reset holds its line: once is enough to know. */
static void on_irq(uint32_t intid)
{
    if (intid >= 32) {
        gic_disable(intid);
    }
}

/* Nothing of the last incarnation's transfers may land, and none of its interrupts arrive. */
static void watch(uint64_t us)
{
    static const uint32_t irqs[] = {RTC_IRQ, GPIO_IRQ, DISK_IRQ};
    memset(&dma, POISON, sizeof(dma));
    irq_body = on_irq;
    for (uint32_t i = 0; i < ARRAY_SIZE(irqs); i++) {
        gic_trigger(irqs[i], irqs[i] == DISK_IRQ);
        gic_target(irqs[i], 0);
        gic_enable(irqs[i]);
    }
    irq_on();
    delay_us(us);
    irq_off();
    uint32_t late = spoilt();
    EXPECT(late == 0, "%u words written by DMA of an earlier incarnation", late);
    for (uint32_t i = 0; i < ARRAY_SIZE(irqs); i++) {
        EXPECT(this_cpu()->seen[irqs[i]] == 0, "interrupt %u from an earlier incarnation", irqs[i]);
        gic_disable(irqs[i]);
    }
}

static void set_queue_address(uint32_t offset, const volatile void *address)
{
    disk_write(offset, (uint32_t)(uint64_t)address);
    disk_write(offset + 4, (uint32_t)((uint64_t)address >> 32));
}

static bool disk_start(void)
{
    disk_write(STATUS, 0);
    disk_write(STATUS, 3);
    disk_write(DRIVER_FEATURES_SEL, 0);
    disk_write(DRIVER_FEATURES, 0);
    disk_write(DRIVER_FEATURES_SEL, 1);
    disk_write(DRIVER_FEATURES, 1); /* VIRTIO_F_VERSION_1 */
    disk_write(STATUS, STATUS_FEATURES_OK);
    disk_write(QUEUE_SEL, 0);
    if (disk_read(STATUS) != STATUS_FEATURES_OK || disk_read(QUEUE_NUM_MAX) < QUEUE_SIZE) {
        return false;
    }
    disk_write(QUEUE_NUM, QUEUE_SIZE);
    set_queue_address(QUEUE_DESC, dma.desc);
    set_queue_address(QUEUE_DRIVER, &dma.avail);
    set_queue_address(QUEUE_DEVICE, &dma.used);
    disk_write(QUEUE_READY, 1);
    disk_write(STATUS, STATUS_DRIVER_OK);
    return true;
}

static void describe(uint32_t i, const volatile void *address, uint32_t length, uint16_t flags)
{
    dma.desc[i].address = (uint64_t)address;
    dma.desc[i].length = length;
    dma.desc[i].flags = flags;
    dma.desc[i].next = (uint16_t)(i + 1);
}

static void read_blocks(void)
{
    for (uint32_t i = 0; i < REQUESTS; i++) {
        dma.header[i].sector = 2 * i * (BLOCK / 512); /* apart, or QEMU makes one read of them */
        describe(3 * i, &dma.header[i], sizeof(dma.header[i]), DESC_NEXT);
        describe(3 * i + 1, dma.data[i], BLOCK, DESC_NEXT | DESC_WRITE);
        describe(3 * i + 2, &dma.status[i], 1, DESC_WRITE);
        dma.avail.ring[i] = (uint16_t)(3 * i);
    }
    dsb();
    dma.avail.index = REQUESTS;
    dsb();
    disk_write(QUEUE_NOTIFY, 0);
}

static uint32_t completed(void)
{
    return read16((uint64_t)&dma.used.index);
}

/* What has been answered must be right: the transfers are real. */
static void check_answers(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t request = dma.used.ring[i].id / 3 % REQUESTS;
        EXPECT(dma.status[request] == 0, "request %u: status %u", request, dma.status[request]);
        for (uint32_t k = 0; k < BLOCK && !test_failed(); k++) {
            EXPECT(dma.data[request][k] == ON_DISK, "request %u: byte %u is 0x%x", request, k,
                   dma.data[request][k]);
        }
    }
}

/* An alarm that is due, and a level on an unconnected input: both interrupts are pending from now on. */
static void leave_traces(void)
{
    write32(RTC + RTC_IMSC, 1);
    write32(RTC + RTC_MR, read32(RTC + RTC_DR));
    write32(GPIO + GPIO_DIR, 0x06);
    write32(GPIO + GPIO_IS, 0x01);
    write32(GPIO + GPIO_IE, 0x01);
}

/* One incarnation: finds its devices reset, sees nothing of the last one, and leaves reads outstanding. The
 * harness counts the LIFE lines. */
TEST(device_restart)
{
    CHECK(disk_read(MAGIC) == VIRTIO_MAGIC, "no virtio device at 0x%x", DISK);
    EXPECT_EQ(disk_read(STATUS), 0, "virtio Status at start");
    EXPECT_EQ(read32(RTC + RTC_IMSC), 0, "PL031 IMSC at start");
    EXPECT_EQ(read32(GPIO + GPIO_IE), 0, "PL061 IE at start");
    EXPECT_EQ(read32(GPIO + GPIO_DIR), 0, "PL061 DIR at start");
    watch(arg_number("watch", 120000));
    if (test_failed()) {
        return;
    }
    uint32_t done = REQUESTS, tries = 0;
    while (done == REQUESTS && tries++ < 5) { /* a busy host may look too late */
        memset(&dma, 0, sizeof(dma));
        CHECK(disk_start(), "no disk, Status 0x%x", disk_read(STATUS));
        read_blocks();
        CHECK(wait_for((volatile uint32_t *)&dma.used, 1u << 16, 5000000), "no read was ever answered");
        done = completed();
    }
    CHECK(done < REQUESTS, "all reads are always answered at once: nothing throttles the disk");
    check_answers(done);
    disk_write(INTERRUPT_ACK, disk_read(INTERRUPT_STATUS)); /* the next answer is an edge */
    leave_traces();
    EXPECT(read32(RTC + RTC_RIS) == 1, "the alarm does not fire");
    done = completed();
    if (!test_failed() && done < REQUESTS) {
        print("LIFE outstanding %u\n", REQUESTS - done);
        system_reset();
    }
    EXPECT(done < REQUESTS, "no read is outstanding any more");
}

/* Another domain's devices are not there. */
TEST(device_absent)
{
    static const uint64_t at[] = {RTC, RTC + 0xfe0, GPIO, GPIO + 0xfe0, DISK, DISK - 0xe00};
    uint32_t blocked = 0;
    for (uint32_t i = 0; i < ARRAY_SIZE(at); i++) {
        struct fault fault;
        uint64_t value = 0;
        EXPECT(!try_read(mmu_window(at[i], MMU_DEVICE), 4, &value, &fault), "0x%lx reads 0x%lx", at[i],
               value);
        blocked += ESR_EC(fault.esr) == EC_DATA_ABORT;
        EXPECT(!try_write(mmu_window(at[i], MMU_DEVICE), 4, 0, &fault), "0x%lx can be written", at[i]);
        blocked += ESR_EC(fault.esr) == EC_DATA_ABORT;
    }
    test_figure("aborts", blocked);
}

/* The control of device_absent: in the owner the same addresses answer. */
TEST(device_present)
{
    uint64_t rtc = 0, gpio = 0, disk = 0;
    EXPECT(try_read(mmu_window(RTC + 0xfe0, MMU_DEVICE), 4, &rtc, NULL) && rtc == 0x31, "PL031 id 0x%lx",
           rtc);
    EXPECT(try_read(mmu_window(GPIO + 0xfe0, MMU_DEVICE), 4, &gpio, NULL) && gpio == 0x61, "PL061 id 0x%lx",
           gpio);
    EXPECT(try_read(mmu_window(DISK, MMU_DEVICE), 4, &disk, NULL) && disk == VIRTIO_MAGIC, "virtio id 0x%lx",
           disk);
}
