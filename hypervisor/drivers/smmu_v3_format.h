/* SPDX-License-Identifier: Apache-2.0 */
/* Registers and structures of an SMMUv3 (IHI 0070): what smmu_v3.c and its tests share. */
#ifndef DRIVERS_SMMU_V3_FORMAT_H
#define DRIVERS_SMMU_V3_FORMAT_H

#include "base/bits.h"
#include "base/types.h"

/* Page 0 (6.3). EVENTQ_PROD and EVENTQ_CONS lie in page 1. */
enum {
    SMMU_IDR0 = 0x0,
    SMMU_IDR1 = 0x4,
    SMMU_IDR5 = 0x14,
    SMMU_CR0 = 0x20,
    SMMU_CR0ACK = 0x24,
    SMMU_CR1 = 0x28,
    SMMU_CR2 = 0x2c,
    SMMU_GBPA = 0x44,
    SMMU_IRQ_CTRL = 0x50,
    SMMU_IRQ_CTRLACK = 0x54,
    SMMU_GERROR = 0x60,
    SMMU_GERRORN = 0x64,
    SMMU_STRTAB_BASE = 0x80,
    SMMU_STRTAB_BASE_CFG = 0x88,
    SMMU_CMDQ_BASE = 0x90,
    SMMU_CMDQ_PROD = 0x98,
    SMMU_CMDQ_CONS = 0x9c,
    SMMU_EVENTQ_BASE = 0xa0,
    SMMU_EVENTQ_PROD = 0xa8,
    SMMU_EVENTQ_CONS = 0xac,
};
#define SMMU_PAGE1 0x10000u

#define IDR0_S2P         BIT(0)
#define IDR0_AARCH64     BIT(3) /* TTF */
#define IDR0_COHACC      BIT(4)
#define IDR0_TWO_LEVEL   BIT(27)             /* ST_LEVEL, its low bit */
#define IDR1_PRESET      (BIT(30) | BIT(29)) /* tables or queues at fixed places */
#define IDR1_CMDQS(idr)  ((unsigned)FIELD(idr, 25, 21))
#define IDR1_EVENTQS(id) ((unsigned)FIELD(id, 20, 16))
#define IDR1_SIDSIZE(id) ((unsigned)FIELD(id, 5, 0))
#define IDR5_GRAN4K      BIT(4)

#define CR0_SMMUEN   1u
#define CR0_EVENTQEN 4u
#define CR0_CMDQEN   8u
#define CR0_ATSCHK   16u
#define CR1_NORMAL   0xd75u /* tables and queues: inner shareable, write-back */
#define CR2_PTM      4u     /* broadcast TLB maintenance of the pCPUs is not taken part in */
#define GBPA_UPDATE  BIT(31)
#define GBPA_ABORT   BIT(20)
#define IRQ_EVENTQ   4u
#define GERROR_CMDQ  1u
#define BASE_RA      BIT(62) /* read-allocate; in the event queue's: write-allocate */
#define TWO_LEVEL    (1u << 16)
#define CONS_ERROR   MASK(30, 24)
#define OVERFLOW     BIT(31)
#define POSITION     0xfffffu

/* A stream table of two levels: a block is one page of stream table entries (STE). */
#define SMMU_SPLIT          6u
#define SMMU_BLOCK          64u
#define SMMU_STE_WORDS      8u
#define SMMU_CMDQ_LOG2      8u /* one page of commands of two words */
#define SMMU_EVENTQ_LOG2    7u /* one page of events of four words */
#define SMMU_EVENT_WORDS    4u
#define SMMU_DESCRIPTOR(pa) ((pa) | (SMMU_SPLIT + 1u))

/* STE (5.2). Without V the entry would be reported for each transaction. */
#define STE_ABORT     UINT64_C(0x1)
#define STE_STAGE2    UINT64_C(0xd)
#define STE1_INCOMING (UINT64_C(1) << 44) /* shareability as the device says; no ATS */
#define STE2_FIXED                                                        \
    (BIT(51) /* AArch64 tables */ | BIT(53) /* no access flag faults */ | \
     BIT(54) /* no Device for walks */ | BIT(58) /* faults are recorded; never stalled */)

/* Word 2, from VTCR_EL2 of the same tables: T0SZ, SL0, IRGN0, ORGN0, SH0, TG0 lie in the same order; PS is
 * the SMMU's. */
static inline uint64_t ste_word2(uint64_t vtcr, unsigned vmid, unsigned oas)
{
    return STE2_FIXED | (uint64_t)oas << 48 | FIELD(vtcr, 15, 0) << 32 | vmid;
}

/* Commands (4). */
#define CMD_CFGI_ALL       UINT64_C(0x04)
#define CMD_CFGI_ALL_RANGE UINT64_C(31)
#define CMD_TLBI_S12_VMALL UINT64_C(0x28)
#define CMD_TLBI_S2_IPA    UINT64_C(0x2a)
#define CMD_TLBI_NSNH_ALL  UINT64_C(0x30)
#define CMD_SYNC           UINT64_C(0x46)
#define CMD_VMID(vmid)     ((uint64_t)(vmid) << 32)
#define CMD_TLBI_LEAF      UINT64_C(1) /* word 1, beside the address: entries of the last level */

/* Events (7.3). */
#define EVENT_ID(e)      ((unsigned)FIELD((e)[0], 7, 0))
#define EVENT_STREAM(e)  ((uint32_t)FIELD((e)[0], 63, 32))
#define EVENT_READ(e)    (FIELD((e)[1], 35, 35) != 0)
#define EVENT_ADDRESS(e) ((e)[2])
enum {
    EVENT_STREAM_UNKNOWN = 0x02,
    EVENT_TRANSLATION = 0x10,
    EVENT_ADDRESS_SIZE = 0x11,
    EVENT_ACCESS = 0x12,
    EVENT_PERMISSION = 0x13,
};

#endif
