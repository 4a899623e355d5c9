import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts"],
  format: ["esm", "cjs"],
  // The declarations of the packages below are read as a consumer reads them: built, which pnpm sees to.
  dts: { compilerOptions: { customConditions: [] } },
  clean: true,
});
