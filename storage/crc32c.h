/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CRC-32C (Castagnoli), as in RFC 3720 appendix B.4; by the processor's own
 * instruction where there is one.  Pure, any thread.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Goes on from crc (0 at the start) over len bytes. */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

/* The same without the instruction; for the tests. */
uint32_t crc32c_portable(uint32_t crc, const void *data, size_t len);
