#define _GNU_SOURCE
#include "linux.h"

#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int emend_linux_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL); }

int emend_linux_is_ignored(int number) {
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

char *const *emend_linux_environment(void) { return environ; }

int emend_linux_affinity_count(void) {
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
}

void emend_linux_keep_freed_memory(void) {
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
#endif
}

int emend_linux_peer(int descriptor, pid_t *process, uid_t *user) {
    struct ucred peer;
    socklen_t size = sizeof peer;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return -1;
    *process = peer.pid;
    *user = peer.uid;
    return 0;
}

ssize_t emend_linux_read_memory(pid_t process, uint64_t address, void *target, size_t byteCount) {
    struct iovec here = {target, byteCount};
    struct iovec there = {(void *)(uintptr_t)address, byteCount};
    return process_vm_readv(process, &here, 1, &there, 1, 0);
}
