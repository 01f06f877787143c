#ifndef EMEND_CSHA256_H
#define EMEND_CSHA256_H

#include <stddef.h>
#include <stdint.h>

/// Whether this processor has instructions for SHA-256; without them `csha256_compress` must not be
/// called.
int csha256_is_available(void);

/// Takes blocks of 64 bytes into the eight words of a state (FIPS 180-4, §6.2.2).
void csha256_compress(uint32_t *state, const uint8_t *blocks, size_t count);

#endif
