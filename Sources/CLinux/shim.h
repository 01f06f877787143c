#ifndef EMEND_CLINUX_SHIM_H
#define EMEND_CLINUX_SHIM_H

#include <signal.h>
#include <sys/prctl.h>

/// Asks the kernel to kill this process when its parent dies. A function because prctl is variadic,
/// which Swift does not import.
static inline int emend_linux_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL); }

#endif
