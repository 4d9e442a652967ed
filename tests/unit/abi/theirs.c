/* SPDX-License-Identifier: Apache-2.0 */
#include "entry.h"

#include <xen/xen.h>
#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/hvm/dm_op.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/ioreq.h>
#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define FEATURE(name) (1u << XENFEAT_##name)

#define SIZE(ours, theirs)           {"sizeof " #ours, sizeof(theirs)},
#define FIELD(ours, of, theirs, tof) {#ours "." #of, offsetof(theirs, tof)},
#define VALUE(ours, theirs)          {#theirs, (int64_t)(theirs)},
#define SAME(name)                   {#name, (int64_t)(name)},

ABI_TABLE = {
#include "layout.h"
};
