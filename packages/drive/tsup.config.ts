import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts", "src/application.ts"],
  // Both entries share the classes of errors, in CommonJS, too: `instanceof` has to hold.
  splitting: true,
  format: ["esm", "cjs"],
  // The declarations of the packages below are read as a consumer reads them: built, which pnpm sees to.
  dts: { compilerOptions: { customConditions: [] } },
  clean: true,
});
