import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts", "src/arbitraries.ts"],
  format: ["esm", "cjs"],
  dts: true,
  clean: true,
});
