import { formatProxyHeader, type ProxyHeader } from "@sansmtp/core";
import { type ProxyFault, ProxyReader, signature } from "../../../packages/core/src/wire/proxy.ts";
import { hold, same } from "../finding.ts";
import { Choices, cut, joined, latin1, octets } from "../input.ts";
import type { Target } from "../target.ts";

const binary = (command: number, family: number, ...rest: number[]): Uint8Array =>
  Uint8Array.from([...signature, command, family, rest.length >> 8, rest.length & 255, ...rest]);

const four = [192, 0, 2, 1, 192, 0, 2, 2, 0, 1, 0, 25];
const six = [...new Array(32).fill(1), 0, 1, 0, 25];
const headers = [
  octets("PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n"),
  octets("PROXY TCP6 2001:db8::1 ::1 65535 25\r\n"),
  octets("PROXY UNKNOWN\r\n"),
  octets("PROXY UNKNOWN x y\r\n"),
  binary(0x20, 0),
  binary(0x21, 0x11, ...four),
  binary(0x21, 0x21, ...six),
  binary(0x21, 0x31, ...new Array(216).fill(65)),
  binary(0x21, 0x11, ...four, 1, 0, 2, 0x68, 0x32, 2, 0, 3, 97, 46, 98),
  binary(0x21, 0x11, ...four, 0x20, 0, 13, 1, 0, 0, 0, 0, 0x21, 0, 5, 84, 76, 83, 118, 49),
  binary(0x21, 0x11, ...four, 3, 0, 4, 0, 0, 0, 0),
  binary(0x21, 0x11, ...four, 4, 0, 3, 0, 0, 0, 5, 0, 2, 1, 2),
];

/** The PROXY header, versions 1 and 2, in any pieces. */
export const proxy: Target = {
  name: "proxy",
  seeds: () => headers.map((header) => joined([Uint8Array.of(7), header, octets("EHLO x\r\n")])),
  words: [
    ...headers,
    signature as Uint8Array,
    octets("PROXY "),
    octets("TCP4"),
    octets(" 0"),
    Uint8Array.of(0x20, 0, 5),
  ],
  head: 1,
  grown: 8192,
  check(input) {
    const choices = new Choices(input);
    const seed = choices.octet();
    const data = choices.rest();
    const whole = read(cut(data, 0));
    for (const how of [1, 2 + seed]) {
      const again = read(cut(data, how));
      same(
        JSON.stringify(again.header),
        JSON.stringify(whole.header),
        "G2 the header is read differently by pieces",
      );
      same(String(again.taken), String(whole.taken), "G2 other octets are taken by pieces");
    }
    const { header, taken } = whole;
    if (header === null) return;
    if ("rule" in header) {
      hold(header.at >= 0 && header.at <= taken, "a fault is outside of what was taken", () =>
        JSON.stringify(header),
      );
      return;
    }
    hold(taken <= 16 + 65_535 && (header.version === 2 || taken <= 107), "G6 a header that is too long");
    same(
      JSON.stringify(JSON.parse(JSON.stringify(header))),
      JSON.stringify(header),
      "a header is not plain data",
    );
    print(header, data.slice(0, taken));
  },
  plain(input) {
    const choices = new Choices(input);
    const seed = choices.octet();
    read(cut(choices.rest(), seed % 3));
  },
};

function read(pieces: readonly Uint8Array[]): { header: ProxyHeader | ProxyFault | null; taken: number } {
  let reader = new ProxyReader();
  let taken = 0;
  for (const [at, piece] of pieces.entries()) {
    const header = reader.read(piece);
    taken += reader.taken;
    if (header !== null) {
      same(JSON.stringify(reader.read(piece)), JSON.stringify(header), "another header when asked again");
      return { header, taken };
    }
    hold(reader.taken === piece.length, "octets are left, and there is no header");
    if (at === 3) {
      const again = new ProxyReader();
      again.read(reader.held());
      reader = again;
    }
  }
  return { header: null, taken };
}

/** A header that was read is written, and read as the same. */
function print(header: ProxyHeader, said: Uint8Array): void {
  const { version, source, destination, tlvs } = header;
  if (source === null && (tlvs.length > 0 || header.command === "PROXY")) return;
  // The checksum is of the octets as they were.
  const written = formatProxyHeader({ version, source, destination, tlvs });
  const again = new ProxyReader().read(written);
  const udp = header.family.startsWith("UDP");
  const checked = tlvs.some(({ type }) => type === 3) && latin1(written) !== latin1(said);
  if (checked) return;
  hold(again !== null && !("rule" in again), "a header that was read cannot be read again", () =>
    latin1(written),
  );
  const expected = udp ? { ...header, family: header.family.replace("UDP", "TCP") } : header;
  same(JSON.stringify(again), JSON.stringify(expected), "a header comes back as another");
}
