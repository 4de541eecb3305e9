// What can be read: every statement holds the predicate of who asks, whose id is $1.
import { decodeId, encodeId } from "./ids.mjs";

// An array and not a table to join with: joined, the planner reads all comments of these teams.
const MINE = "= ANY (ARRAY(SELECT team_id FROM members WHERE user_id = $1))";
const VIDEO = "id, title, description, status, created_at AS \"createdAt\", created_by_id, team_id";
const VERSION = "id, video_id, number, duration_ms AS \"durationMs\", width, height, created_at AS \"createdAt\"";
const COMMENT = "id, parent_id, body, start_ms AS \"startMs\", created_at AS \"createdAt\", created_by_id";

const STATEMENTS = {
  video: `SELECT ${VIDEO} FROM videos WHERE id = $2 AND team_id ${MINE}`,
  team: `SELECT id, name FROM teams WHERE id = $2 AND id ${MINE}`,
  version: `SELECT ${VERSION} FROM versions WHERE id = $2 AND team_id ${MINE}`,
  library: `SELECT ${VIDEO} FROM videos WHERE team_id = $2 AND deleted_at IS NULL AND team_id ${MINE}
    ORDER BY created_at DESC, id DESC LIMIT $3`,
  threads: `SELECT ${COMMENT} FROM comments WHERE version_id = $2 AND parent_id IS NULL AND team_id ${MINE}
    ORDER BY start_ms, id LIMIT $3`,
  replies: `SELECT reply.* FROM unnest($2::uuid[]) AS thread(id) CROSS JOIN LATERAL (
      SELECT ${COMMENT} FROM comments WHERE parent_id = thread.id AND team_id ${MINE}
      ORDER BY created_at, id LIMIT $3) reply`,
  users: `SELECT id, name FROM users WHERE id = ANY($2)
    AND (id = $1 OR id IN (SELECT user_id FROM members WHERE team_id ${MINE}))`,
  latest: `SELECT latest.* FROM unnest($2::uuid[]) AS video(id) CROSS JOIN LATERAL (
      SELECT ${VERSION} FROM versions WHERE video_id = video.id AND team_id ${MINE}
      ORDER BY number DESC LIMIT 1) latest`,
  commentCounts: `SELECT video.id AS video_id, said.count FROM unnest($2::uuid[]) AS video(id) CROSS JOIN LATERAL (
      SELECT count(*) FROM comments WHERE video_id = video.id AND team_id ${MINE}) said`,
};

// Reads for one viewer, in one request.
export class Reads {
  constructor(pool, viewer) {
    this.pool = pool;
    this.viewer = viewer;
  }

  async rows(name, ...values) {
    const { rows } = await this.pool.query({ name, text: STATEMENTS[name], values: [this.viewer, ...values] });
    return rows;
  }

  async one(name, type, id) {
    const decoded = decodeId(id);
    if (decoded === null) throw new Error("This is not an id of this API.");
    return decoded[0] === type ? ((await this.rows(name, decoded[1]))[0] ?? null) : null;
  }

  // Two fields of a video come from its newest version: what one has asked for, the other awaits.
  latest(videos) {
    const key = videos.join();
    if (this.latestOf !== key) {
      this.latestOf = key;
      this.latestFound = this.rows("latest", videos).then((rows) => keyed(rows, "video_id"));
    }
    return this.latestFound;
  }

  video(id) {
    return this.one("video", "Video", id);
  }

  team(id) {
    return this.one("team", "Team", id);
  }

  version(id) {
    return this.one("version", "Version", id);
  }
}

// Not kept from one level to the next: the cache would cost more than it saves. What one level asks for is asked once.
const batched = (loader) => ({ loader, opts: { cache: false } });

const keyed = (rows, key) => new Map(rows.map((row) => [row[key], row]));

const createdBy = batched(async (queries, { reads }) => {
  const found = await reads.rows("users", [...new Set(queries.map(({ obj }) => obj.created_by_id))]);
  const users = keyed(found, "id");
  return queries.map(({ obj }) => users.get(obj.created_by_id) ?? null);
});

const ofLatest = (take) =>
  batched(async (queries, { reads }) => {
    const versions = await reads.latest(queries.map(({ obj }) => obj.id));
    return queries.map(({ obj }) => take(versions.get(obj.id)) ?? null);
  });

function connection(type, rows, first) {
  const nodes = rows.slice(0, first);
  const last = nodes.at(-1);
  return { nodes, pageInfo: { hasNextPage: rows.length > first, endCursor: last ? encodeId(type, last.id) : null } };
}

function pageOf(name, type) {
  return batched((queries, { reads }) =>
    Promise.all(
      queries.map(async ({ obj, params }) =>
        connection(type, await reads.rows(name, obj.id, checked(params.first) + 1), params.first),
      ),
    ),
  );
}

function checked(first) {
  if (first < 1 || first > 100) throw new Error(`A page has 1 to 100 rows; ${first} were asked for.`);
  return first;
}

async function replies(queries, { reads }) {
  const most = Math.max(...queries.map(({ params }) => checked(params.first)));
  const found = await reads.rows("replies", queries.map(({ obj }) => obj.id), most + 1);
  const byThread = byParent(found);
  return queries.map(({ obj, params }) => connection("Comment", byThread.get(obj.id) ?? [], params.first));
}

function byParent(rows) {
  const groups = new Map();
  for (const row of rows) {
    const group = groups.get(row.parent_id);
    if (group) group.push(row);
    else groups.set(row.parent_id, [row]);
  }
  return groups;
}

async function commentCounts(queries, { reads }) {
  const counts = await reads.rows("commentCounts", queries.map(({ obj }) => obj.id));
  const byVideo = new Map(counts.map(({ video_id, count }) => [video_id, count]));
  return queries.map(({ obj }) => byVideo.get(obj.id));
}

export const loaders = {
  Team: { videos: pageOf("library", "Video") },
  Video: {
    createdBy,
    latestVersion: ofLatest((version) => version),
    durationMs: ofLatest((version) => version?.durationMs),
    commentCount: batched(commentCounts),
  },
  Version: { comments: pageOf("threads", "Comment") },
  Comment: { author: createdBy, replies: batched(replies) },
};
