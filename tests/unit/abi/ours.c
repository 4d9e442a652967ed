/* SPDX-License-Identifier: Apache-2.0 */
#include "bulkhead/ioreq.h"
#include "core/event.h"
#include "core/grant_entry.h"
#include "core/shared_info.h"
#include "entry.h"
#include "guest/xen/xen_abi_dm.h"
#include "guest/xen/xen_abi_event.h"
#include "guest/xen/xen_abi_grant.h"
#include "guest/xen/xen_abi_memory.h"
#include "guest/xen/xen_abi_sched.h"
#include "guest/xen/xen_abi_vcpu.h"
#include "guest/xen/xen_errno.h"

#define SIZE(ours, theirs)           {"sizeof " #ours, sizeof(struct ours)},
#define FIELD(ours, of, theirs, tof) {#ours "." #of, offsetof(struct ours, of)},
#define VALUE(ours, theirs)          {#theirs, (int64_t)(ours)},
#define SAME(name)                   {#name, (int64_t)(name)},

ABI_TABLE = {
#include "layout.h"
};
