// Bundles the SDK: `sdk.js` for a script tag, `sdk.mjs` as an ES module. The first argument says where to, otherwise
// into the server's package, from where /sdk.js is served. Fails if a bundle is larger than we promise.
import { build } from "esbuild";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const GZIPPED_MAX = 20_000;
const target = process.argv[2] ?? join(import.meta.dirname, "../src/sojourn/api/web/assets");

const shared = {
  absWorkingDir: import.meta.dirname,
  bundle: true,
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
  minify: true,
  target: "es2020",
};

mkdirSync(target, { recursive: true });
await Promise.all([
  build({ ...shared, entryPoints: ["src/script.ts"], format: "iife", outfile: join(target, "sdk.js") }),
  build({ ...shared, entryPoints: ["src/index.ts"], format: "esm", outfile: join(target, "sdk.mjs") }),
]);

for (const name of ["sdk.js", "sdk.mjs"]) {
  const content = readFileSync(join(target, name));
  const gzipped = gzipSync(content, { level: 9 }).length;
  console.log(`${name}: ${content.length} bytes, ${gzipped} gzipped`);
  if (gzipped >= GZIPPED_MAX) {
    console.error(`${name} must stay below ${GZIPPED_MAX} bytes gzipped`);
    process.exitCode = 1;
  }
}
