import type { CodegenConfig } from "@graphql-codegen/cli";

/** `npx graphql-codegen`: types of the operations, and the operations as documents that carry these types. */
const config: CodegenConfig = {
  schema: "schema.graphql",
  documents: "operations/*.graphql",
  generates: {
    "generated/operations.ts": {
      plugins: ["typescript-operations", "typed-document-node"],
      config: {
        scalars: {
          ID: "string",
          DateTime: "string", // ISO 8601 in UTC: new Date(…) reads it
          SafeInt: "number", // within ±(2⁵³ − 1)
          JSON: "Record<string, unknown>",
          Drawing: "Record<string, unknown>",
        },
        strictScalars: true, // a scalar that is not in this list is an error, not `any`
        enumType: "string-literal",
        useTypeImports: true,
      },
    },
    // Apollo's cache has to know which types are members of which unions; urql's document cache does not.
    "generated/possible-types.ts": { plugins: ["fragment-matcher"], config: { useExplicitTyping: true } },
  },
};

export default config;
