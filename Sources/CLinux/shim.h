#ifndef EMEND_CLINUX_SHIM_H
#define EMEND_CLINUX_SHIM_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/// Asks the kernel to kill this process when its parent dies. A function because prctl is variadic,
/// which Swift does not import.
static inline int emend_linux_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL); }

/// Whether this process ignores the signal, as `nohup` makes it ignore SIGHUP. SIG_IGN is a macro.
static inline int emend_linux_is_ignored(int number) {
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

/// The environment to hand on. A function because Swift forbids the global variable.
static inline char *const *emend_linux_environment(void) { return environ; }

/// Processors that this process may run on, or 0 if the kernel does not say. CPU_COUNT is a macro.
static inline int emend_linux_affinity_count(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

/// Lets malloc keep what is freed, up to 1 GiB, in one arena for all threads; blocks from 32 MiB on
/// (glibc's largest threshold) are mapped and unmapped as before. Without effect where there is no glibc.
static inline void emend_linux_keep_freed_memory(void) {
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

/// The process at the other end of a Unix-domain connection, as the kernel noted it when that process
/// connected or began to listen: its id as this process would name it, or 0 where it has no name for
/// it, and its user. -1 where the descriptor is no socket. A function because Swift imports no struct
/// ucred.
static inline int emend_linux_peer(int descriptor, pid_t *process, uid_t *user) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
    *process = peer.pid;
    *user = peer.uid;
    return 0;
}

/// Copies another process's memory: how many bytes came, or -1. A function because it is declared
/// only with _GNU_SOURCE.
static inline ssize_t emend_linux_read_memory(pid_t process, uint64_t address, void *target,
                                              size_t byteCount) {
    struct iovec here = {target, byteCount};
    struct iovec there = {(void *)(uintptr_t)address, byteCount};
    return process_vm_readv(process, &here, 1, &there, 1, 0);
}

#endif
