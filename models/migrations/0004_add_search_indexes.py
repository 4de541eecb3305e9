from tortoise import migrations
from tortoise.migrations import operations as ops
from models.indexes import PartialIndex, SearchIndex
from tortoise.indexes import Index

# Trusted extensions: the owner of the database may create them.
EXTENSIONS = ['CREATE EXTENSION IF NOT EXISTS pg_trgm', 'CREATE EXTENSION IF NOT EXISTS btree_gin']

# What must not change without making the indexes anew. `pg_c_utf8` is PostgreSQL's own and the same on every machine,
# whatever the locale of the database. First upper, then lower: letters that share one of both become the same.
FOLDED = """
CREATE FUNCTION search_folded(text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN lower(upper($1 COLLATE pg_c_utf8))
"""
# In PL/pgSQL, so that the planner does not look inside and take it for as cheap as its parts. It also thinks that a
# team has few videos; the cost keeps it from folding the texts of a team that has thousands.
TEXT = """
CREATE FUNCTION search_text(title text, description text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 100000 AS $$
BEGIN
    RETURN lower(upper((title || chr(10) || description) COLLATE pg_c_utf8));
END
$$
"""
# Every character and every two that follow each other, without those that hold a space: nobody seeks these. It is for
# the index alone; the cost keeps the planner from computing it for a row.
PIECES = """
CREATE FUNCTION search_pieces(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100000
RETURN (
    SELECT array_agg(DISTINCT piece)
    FROM (SELECT one, lead(one) OVER () AS next FROM string_to_table($1 COLLATE "C", NULL) AS one) AS characters,
        LATERAL (VALUES (one), (one || next)) AS pieces(piece)
    WHERE strpos(piece, ' ') = 0 AND strpos(piece, chr(10)) = 0
)
"""
# Of what is sought the pieces that say the most: those of two characters, if there are any.
NEEDLE = """
CREATE FUNCTION search_needle(text) RETURNS text[] LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 100000
RETURN (
    SELECT array_agg(piece) FROM unnest(search_pieces(search_folded($1))) AS piece
    GROUP BY length(piece) ORDER BY length(piece) DESC LIMIT 1
)
"""
FORGET = 'DROP FUNCTION search_needle, search_pieces, search_text, search_folded'

# Statistics of the pieces would take seconds at every ANALYZE, and tell the planner nothing that changes its mind.
NO_STATISTICS = 'ALTER INDEX idx_videos_search_short ALTER COLUMN 2 SET STATISTICS 0'


class Migration(migrations.Migration):
    dependencies = [('models', '0003_sessions_written')]

    initial = False

    operations = [
        ops.RunSQL(EXTENSIONS, reverse_sql=ops.RunSQL.noop),
        ops.RunSQL([FOLDED, TEXT, PIECES, NEEDLE], reverse_sql=FORGET),
        ops.RemoveIndex(
            model_name='EventRecord',
            name='idx_events_subjects',
            fields=None,
        ),
        ops.AddIndex(
            model_name='EventRecord',
            index=SearchIndex(fields=['subjects'], name='idx_events_subjects'),
        ),
        ops.RemoveIndex(
            model_name='Job',
            name='idx_jobs_team_created',
            fields=None,
        ),
        ops.AddIndex(
            model_name='Job',
            index=PartialIndex(fields=['video_id'], name='idx_jobs_purges', where="kind = 'purge_video'"),
        ),
        ops.AddIndex(
            model_name='SignUp',
            index=Index(fields=['email'], name='idx_sign_ups_email'),
        ),
        ops.RemoveIndex(
            model_name='Video',
            name='idx_videos_tags',
            fields=None,
        ),
        ops.AddIndex(
            model_name='Video',
            index=Index(fields=['team_id', 'status', 'created_at', 'id'], name='idx_videos_team_status_created'),
        ),
        ops.AddIndex(
            model_name='Video',
            index=SearchIndex(fields=['tags'], name='idx_videos_tags'),
        ),
        ops.AddIndex(
            model_name='Video',
            index=SearchIndex(fields=['team_id', 'search_text(title, description) gin_trgm_ops'], name='idx_videos_search'),
        ),
        ops.AddIndex(
            model_name='Video',
            index=SearchIndex(fields=['team_id', 'search_pieces(search_text(title, description)) COLLATE "C"'], name='idx_videos_search_short'),
        ),
        ops.RunSQL(NO_STATISTICS, reverse_sql=ops.RunSQL.noop),
    ]
