#ifndef EMEND_LINUX_H
#define EMEND_LINUX_H

// What Swift cannot call by itself. The bodies are in linux.c and not here: they need _GNU_SOURCE,
// under which glibc lays structures out with other names than in Swift's own module of it.

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// Asks the kernel to kill this process when its parent dies. A function because prctl is variadic,
/// which Swift does not import.
int emend_linux_die_with_parent(void);

/// Whether this process ignores the signal, as `nohup` makes it ignore SIGHUP. SIG_IGN is a macro.
int emend_linux_is_ignored(int number);

/// The environment to hand on. A function because Swift forbids the global variable.
char *const *emend_linux_environment(void);

/// Processors that this process may run on, or 0 if the kernel does not say. CPU_COUNT is a macro.
int emend_linux_affinity_count(void);

/// Lets malloc keep what is freed, up to 1 GiB, in one arena for all threads; blocks from 32 MiB on
/// (glibc's largest threshold) are mapped and unmapped as before. Without effect where there is no glibc.
void emend_linux_keep_freed_memory(void);

/// The process at the other end of a Unix-domain connection, as the kernel noted it when that process
/// connected or began to listen: its id as this process would name it, or 0 where it has no name for
/// it, and its user. -1 where the descriptor is no socket. A function because Swift imports no struct
/// ucred.
int emend_linux_peer(int descriptor, pid_t *process, uid_t *user);

/// Copies another process's memory: how many bytes came, or -1. A function because it is declared
/// only with _GNU_SOURCE.
ssize_t emend_linux_read_memory(pid_t process, uint64_t address, void *target, size_t byteCount);

#endif
