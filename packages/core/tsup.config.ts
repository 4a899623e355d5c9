import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts", "src/simd.ts"],
  format: ["esm", "cjs"],
  dts: true,
  clean: true,
});
