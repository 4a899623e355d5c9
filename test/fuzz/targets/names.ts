/**
 * The targets by name, in the order of their worth: what faces the network first. With each, what is proven as far as
 * its corpus goes.
 */
export const proven: Readonly<Record<string, string>> = {
  server: "G1 G6 G7 G8 G9 G12",
  client: "G1 G6 G7 G8 G9 G12",
  "server-split": "G1 G2 G6 G12",
  "client-split": "G1 G2 G6",
  commands: "G1 G6 G8 G12",
  envelopes: "G6 G12",
  content: "G1 G2 G6 G12",
  replies: "G1 G2 G6 G12",
  addresses: "G1 G6 G12",
  proxy: "G1 G2 G6",
  sasl: "G1 G7 G9",
  "sasl-client": "G1",
  trace: "G1 G2 G6 G12",
  codecs: "G1 G6",
};

export const names: readonly string[] = Object.keys(proven);
