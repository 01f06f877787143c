// kernel-replay: what one level of the kernels computes, as hashes to compare with another's.
#ifndef EMEND_KERNEL_REPLAY_PROGRAM_H
#define EMEND_KERNEL_REPLAY_PROGRAM_H

#include <CKernels.h>

/// Ends the program with a message and an exit status of sysexits.h.
_Noreturn void fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/// Calls every entry on drawn numbers and prints a line for each: its name and the hash of all that
/// it gave. With `only`, prints a line for each call of this entry.
void exercise(const ck_table *table, const char *only);

/// Repeats a recording of CKernelRecording and prints a line for each entry that it calls: name, number
/// of calls and hash. Ends with 1 at the first call that gives other bits than the recorded one.
void replay(const ck_table *table, const char *path);

#endif
