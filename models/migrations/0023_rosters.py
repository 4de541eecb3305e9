from tortoise import migrations
from tortoise.migrations import operations as ops

# A mark for each team, which is another one whenever anybody has come, gone or got another role, by whatever hand and in
# the same commit: triggers see to that, so that nobody can forget it. It is random, not counted: a number would come again
# in a database that is put back from a backup. No key binds it to its team: that would hold the team for each change.
TABLE = 'CREATE TABLE rosters (team_id uuid PRIMARY KEY, mark uuid NOT NULL)'
MARK = """
CREATE FUNCTION mark_rosters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO rosters (team_id, mark)
    SELECT id, gen_random_uuid() FROM teams WHERE id IN (SELECT team_id FROM changed) ORDER BY id
    ON CONFLICT (team_id) DO UPDATE SET mark = excluded.mark;
    RETURN NULL;
END
$$
"""
FORGET = """
CREATE FUNCTION forget_rosters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM rosters WHERE team_id IN (SELECT id FROM changed);
    RETURN NULL;
END
$$
"""
# Once for a statement, however many rows it changes. An update tells of the teams before it and after it.
TRIGGERS = [
    f'CREATE TRIGGER {name} AFTER {event} ON {table} REFERENCING {rows} TABLE AS changed'
    f' FOR EACH STATEMENT EXECUTE FUNCTION {function}()'
    for name, event, table, rows, function in (
        ('member_comes', 'INSERT', 'members', 'NEW', 'mark_rosters'),
        ('member_goes', 'DELETE', 'members', 'OLD', 'mark_rosters'),
        ('member_changes', 'UPDATE', 'members', 'NEW', 'mark_rosters'),
        ('member_changed', 'UPDATE', 'members', 'OLD', 'mark_rosters'),
        ('team_goes', 'DELETE', 'teams', 'OLD', 'forget_rosters'),
    )
]
FIRST = 'INSERT INTO rosters (team_id, mark) SELECT id, gen_random_uuid() FROM teams'
UNDO = [
    *(f'DROP TRIGGER {name} ON members' for name in ('member_comes', 'member_goes', 'member_changes', 'member_changed')),
    'DROP TRIGGER team_goes ON teams',
    'DROP FUNCTION mark_rosters, forget_rosters',
    'DROP TABLE rosters',
]


class Migration(migrations.Migration):
    dependencies = [('models', '0022_webhooks')]

    initial = False

    operations = [ops.RunSQL([TABLE, MARK, FORGET, *TRIGGERS, FIRST], reverse_sql=UNDO)]
