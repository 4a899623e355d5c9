import {
  type DnsAnswer,
  findRoute,
  groupByTargets,
  type MxRecord,
  type Route,
  type RouteOptions,
  reply,
  senderTakesNoMail,
  type Target,
  UsageError,
} from "@sansmtp/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

/** What a name has in a DNS of a few lines: records, an alias, or a trouble. A name that is not there does not exist. */
type Zone = Readonly<
  Record<
    string,
    {
      readonly mx?: readonly (readonly [number, string])[] | "failed";
      readonly ip?: readonly string[] | "failed";
      readonly alias?: string;
    }
  >
>;

const options: RouteOptions = { own: ["relay.example", "192.0.2.250"], random: () => 0.5 };

/** Asks the zone until the route is known; and every question, in order. */
function resolve(
  zone: Zone,
  domain: string,
  others: Partial<RouteOptions> = {},
): { route: Route; asked: string[] } {
  const answers: DnsAnswer[] = [];
  const asked: string[] = [];
  for (let turn = 0; turn < 20; turn++) {
    const route = findRoute(domain, answers, { ...options, ...others });
    if (route.status !== "asking") return { route, asked };
    expect(route.questions).not.toHaveLength(0);
    for (const { type, name } of route.questions) {
      asked.push(`${type} ${name}`);
      answers.push(answer(zone, type, name));
    }
  }
  throw new Error("it asks without end");
}

function answer(zone: Zone, type: "mx" | "addresses", name: string): DnsAnswer {
  const has = zone[name];
  if (has === undefined) return { type, name, status: "nonexistent" };
  if (has.alias !== undefined) return { type, name, status: "alias", to: has.alias };
  const found = type === "mx" ? (has.mx ?? []) : (has.ip ?? []);
  if (found === "failed") return { type, name, status: "failed" };
  if (type === "addresses") return { type, name, status: "found", addresses: found as readonly string[] };
  const records = (found as readonly (readonly [number, string])[]).map(
    ([preference, exchange]): MxRecord => ({ preference, exchange }),
  );
  return { type, name, status: "found", records };
}

/** The targets in short, `host address`; or the reason and the reply why there are none. */
function way(zone: Zone, domain: string, others: Partial<RouteOptions> = {}): string[] {
  const { route } = resolve(zone, domain, others);
  if (route.status === "found") return route.targets.map(({ host, address }) => `${host} ${address}`);
  if (route.status === "none") return [`${route.reason} ${route.reply.code} ${route.reply.enhanced}`];
  throw new Error("it still asks");
}

const hosts: Zone = {
  "a.example": { ip: ["192.0.2.1"] },
  "b.example": { ip: ["192.0.2.2"] },
  "c.example": { ip: ["192.0.2.3"] },
};

describe("the vectors", () => {
  const two = {
    ...hosts,
    "d.example": {
      mx: [
        [10, "a.example"],
        [20, "b.example"],
        [10, "c.example"],
      ],
    },
  } as const;

  test("H-MX-05 equal preferences come in random order, before those that are worse", () => {
    const orders = [0, 0.99].map((number) => way(two, "d.example", { random: () => number }));
    expect(orders).toEqual([
      ["c.example 192.0.2.3", "a.example 192.0.2.1", "b.example 192.0.2.2"],
      ["a.example 192.0.2.1", "c.example 192.0.2.3", "b.example 192.0.2.2"],
    ]);
  });

  test("H-MX-06 the own name ends the list, with its preference and all that are worse", () => {
    const zone = {
      ...hosts,
      "d.example": {
        mx: [
          [10, "a.example"],
          [20, "b.example"],
          [30, "c.example"],
        ],
      },
    } as const;
    expect(way(zone, "d.example", { own: ["B.Example"] })).toEqual(["a.example 192.0.2.1"]);
    expect(way(zone, "d.example", { own: ["a.example"] })).toEqual(["loop 554 5.4.6"]);
  });

  test("H-MX-06 hosts of the own preference are left out, too", () => {
    expect(way(two, "d.example", { own: ["c.example"] })).toEqual(["loop 554 5.4.6"]);
    expect(way(two, "d.example", { own: ["b.example"] }).sort()).toEqual([
      "a.example 192.0.2.1",
      "c.example 192.0.2.3",
    ]);
  });

  test("H-MX-06 an own address counts as the own name, in whatever form it is written", () => {
    const zone = {
      "d.example": {
        mx: [
          [10, "a.example"],
          [20, "x.example"],
          [30, "c.example"],
        ],
      },
      ...hosts,
      "x.example": { ip: ["198.51.100.1", "2001:db8:0::1"] },
    } as const;
    for (const own of ["2001:DB8::1", "[IPv6:2001:db8::1]", "198.51.100.1", "::ffff:198.51.100.1"])
      expect(way(zone, "d.example", { own: [own] })).toEqual(["a.example 192.0.2.1"]);
    expect(way(zone, "d.example", { own: ["192.0.2.1"] })).toEqual(["loop 554 5.4.6"]);
    expect(way({ "d.example": { ip: ["192.0.2.250"] } }, "d.example")).toEqual(["loop 554 5.4.6"]);
    expect(way({ "relay.example": { ip: ["192.0.2.9"] } }, "relay.example")).toEqual(["loop 554 5.4.6"]);
  });

  test("H-MX-03 a domain without MX is its own exchange, at preference 0", () => {
    const zone = { "d.example": { ip: ["192.0.2.7", "2001:db8::7"] } };
    const { route, asked } = resolve(zone, "d.example");
    expect(asked).toEqual(["mx d.example", "addresses d.example"]);
    expect(route).toEqual({
      status: "found",
      targets: [
        { host: "d.example", address: "192.0.2.7", preference: 0 },
        { host: "d.example", address: "2001:db8::7", preference: 0 },
      ],
    });
    expect(way({ "d.example": {} }, "d.example")).toEqual(["no-such-domain 550 5.1.2"]);
  });

  test.each([[[[0, "."]]], [[[0, ""]]], [[[10, "."]]]] as const)(
    "H-MX-08 H-MX-10 %j is a null MX: no address is asked for, and none is used",
    (mx) => {
      const { route, asked } = resolve({ "d.example": { mx, ip: ["192.0.2.7"] } }, "d.example");
      expect(asked).toEqual(["mx d.example"]);
      expect(route).toEqual({
        status: "none",
        reason: "null-mx",
        reply: reply(556, "5.1.10", "Domain does not accept mail"),
      });
    },
  );

  test("H-MX-09 the root among other exchanges is no exchange", () => {
    const zone = {
      ...hosts,
      "d.example": {
        mx: [
          [0, "."],
          [10, "a.example"],
        ],
      },
    } as const;
    expect(way(zone, "d.example")).toEqual(["a.example 192.0.2.1"]);
    expect(
      way(
        {
          "d.example": {
            mx: [
              [0, "."],
              [10, "."],
            ],
            ip: ["192.0.2.7"],
          },
        },
        "d.example",
      ),
    ).toEqual(["no-exchange 550 5.4.4"]);
  });
});

test("H-MX-10 the reply to a sender whose domain takes no mail", () => {
  expect(senderTakesNoMail).toMatchObject({ code: 550, enhanced: "5.7.27" });
});

test("H-MX-01 MX come first, and an alias is followed as if it had been asked for", () => {
  const zone = {
    "d.example": { alias: "Other.Example." },
    "other.example": { alias: "real.example" },
    "real.example": { mx: [[10, "a.example"]] },
    ...hosts,
  } as const;
  const { route, asked } = resolve(zone, "d.example");
  expect(asked).toEqual(["mx d.example", "mx other.example", "mx real.example", "addresses a.example"]);
  expect(route).toMatchObject({ status: "found", targets: [{ address: "192.0.2.1" }] });
  const implicit = resolve(
    { "d.example": { alias: "e.example" }, "e.example": { ip: ["192.0.2.5"] } },
    "d.example",
  );
  expect(implicit.asked).toEqual(["mx d.example", "mx e.example", "addresses e.example"]);
  expect(implicit.route).toMatchObject({ targets: [{ host: "e.example", address: "192.0.2.5" }] });
});

test("H-MX-01 aliases in a circle are a trouble of the DNS", () => {
  const zone = { "d.example": { alias: "e.example" }, "e.example": { alias: "d.example" } };
  expect(way(zone, "d.example")).toEqual(["dns-failure 451 4.4.3"]);
  expect(way({ "d.example": { alias: "not a name" } }, "d.example")).toEqual(["dns-failure 451 4.4.3"]);
});

test("H-MX-02 no such name is permanent, no answer is not", () => {
  expect(way({}, "d.example")).toEqual(["no-such-domain 550 5.1.2"]);
  expect(way({ "d.example": { alias: "e.example" } }, "d.example")).toEqual(["no-such-domain 550 5.1.2"]);
  expect(way({ "d.example": { mx: "failed" } }, "d.example")).toEqual(["dns-failure 451 4.4.3"]);
  expect(way({ "d.example": { ip: "failed" } }, "d.example")).toEqual(["dns-failure 451 4.4.3"]);
  const one = { "d.example": { mx: [[10, "a.example"]] }, "a.example": { ip: "failed" } } as const;
  expect(way(one, "d.example")).toEqual(["dns-failure 451 4.4.3"]);
  const other = {
    "d.example": {
      mx: [
        [10, "a.example"],
        [20, "b.example"],
      ],
    },
    ...hosts,
  } as const;
  expect(way({ ...other, "a.example": { ip: "failed" } }, "d.example")).toEqual(["b.example 192.0.2.2"]);
});

test("H-MX-02 an exchange behind the own one that cannot be looked up is no hope", () => {
  const zone = {
    "d.example": {
      mx: [
        [10, "x.example"],
        [20, "a.example"],
      ],
    },
    "x.example": { ip: ["192.0.2.250"] },
    "a.example": { ip: "failed" },
  } as const;
  expect(way(zone, "d.example")).toEqual(["loop 554 5.4.6"]);
});

test("H-MX-04 where there are MX the addresses of the domain are not used, though no exchange has any", () => {
  const zone = { "d.example": { mx: [[10, "gone.example"]], ip: ["192.0.2.7"] } } as const;
  const { route, asked } = resolve(zone, "d.example");
  expect(asked).not.toContain("addresses d.example");
  expect(route).toMatchObject({ reason: "no-exchange", reply: { code: 550, enhanced: "5.4.4" } });
  const itself = { "d.example": { mx: [[10, "d.example"]], ip: ["192.0.2.7"] } } as const;
  expect(way(itself, "d.example")).toEqual(["d.example 192.0.2.7"]);
});

test.each([
  ["an alias", "alias.example"],
  ["an address in text", "192.0.2.77"],
  ["half an address", "host.77"],
  ["an IPv6 address in text", "2001:db8::77"],
  ["a literal", "[192.0.2.77]"],
  ["without an address", "empty.example"],
  ["not there", "gone.example"],
  ["no name", "a b"],
  ["with an address that is none", "odd.example"],
])("H-MX-12 an exchange that is %s is skipped, and the others are tried", (_, exchange) => {
  const zone = {
    ...hosts,
    "d.example": {
      mx: [
        [5, exchange],
        [10, "a.example"],
      ],
    },
    "alias.example": { alias: "b.example" },
    "empty.example": {},
    "odd.example": { ip: ["one", "192.0.2"] },
    "192.0.2.77": { ip: ["192.0.2.77"] },
    "host.77": { ip: ["192.0.2.77"] },
  } as const;
  expect(way(zone, "d.example")).toEqual(["a.example 192.0.2.1"]);
});

test.each([
  ["[192.0.2.1]", "192.0.2.1"],
  ["[IPv6:2001:DB8:0::1]", "2001:db8::1"],
])("H-MX-11 the literal %s is where to go, and nothing is asked", (literal, address) => {
  expect(resolve({}, literal)).toEqual({
    asked: [],
    route: { status: "found", targets: [{ host: null, address, preference: 0 }] },
  });
});

test("H-MX-11 a literal of an unknown tag is permanent, an own one a loop", () => {
  expect(way({}, "[x400:c=de]")).toEqual(["unknown-literal 550 5.1.2"]);
  expect(way({}, "[192.0.2.250]")).toEqual(["loop 554 5.4.6"]);
});

test("H-MX-07 L-RETRY-03 every address can be tried, up to a limit that can be set", () => {
  const zone = {
    "d.example": {
      mx: [
        [10, "a.example"],
        [20, "b.example"],
      ],
    },
    "a.example": { ip: ["192.0.2.1", "192.0.2.2"] },
    "b.example": { ip: ["192.0.2.3", "192.0.2.4"] },
  } as const;
  const every = [1, 2]
    .map((n) => `a.example 192.0.2.${n}`)
    .concat([3, 4].map((n) => `b.example 192.0.2.${n}`));
  expect(way(zone, "d.example")).toEqual(every);
  expect(way(zone, "d.example", { limit: 3 })).toEqual(every.slice(0, 3));
  expect(() => way(zone, "d.example", { limit: 0 })).toThrow(UsageError);
});

test("H-MX-07 a domain with thousands of exchanges does not make others ask as often", () => {
  const many = Array.from({ length: 3000 }, (_, at): [number, string] => [at, `h${at}.example`]);
  const { asked, route } = resolve({ "d.example": { mx: many } }, "d.example");
  expect(asked).toHaveLength(51);
  expect(route.status).toBe("none");
});

test("H-MX-15 IPv4 and IPv6 as given, or one before the other, or one alone", () => {
  const zone = { "d.example": { ip: ["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2"] } };
  const of = (family: RouteOptions["family"]): string =>
    way(zone, "d.example", { family })
      .map((text) => text.slice(-1) + (text.includes("::") ? "six" : "four"))
      .join(" ");
  expect(of(undefined)).toBe("1six 1four 2six 2four");
  expect(of("given")).toBe("1six 1four 2six 2four");
  expect(of("ipv4-first")).toBe("1four 2four 1six 2six");
  expect(of("ipv6-first")).toBe("1six 2six 1four 2four");
  expect(of("ipv4")).toBe("1four 2four");
  expect(of("ipv6")).toBe("1six 2six");
});

test("H-MX-13 a name with U-labels is looked up by its A-labels", () => {
  const zone = { "xn--bcher-kva.example": { mx: [[10, "a.example"]] }, ...hosts } as const;
  expect(resolve(zone, "Bücher.example").asked).toEqual(["mx xn--bcher-kva.example", "addresses a.example"]);
  expect(way({}, "☃.example")).toEqual(["no-such-domain 550 5.1.2"]);
});

test("H-MX-13 the mapping can be the host's", () => {
  const asked = resolve({}, "bücher.example", { toAscii: () => "Other.example" }).asked;
  expect(asked).toEqual(["mx other.example"]);
  expect(way({}, "bücher.example", { toAscii: () => null })).toEqual(["no-such-domain 550 5.1.2"]);
  expect(way({}, "bücher.example", { toAscii: () => "a b" })).toEqual(["no-such-domain 550 5.1.2"]);
});

test("what is no domain is an error of the caller", () => {
  for (const domain of ["", "a b", "a\r\nb", "[1.2.3]", ".a"])
    expect(() => findRoute(domain, [], options)).toThrow(UsageError);
});

test("H-MX-14 recipients of domains with the same targets share a transaction, the order of equals apart", () => {
  const target = (host: string, preference: number): Target => ({ host, address: "192.0.2.1", preference });
  const one = { to: "1", targets: [target("a", 10), target("b", 10), target("c", 20)] };
  const same = { to: "2", targets: [target("b", 5), target("a", 5), target("c", 7)] };
  const reversed = { to: "3", targets: [target("c", 10), target("a", 20), target("b", 20)] };
  const fewer = { to: "4", targets: [target("a", 10), target("b", 10)] };
  const groups = groupByTargets([one, reversed, same, fewer, one]);
  expect(groups.map((group) => group.map(({ to }) => to))).toEqual([["1", "2", "1"], ["3"], ["4"]]);
});

describe("whatever the DNS says", () => {
  const good = fc.constantFrom("a.example", "B.example.", "d.example");
  const odd = fc.constantFrom("relay.example", ".", "", "192.0.2.1", "a b", "gone.example");
  const name = fc.oneof({ weight: 3, arbitrary: good }, odd);
  const here = fc.constantFrom("192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2");
  const ip = fc.oneof(
    { weight: 6, arbitrary: here },
    fc.constantFrom("192.0.2.250", "::ffff:192.0.2.250", "x", ""),
  );
  const record = fc.tuple(fc.integer({ min: 0, max: 3 }), name);
  const failed = fc.constant("failed" as const);
  const entry = fc.record({
    mx: fc.oneof({ weight: 6, arbitrary: fc.array(record, { maxLength: 5 }) }, failed),
    ip: fc.oneof({ weight: 6, arbitrary: fc.uniqueArray(ip, { maxLength: 3 }) }, failed),
  });
  const rarelyAlias = fc.oneof({ weight: 6, arbitrary: entry }, fc.record({ alias: name }));
  const zones: fc.Arbitrary<Zone> = fc.record({
    "a.example": rarelyAlias,
    "b.example": rarelyAlias,
    "d.example": rarelyAlias,
    "relay.example": rarelyAlias,
  });

  test("H-MX-05 H-MX-06 the targets are a permutation that keeps to preference and to the resolver, without the own host", () => {
    let found = 0;
    fc.assert(
      fc.property(
        zones,
        fc.infiniteStream(fc.double({ min: 0, max: 0.999, noNaN: true })),
        (zone, numbers) => {
          const random = (): number => numbers.next().value as number;
          const { route } = resolve(zone, "d.example", { random });
          if (route.status !== "found") {
            expect(route).toMatchObject({ status: "none", reply: { enhanced: expect.any(String) } });
            return;
          }
          found++;
          const { targets } = route;
          expect(targets.map(({ preference }) => preference)).toEqual(
            targets.map(({ preference }) => preference).sort((one, other) => one - other),
          );
          for (const { host, address } of targets) {
            expect(host).not.toBe("relay.example");
            expect(address).not.toBe("192.0.2.250");
            const listed = zone[host as string]?.ip as readonly string[];
            expect(listed).toContain(address);
          }
          for (const host of new Set(targets.map((target) => target.host))) {
            const listed = ((zone[host as string]?.ip ?? []) as readonly string[]).filter(
              (each) => each.includes(".") || each.includes(":"),
            );
            expect(targets.filter((target) => target.host === host).map(({ address }) => address)).toEqual(
              listed,
            );
          }
          const other = resolve(zone, "d.example", { random: () => 0 }).route;
          const sorted = (of: Route): string[] =>
            of.status === "found" ? of.targets.map((each) => JSON.stringify(each)).sort() : [];
          expect(sorted(other)).toEqual(sorted(route));
        },
      ),
      { numRuns: 3000 },
    );
    expect(found).toBeGreaterThan(300);
  });
});

test("H-MX-05 every order of equals comes, each about as often", () => {
  const zone = {
    ...hosts,
    "d.example": {
      mx: [
        [1, "a.example"],
        [1, "b.example"],
        [1, "c.example"],
      ],
    },
  } as const;
  // A generator with a fixed begin: the test is the same each time (Knuth's constants of MMIX, cut to 31 bits).
  let state = 1;
  const random = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) / 2 ** 23;
  };
  const counts = new Map<string, number>();
  for (let turn = 0; turn < 6000; turn++) {
    const order = way(zone, "d.example", { random }).join();
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  expect(counts.size).toBe(6);
  for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150);
});
