// graphql-ws on ws: the same subscription, out of what the product's relay publishes in Redis.
//
// Kinder to it than to the product: the right to a room is looked at when it is entered and not before each event, and what
// an event tells of is read once, for all who hear of it. Each subscriber is executed for, as graphql-ws does.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { createClient } from "@redis/client";
import { buildSchema, GraphQLError } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import pg from "pg";
import { WebSocketServer } from "ws";
import { decodeId, encodeId } from "../../graphql/peers/ids.mjs";
import { Rooms } from "./rooms.mjs";

const SESSION = {
  name: "session",
  text: "SELECT user_id FROM sessions WHERE token_hash = $1 AND ended_at IS NULL AND expires_at > now()",
};
const MAY_WATCH = {
  name: "watch",
  text: "SELECT 1 FROM videos v JOIN members m ON m.team_id = v.team_id AND m.user_id = $1 WHERE v.id = $2",
};
const COMMENT = {
  name: "comment",
  text: `SELECT c.id, c.body, c.start_ms AS "startMs", c.created_at AS "createdAt", u.id AS author_id, u.name AS author_name
    FROM comments c LEFT JOIN users u ON u.id = c.created_by_id WHERE c.id = $1`,
};
const KINDS = { "comment.created": "ADDED", "comment.edited": "EDITED", "comment.deleted": "DELETED" };

const schema = buildSchema(`
  type Query { ok: Boolean }
  type Subscription { commentEvents(videoId: ID!): CommentEvent! }
  type CommentEvent { kind: String! occurredAt: String! commentId: ID! actor: User comment: Comment }
  type Comment { id: ID! body: String! startMs: Int! createdAt: String! author: User }
  type User { id: ID! name: String! }
`);

const pool = new pg.Pool({ max: 10 });
const redis = createClient({ socket: { path: process.env.REDIS_SOCKET } });
await redis.connect();
const rooms = new Rooms(redis, async (message) => ({ ...message, row: await commentOf(message.body.payload.comment_id) }));

async function commentOf(id) {
  const row = (await pool.query({ ...COMMENT, values: [id] })).rows[0];
  const author = row.author_id && { id: encodeId("User", row.author_id), name: row.author_name };
  return { ...row, id: encodeId("Comment", row.id), createdAt: row.createdAt.toISOString(), author };
}

const happening = ({ body, row }) => ({
  kind: KINDS[body.type] ?? body.type,
  occurredAt: body.created_at,
  commentId: row.id,
  actor: row.author,
  comment: row,
});

schema.getSubscriptionType().getFields().commentEvents.subscribe = async (_, { videoId }, { userId }) => {
  const [, video] = decodeId(videoId) ?? [];
  const found = await pool.query({ ...MAY_WATCH, values: [userId, video] });
  if (found.rows.length === 0) throw new GraphQLError("There is no such video.", { extensions: { code: "NOT_FOUND" } });
  return rooms.enter(`live:topic:video:${video}`);
};
schema.getSubscriptionType().getFields().commentEvents.resolve = (message) => happening(message);

const server = createServer((_, response) => response.end());
const sockets = new WebSocketServer({ server, path: "/graphql" });
useServer(
  {
    schema,
    onConnect: async ({ connectionParams, extra }) => {
      const token = connectionParams.authorization.replace("Bearer ", "");
      const hash = createHash("sha256").update(token).digest("hex");
      const { rows } = await pool.query({ ...SESSION, values: [hash] });
      if (rows.length === 0) return false;
      extra.userId = rows[0].user_id;
    },
    context: ({ extra }) => ({ userId: extra.userId, position: null }),
    // Which event a result tells of, as the product says it.
    onNext: (_context, _id, _payload, _arguments, result) => ({
      ...result,
      extensions: { eventId: rooms.positionOf(result.data.commentEvents.commentId) },
    }),
  },
  sockets,
);
server.listen(Number(process.env.PORT), "127.0.0.1");
