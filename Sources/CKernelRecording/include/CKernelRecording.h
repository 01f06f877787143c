// Calls of kernels as data: what a computation asked of a table, written to a file that a program on
// any processor can repeat. For tests.
#ifndef EMEND_CKERNEL_RECORDING_H
#define EMEND_CKERNEL_RECORDING_H

#include <CKernels.h>

/// Begins to record: each call of the table given back is made by `kernels`, and written to `path`
/// with all that it reads and a hash of what it writes. NULL where the file cannot be made, and
/// errno says why. One recording at a time (checked: aborts); calls may come from several threads.
const ck_table *ck_recording_begin(const char *path, const ck_table *kernels);
/// Ends the recording and returns how many calls it holds, or −1 where they could not all be
/// written, and errno says why. The table must not be called any more.
ptrdiff_t ck_recording_end(void);

#endif
