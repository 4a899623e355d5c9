/** Every bench, one after the other; or those that are named: `pnpm bench session`. */
const benches: Record<string, () => Promise<{ run: () => void }>> = {
  decode: () => import("./decode.ts"),
  session: () => import("./session.ts"),
};

const named = process.argv.slice(2);
for (const name of named) {
  if (!(name in benches)) throw new Error(`no bench ${name}: there are ${Object.keys(benches).join(", ")}`);
}
for (const name of named.length > 0 ? named : Object.keys(benches)) {
  const { run } = await benches[name]!();
  run();
  console.log();
}

export {};
