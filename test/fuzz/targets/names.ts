/** The targets by name, in the order of their worth: what faces the network first. */
export const names: readonly string[] = [
  "server",
  "client",
  "server-split",
  "client-split",
  "commands",
  "content",
  "replies",
  "addresses",
  "proxy",
  "sasl",
  "sasl-client",
  "trace",
  "codecs",
];
