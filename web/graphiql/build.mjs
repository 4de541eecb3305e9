// Makes of the page and its npm packages what a browser loads: `node build.mjs FOLDER`.
import { build } from "esbuild";

const options = { bundle: true, minify: true, legalComments: "linked", outdir: process.argv[2], logLevel: "warning" };
await build({
  ...options,
  entryPoints: { graphiql: "page.mjs" },
  format: "esm",
  loader: { ".ttf": "file" },
  define: { "process.env.NODE_ENV": '"production"' },
});
await build({
  ...options,
  entryPoints: {
    "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
    "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
  },
  format: "iife",
});
