// PostGraphile over the product's tables: its predicates are row-level security, see postgraphile.sql.
import "./older_node.mjs";
import { createServer } from "node:http";
import pino from "pino";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";
import { openPool } from "./database.mjs";
import { figures, observe, requestId } from "./production.mjs";
import { plugins } from "./postgraphile_schema.mjs";
import { viewerOf } from "./viewers.mjs";

const pool = openPool();
const log = pino();

const preset = {
  extends: [PostGraphileAmberPreset],
  plugins,
  pgServices: [makePgService({ pool, schemas: ["public"] })],
  schema: { defaultNodeIdCodec: "product" },
  grafserv: { graphqlPath: "/graphql", graphiql: false, watch: false, websockets: false },
  grafast: {
    explain: false,
    context: async ({ node }) => ({
      pgSettings: { "app.user_id": await viewerOf(pool, node.req.headers), "app.request_id": node.req.id },
    }),
  },
};

function dress(request, response) {
  const began = performance.now();
  const { method, url: route } = request;
  request.id = requestId(request);
  response.setHeader("X-Request-ID", request.id);
  response.once("finish", () => {
    observe(log, { id: request.id, method, route, status: response.statusCode, ms: performance.now() - began });
  });
}

const service = postgraphile(preset).createServ(grafserv);
const answer = service.createHandler();
const server = createServer(async (request, response) => {
  dress(request, response);
  if (request.url === "/metrics") response.end(await figures());
  else answer(request, response);
});
await service.ready();
server.listen(Number(process.env.PORT), "127.0.0.1");
