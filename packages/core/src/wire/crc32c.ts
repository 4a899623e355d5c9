/** The CRC-32C of octets (Castagnoli, RFC 9260 appendix A), as an unsigned number of 32 bits. */
export function crc32c(octets: Uint8Array): number {
  let remainder = 0xffffffff;
  for (const octet of octets) {
    remainder = table[(remainder ^ octet) & 0xff] ^ (remainder >>> 8);
  }
  return (remainder ^ 0xffffffff) >>> 0;
}

/** The remainder of each octet, with the polynomial in reversed order of bits. */
const table = Uint32Array.from({ length: 256 }, (_, octet) => {
  let remainder = octet;
  for (let bit = 0; bit < 8; bit++) remainder = (remainder >>> 1) ^ (remainder & 1 ? 0x82f63b78 : 0);
  return remainder;
});
