/* SPDX-License-Identifier: Apache-2.0 */
/* The one status type of the hypervisor. OK is 0; everything else is a refusal without side effect. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

enum status {
    OK = 0,
    ERR_INVALID, /* an argument or a description is malformed */
    ERR_RANGE,   /* out of the range that exists */
    ERR_NOMEM,   /* a pool or an array is exhausted */
    ERR_EXIST,   /* already there */
    ERR_NOENT,   /* not there */
    ERR_PERM,    /* not allowed to this caller */
    ERR_BUSY,    /* try again later */
    ERR_FAULT,   /* a guest's pointer does not lead to memory that it may access so */
};

#define MUST_CHECK __attribute__((warn_unused_result))

#endif
