import { readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { Mail, Program } from "./program.ts";

let program: Program;
let mail: Mail;

beforeAll(async () => {
  program = await Program.build();
});

afterAll(async () => {
  await program.remove();
});

beforeEach(async () => {
  mail = await Mail.folder();
});

afterEach(async () => {
  await mail.remove();
});

describe("mistakes get one clear line and an exit code", () => {
  it.each([
    [["serve", "--prot", "25"], 64, "unknown option '--prot' (Did you mean --port?)"],
    [["serv"], 64, "unknown command 'serv' (Did you mean serve?)"],
    [["serve", "x"], 64, "too many arguments for 'serve'. Expected 0 arguments but got 1."],
    [["serve", "--port"], 64, "option '-p, --port <number>' argument missing"],
    [["serve", "--port", "smtp"], 64, "argument 'smtp' is invalid. It must be a number from 0 to 65535"],
    [["serve", "--port", "65536"], 64, "argument '65536' is invalid. It must be a number from 0 to 65535"],
    [
      ["serve", "--max-size", "1000"],
      64,
      "argument '1000' is invalid. It must be a number of octets such as",
    ],
    [["serve", "--max-size", "14X"], 64, "argument '14X' is invalid. It must be a number of octets such as"],
    [["serve", "--count", "0"], 64, "argument '0' is invalid. It must be a number from 1."],
    [
      ["serve", "--bare-lf", "rejct"],
      64,
      "argument 'rejct' is invalid. Allowed choices are reject, normalize, keep.",
    ],
    [["serve", "--name", "a_b"], 64, "argument 'a_b' is invalid. It must be a domain such as mx.example.com"],
    [
      ["serve", "--accept", "@example.com"],
      64,
      "argument '@example.com' is invalid. It must be a domain such as",
    ],
    [["serve", "--reject", "nobody"], 64, "argument 'nobody' is invalid. It must be an address such as"],
    [["serve", "--banner", "a\r\nb"], 64, "is invalid. It must be one line of printable ASCII."],
    [
      ["serve", "--tls-key", "key"],
      64,
      "--tls-key and --tls-cert belong together: give both (see: sansmtp serve --help)",
    ],
    [
      ["serve", "--self-signed", "--tls-key", "key"],
      64,
      "option '--self-signed' cannot be used with option '--tls-key <file>'",
    ],
    [
      ["serve", "--require-tls"],
      64,
      "--require-tls needs a certificate: give --tls-key and --tls-cert, or --self-signed",
    ],
    [
      ["serve", "--implicit-tls"],
      64,
      "--implicit-tls needs a certificate: give --tls-key and --tls-cert, or --self-signed",
    ],
    [
      ["serve", "--socket", "x", "--port", "25"],
      64,
      "option '--socket <path>' cannot be used with option '-p, --port <number>'",
    ],
    [["serve", "--quiet", "--json"], 64, "option '-q, --quiet' cannot be used with option '--json'"],
    [
      ["serve", "--tls-key", "/none", "--tls-cert", "/none"],
      66,
      "cannot read /none: no such file or directory",
    ],
    [
      ["serve", "--tls-key", "/dev/null", "--tls-cert", "/dev/null"],
      65,
      "/dev/null holds no certificate in PEM",
    ],
    [["serve", "--host", "host.invalid"], 68, "cannot listen on host.invalid:2525: there is no such host"],
    [
      ["serve", "--host", "192.0.2.1"],
      69,
      "cannot listen on 192.0.2.1:2525: this machine does not have that address",
    ],
    [["serve", "--socket", "/none/x"], 73, "cannot listen on /none/x: the socket cannot be made there"],
    [["serve", "--directory", "/dev/null/mail"], 73, "cannot keep mail in /dev/null/mail: not a directory"],
  ])("%j: %i", async (given, code, sentence) => {
    const where =
      given[0] === "serve" && !given.includes("--directory") ? ["--directory", mail.directory] : [];
    const result = await program.run([given[0]!, ...where, ...given.slice(1)]);
    expect(result.stderr).toContain(sentence);
    expect(result.stderr).toMatch(/^sansmtp: [^\n]*\n$/);
    expect(result).toMatchObject({ code, stdout: "" });
  });

  it("M-LMTP-08 LMTP on port 25", async () => {
    const result = await program.run(["serve", "--lmtp", "--port", "25", "--directory", mail.directory]);
    expect(result).toMatchObject({ code: 64, stdout: "" });
    expect(result.stderr).toMatch(/^sansmtp: LMTP must not be spoken on port 25 \(RFC 2033\)[^\n]*\n$/);
  });

  it("a port that is in use", async () => {
    const server = await program.serve(["--directory", mail.directory]);
    const result = await program.run(["serve", "--port", String(server.port), "--directory", mail.directory]);
    const sentence = `cannot listen on 127.0.0.1:${server.port}: the port is in use; try another with --port`;
    expect(result).toEqual({ code: 69, stdout: "", stderr: `sansmtp: ${sentence}\n` });
    await server.stop();
  });

  it("no command, --help and --version", async () => {
    expect(await program.run([])).toMatchObject({ code: 64, stdout: "" });
    const help = await program.run(["--help"]);
    expect(help).toMatchObject({ code: 0, stderr: "" });
    expect(help.stdout).toContain("serve [options]");
    const serve = await program.run(["serve", "--help"]);
    expect(serve).toMatchObject({ code: 0, stderr: "" });
    expect(serve.stdout).toMatch(/Examples:\n {2}\$ sansmtp serve /);
    expect(await program.run(["--version"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^[0-9]+\.[0-9]+\.[0-9]+\n$/),
    });
  });
});

it("the README tells of every option where its command is, and of no other", async () => {
  const file = await readFile(new URL("../../packages/cli/README.md", import.meta.url), "utf8");
  // Options of pnpm and npm.
  const readme = file.replaceAll(" --silent", "").replaceAll(" --global", "");
  const named = (text: string): string[] => [
    ...new Set(text.match(/(?<![\w-])--[a-z0-9][a-z-]+/g)?.filter((name) => name !== "--help")),
  ];
  const all: string[] = [];
  for (const command of ["serve", "send", "replay"]) {
    const options = named((await program.run([command, "--help"])).stdout);
    const section = readme.split(/^(?=## )/m).find((each) => each.startsWith(`## \`sansmtp ${command}\``));
    expect(named(section ?? "")).toEqual(expect.arrayContaining(options));
    all.push(...options);
  }
  expect(all).toEqual(expect.arrayContaining(named(readme)));
});

it("diagram prints what the page of the states shows", async () => {
  const { code, stdout, stderr } = await program.run(["diagram"]);
  const page = await readFile(new URL("../../packages/core/STATES.md", import.meta.url), "utf8");
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^stateDiagram-v2\n/);
  expect(page).toContain(`\`\`\`mermaid\n${stdout}\`\`\`\n`);
});
