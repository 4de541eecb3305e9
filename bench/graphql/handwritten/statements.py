"""The SQL of the hand-written routes. Each answers the whole JSON text; `$1` is always who asks.

What the viewer may see is looked at on every level, as the product does: a team's things by its members, people by
themselves and by whoever shares a team with them.
"""


def visible(row: str, key: str = "team_id") -> str:
    """The SQL of whether a row is of one of the viewer's teams.

    An array and not a table to join with: joined, the planner reads all comments of these teams.
    """
    return f"{row}.{key} = ANY (ARRAY(SELECT team_id FROM members WHERE user_id = $1))"


def gid(kind: str, column: str) -> str:
    """The SQL of a global id: base64url without padding, of the type's name, a colon and the UUID's bytes."""
    return f"translate(encode('{kind}:'::bytea || uuid_send({column}), 'base64'), '+/=', '-_')"


def person(row: str) -> str:
    """The SQL of a person, null where the join has found none."""
    found = f"json_build_object('id', {gid('User', f'{row}.id')}, 'name', {row}.name)"
    return f"CASE WHEN {row}.id IS NOT NULL THEN {found} END"


def known(row: str) -> str:
    """The SQL of whether a person may be seen."""
    return f"({row}.id = $1 OR EXISTS (SELECT FROM members m WHERE m.user_id = {row}.id AND {visible('m')}))"


LATEST = f"""LEFT JOIN LATERAL (
    SELECT json_build_object(
        'id', {gid("Version", "x.id")}, 'number', x.number, 'durationMs', x.duration_ms, 'width', x.width,
        'height', x.height, 'createdAt', x.created_at
    ) AS json, x.duration_ms
    FROM versions x WHERE x.video_id = v.id AND {visible("x")} ORDER BY x.number DESC LIMIT 1
) latest ON true"""

SESSION = "SELECT user_id FROM sessions WHERE token_hash = $1 AND ended_at IS NULL AND expires_at > $2"

VIDEO = f"""
SELECT json_build_object('data', json_build_object('video', (
    SELECT json_build_object(
        'id', {gid("Video", "v.id")}, 'title', v.title, 'description', v.description, 'status', upper(v.status),
        'createdAt', v.created_at, 'createdBy', {person("u")}, 'latestVersion', latest.json
    )
    FROM videos v
    LEFT JOIN users u ON u.id = v.created_by_id AND {known("u")}
    {LATEST}
    WHERE v.id = $2 AND {visible("v")}
)))::text
"""

LIBRARY = f"""
WITH page AS (
    SELECT v.*, row_number() OVER (ORDER BY v.created_at DESC, v.id DESC) AS place
    FROM videos v WHERE v.team_id = $2 AND v.deleted_at IS NULL AND {visible("v")}
    ORDER BY v.created_at DESC, v.id DESC LIMIT $3 + 1
), nodes AS (
    SELECT json_agg(json_build_object(
        'id', {gid("Video", "v.id")}, 'title', v.title, 'status', upper(v.status), 'durationMs', latest.duration_ms,
        'createdAt', v.created_at, 'createdBy', {person("u")}, 'latestVersion', latest.json,
        'commentCount', (SELECT count(*) FROM comments c WHERE c.video_id = v.id AND {visible("c")})
    ) ORDER BY v.place) AS json
    FROM page v
    LEFT JOIN users u ON u.id = v.created_by_id AND {known("u")}
    {LATEST}
    WHERE v.place <= $3
)
SELECT json_build_object('data', json_build_object('team', (
    SELECT json_build_object('videos', json_build_object(
        'nodes', coalesce(nodes.json, '[]'),
        'pageInfo', json_build_object(
            'hasNextPage', (SELECT count(*) > $3 FROM page),
            'endCursor', (SELECT {gid("Video", "id")} FROM page WHERE place <= $3 ORDER BY place DESC LIMIT 1)
        )
    ))
    FROM nodes, teams t WHERE t.id = $2 AND {visible("t", "id")}
)))::text
"""

ROOM = f"""
WITH threads AS (
    SELECT c.*, row_number() OVER (ORDER BY c.start_ms, c.id) AS place
    FROM comments c WHERE c.version_id = $2 AND c.parent_id IS NULL AND {visible("c")}
    ORDER BY c.start_ms, c.id LIMIT $3
), nodes AS (
    SELECT json_agg(json_build_object(
        'id', {gid("Comment", "c.id")}, 'body', c.body, 'startMs', c.start_ms, 'createdAt', c.created_at,
        'author', {person("author")}, 'replies', json_build_object('nodes', coalesce(replies.json, '[]'))
    ) ORDER BY c.place) AS json
    FROM threads c
    LEFT JOIN users author ON author.id = c.created_by_id AND {known("author")}
    CROSS JOIN LATERAL (
        SELECT json_agg(json_build_object(
            'id', {gid("Comment", "r.id")}, 'body', r.body, 'createdAt', r.created_at, 'author', {person("answering")}
        ) ORDER BY r.created_at, r.id) AS json
        FROM (
            SELECT r.* FROM comments r WHERE r.parent_id = c.id AND {visible("r")}
            ORDER BY r.created_at, r.id LIMIT $4
        ) r
        LEFT JOIN users answering ON answering.id = r.created_by_id AND {known("answering")}
    ) replies
)
SELECT json_build_object('data', json_build_object('version', (
    SELECT json_build_object('comments', json_build_object('nodes', coalesce(nodes.json, '[]')))
    FROM versions v, nodes WHERE v.id = $2 AND {visible("v")}
)))::text
"""

PLACE = """
SELECT v.team_id, v.video_id, v.duration_ms, d.deleted_at
FROM versions v
JOIN videos d ON d.id = v.video_id
JOIN members m ON m.team_id = v.team_id AND m.user_id = $1
WHERE v.id = $2
FOR SHARE OF m FOR KEY SHARE OF d
"""

RECORD = """
WITH recorded AS (
    INSERT INTO events (id, created_at, type, version, team_id, actor_id, subjects, payload, request_id, recorded_at)
    VALUES ($1, $2, 'comment.created', 1, $3, $4, $5, $6, $7, clock_timestamp()) RETURNING id
)
SELECT pg_notify('events', '') FROM recorded
"""

WRITE = f"""
WITH written AS (
    INSERT INTO comments (id, created_at, team_id, created_by_id, video_id, version_id, body, start_ms)
    VALUES ($2, $3, $4, $1, $5, $6, $7, $8) RETURNING *
)
SELECT json_build_object('data', json_build_object('addComment', json_build_object(
    '__typename', 'Comment', 'id', {gid("Comment", "c.id")}, 'body', c.body, 'startMs', c.start_ms,
    'createdAt', c.created_at, 'author', {person("u")}
)))::text
FROM written c JOIN users u ON u.id = c.created_by_id
"""
