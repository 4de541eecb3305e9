// Mercurius on Fastify, with its JIT: resolvers by hand, one statement for each level of rows.
import { readFileSync } from "node:fs";
import Fastify, { LogController } from "fastify";
import mercurius from "mercurius";
import { addComment } from "./comments.mjs";
import { openPool } from "./database.mjs";
import { encodeId } from "./ids.mjs";
import { figures, observe, requestId } from "./production.mjs";
import { loaders, Reads } from "./reads.mjs";
import { viewerOf } from "./viewers.mjs";

const pool = openPool();
const withId = (type) => ({ id: (row) => encodeId(type, row.id) });

const resolvers = {
  Query: {
    video: (_, { id }, { reads }) => reads.video(id),
    team: (_, { id }, { reads }) => reads.team(id),
    version: (_, { id }, { reads }) => reads.version(id),
  },
  Mutation: { addComment: (_, { input }, context) => addComment(pool, context, input) },
  AddCommentResult: { resolveType: (result) => result.problem ?? "Comment" },
  Team: withId("Team"),
  User: withId("User"),
  Video: { ...withId("Video"), status: (video) => video.status.toUpperCase() },
  Version: withId("Version"),
  Comment: withId("Comment"),
};

const logController = new LogController({ disableRequestLogging: true, requestIdLogLabel: "request_id" });
const app = Fastify({ logger: true, logController, genReqId: requestId });
app.addHook("onRequest", async (request, reply) => {
  reply.header("X-Request-ID", request.id);
});
app.addHook("onResponse", async ({ id, method, routeOptions }, reply) => {
  observe(app.log, { id, method, route: routeOptions.url, status: reply.statusCode, ms: reply.elapsedTime });
});
app.get("/metrics", async (_, reply) => reply.type("text/plain").send(await figures()));
app.register(mercurius, {
  schema: readFileSync(new URL("schema.graphql", import.meta.url), "utf8"),
  resolvers,
  loaders,
  jit: 1,
  context: async (request) => {
    const viewer = await viewerOf(pool, request.headers);
    return { viewer, requestId: request.id, reads: new Reads(pool, viewer) };
  },
});
await app.listen({ port: Number(process.env.PORT), host: "127.0.0.1" });
