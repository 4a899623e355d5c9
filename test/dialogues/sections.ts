// What files of dialogues have in common, whichever side they are seen from: sections, and those that others begin with.

/** A line of a file. */
export interface Row {
  readonly text: string;
  readonly line: number;
  readonly given: boolean;
}

/** A dialogue by its title. */
export interface Section {
  readonly title: string;
  readonly line: number;
  readonly rows: readonly Row[];
}

/** The sections of a file, each with its lines. */
export function sections(text: string): Section[] {
  const found: { title: string; line: number; rows: Row[] }[] = [];
  text.split("\n").forEach((row, at) => {
    if (row.startsWith("== ")) found.push({ title: row.slice(3).trim(), line: at + 1, rows: [] });
    else if (row.trim() !== "" && !row.startsWith("#")) {
      const last = found.at(-1);
      if (last === undefined) throw new Error(`line ${at + 1}: stands before the first title`);
      last.rows.push({ text: row, line: at + 1, given: false });
    }
  });
  return found;
}

/** The sections titled `given ...`, by their names. */
export function parseGiven(text: string): Map<string, Section> {
  return new Map(sections(text).map((section) => [section.title.replace(/^given /, ""), section]));
}

/** The lines of a section behind those that it begins with. */
export function expand(section: Section, given: ReadonlyMap<string, Section>): readonly Row[] {
  return section.rows.flatMap((row) => {
    const name = /^given: (.*)$/.exec(row.text)?.[1];
    if (name === undefined) return [row];
    const base = given.get(name);
    if (base === undefined) throw new Error(`line ${row.line}: nothing is called "given ${name}"`);
    return expand(base, given).map((one) => ({ ...one, given: true }));
  });
}

/** An option by its path, its value as JSON. */
export function setOption(config: Record<string, unknown>, text: string): void {
  const [, path, value] = /^([\w.]+) = (.*)$/.exec(text) ?? [];
  if (path === undefined || value === undefined) throw new Error("not an option");
  const names = path.split(".");
  const last = names.pop() as string;
  let into = config;
  for (const name of names) {
    into[name] ??= {};
    into = into[name] as Record<string, unknown>;
  }
  into[last] = JSON.parse(value);
}

/** Text as it stands in a file to octets, one character each. */
/** Each octet of the UTF-8 as a character. */
export function latin1(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
