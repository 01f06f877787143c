#ifndef EMEND_CXXHASH_SHIM_H
#define EMEND_CXXHASH_SHIM_H

#include <xxhash.h>
#ifdef __x86_64__
// Redefines the functions below by those that choose the processor's widest vectors.
#include <xxh_x86dispatch.h>
#endif

static inline XXH64_hash_t emend_xxh3(const void *bytes, size_t byteCount) {
    return XXH3_64bits(bytes, byteCount);
}

static inline XXH_errorcode emend_xxh3_update(XXH3_state_t *state, const void *bytes, size_t byteCount) {
    return XXH3_64bits_update(state, bytes, byteCount);
}

#endif
