// Runs the public audits of GraphQL over HTTP against a URL: `node audit.mjs URL`. Prints what came of each as JSON.
import { serverAudits } from "graphql-http";

const results = await Promise.all(serverAudits({ url: process.argv[2] }).map((audit) => audit.fn()));
console.log(JSON.stringify(results.map(({ id, name, status, reason }) => ({ id, name, status, reason }))));
