-- What PostGraphile needs beside the tables: a role that obeys the policies, the same predicates as policies, and the
-- mutation as a function. The other contenders connect as the owner, whom policies do not concern.
DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'visitor') THEN
    CREATE ROLE visitor LOGIN;
  END IF;
END $$;
GRANT USAGE ON SCHEMA public TO visitor;
GRANT SELECT ON users, teams, members, sessions, videos, versions, comments TO visitor;

CREATE FUNCTION viewer_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
  $$ SELECT current_setting('app.user_id', true)::uuid $$;

ALTER TABLE teams ENABLE ROW LEVEL SECURITY;
ALTER TABLE users ENABLE ROW LEVEL SECURITY;
ALTER TABLE videos ENABLE ROW LEVEL SECURITY;
ALTER TABLE versions ENABLE ROW LEVEL SECURITY;
ALTER TABLE comments ENABLE ROW LEVEL SECURITY;
CREATE POLICY members_see ON teams FOR SELECT TO visitor
  USING (id IN (SELECT team_id FROM members WHERE user_id = (SELECT viewer_id())));
CREATE POLICY members_see ON videos FOR SELECT TO visitor
  USING (team_id IN (SELECT team_id FROM members WHERE user_id = (SELECT viewer_id())));
CREATE POLICY members_see ON versions FOR SELECT TO visitor
  USING (team_id IN (SELECT team_id FROM members WHERE user_id = (SELECT viewer_id())));
CREATE POLICY members_see ON comments FOR SELECT TO visitor
  USING (team_id IN (SELECT team_id FROM members WHERE user_id = (SELECT viewer_id())));
CREATE POLICY colleagues_see ON users FOR SELECT TO visitor
  USING (
    id = (SELECT viewer_id())
    OR id IN (
      SELECT user_id FROM members
      WHERE team_id IN (SELECT team_id FROM members WHERE user_id = (SELECT viewer_id()))
    )
  );

-- As the owner, since a visitor may write nothing: it looks for itself whether the viewer is a member.
CREATE FUNCTION add_comment(version_id uuid, body text, start_ms int DEFAULT 0) RETURNS comments
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = public AS $$
DECLARE
  place record;
  comment comments;
BEGIN
  SELECT v.team_id, v.video_id, v.duration_ms, d.deleted_at INTO place
    FROM versions v
    JOIN videos d ON d.id = v.video_id
    JOIN members m ON m.team_id = v.team_id AND m.user_id = viewer_id()
    WHERE v.id = add_comment.version_id FOR SHARE OF m FOR KEY SHARE OF d;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'There is no such version.' USING ERRCODE = 'P0002';
  END IF;
  IF place.deleted_at IS NOT NULL THEN
    RAISE EXCEPTION 'The video is in the trash.' USING ERRCODE = 'P0001';
  END IF;
  IF length(trim(add_comment.body)) NOT BETWEEN 1 AND 5000 THEN
    RAISE EXCEPTION 'Write 1 to 5,000 characters.' USING ERRCODE = 'P0001';
  END IF;
  IF add_comment.start_ms NOT BETWEEN 0 AND place.duration_ms THEN
    RAISE EXCEPTION 'There is no such moment.' USING ERRCODE = 'P0001';
  END IF;
  INSERT INTO comments (id, created_at, team_id, created_by_id, video_id, version_id, body, start_ms)
    VALUES (uuidv7(), now(), place.team_id, viewer_id(), place.video_id, add_comment.version_id,
            trim(add_comment.body), add_comment.start_ms)
    RETURNING * INTO comment;
  INSERT INTO events (id, created_at, type, version, team_id, actor_id, subjects, payload, request_id, recorded_at)
    VALUES (uuidv7(), now(), 'comment.created', 1, comment.team_id, comment.created_by_id,
            ARRAY['team:' || comment.team_id, 'video:' || comment.video_id, 'version:' || comment.version_id,
                  'comment:' || comment.id],
            jsonb_build_object('video_id', comment.video_id, 'version_id', comment.version_id,
                               'comment_id', comment.id, 'parent_id', NULL),
            current_setting('app.request_id', true), clock_timestamp());
  PERFORM pg_notify('events', '');
  RETURN comment;
END $$;
GRANT EXECUTE ON FUNCTION add_comment TO visitor;
