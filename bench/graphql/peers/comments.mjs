// addComment: the membership is held, the comment and its event are written, in one transaction.
import { randomBytes } from "node:crypto";
import { inTransaction } from "./database.mjs";
import { decodeId } from "./ids.mjs";
import { NOBODY } from "./viewers.mjs";

const PLACE = `SELECT v.team_id, v.video_id, v.duration_ms, d.deleted_at FROM versions v
  JOIN videos d ON d.id = v.video_id
  JOIN members m ON m.team_id = v.team_id AND m.user_id = $1
  WHERE v.id = $2 FOR SHARE OF m FOR KEY SHARE OF d`;
const WRITE = `INSERT INTO comments (id, created_at, team_id, created_by_id, video_id, version_id, body, start_ms)
  VALUES ($1, now(), $2, $3, $4, $5, $6, $7)
  RETURNING id, body, start_ms AS "startMs", created_at AS "createdAt", created_by_id`;
const RECORD = `WITH recorded AS (
    INSERT INTO events (id, created_at, type, version, team_id, actor_id, subjects, payload, request_id, recorded_at)
    VALUES ($1, now(), 'comment.created', 1, $2, $3, $4, $5, $6, clock_timestamp()) RETURNING id
  ) SELECT pg_notify('events', '') FROM recorded`;

export async function addComment(pool, { viewer, requestId }, { versionId, body, startMs }) {
  const said = body.trim();
  const [type, version] = decodeId(versionId) ?? [];
  if (viewer === NOBODY) return { problem: "Unauthenticated", message: "Sign in first." };
  if (said === "" || said.length > 5000) return { problem: "Invalid", message: "Write 1 to 5,000 characters." };
  if (type !== "Version") return { problem: "NotFound", message: "There is no such version." };
  return inTransaction(pool, async (client) => {
    const found = await client.query({ name: "place", text: PLACE, values: [viewer, version] });
    if (found.rows.length === 0) return { problem: "NotFound", message: "There is no such version." };
    const place = { ...found.rows[0], version_id: version };
    if (place.deleted_at !== null) return { problem: "Conflict", message: "The video is in the trash." };
    const moment = startMs ?? 0;
    if (moment < 0 || moment > place.duration_ms) return { problem: "Invalid", message: "There is no such moment." };
    return write(client, place, { viewer, requestId, said, moment });
  });
}

async function write(client, { team_id, video_id, version_id }, { viewer, requestId, said, moment }) {
  const comment_id = newId();
  const values = [comment_id, team_id, viewer, video_id, version_id, said, moment];
  const written = await client.query({ name: "write", text: WRITE, values });
  const payload = JSON.stringify({ video_id, version_id, comment_id, parent_id: null });
  const subjects = [`team:${team_id}`, `video:${video_id}`, `version:${version_id}`, `comment:${comment_id}`];
  const event = [newId(), team_id, viewer, subjects, payload, requestId];
  await client.query({ name: "record", text: RECORD, values: event });
  return written.rows[0];
}

// A UUIDv7 (RFC 9562, section 5.7).
function newId() {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(Date.now(), 0, 6);
  bytes[6] = (bytes[6] & 0x0f) | 0x70;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
