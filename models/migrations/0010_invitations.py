from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.clock import utc_now
from domain.ids import new_id
from domain.permissions import Role
from models.indexes import PartialIndex
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0009_api_keys')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Invitation',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('team', fields.ForeignKeyField('models.Team', source_field='team_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('created_by', fields.ForeignKeyField('models.User', source_field='created_by_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('email', fields.CharField(max_length=254)),
                ('role', fields.CharEnumField(description='', enum_type=Role, max_length=30)),
                ('sent_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('expires_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('accepted_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('revoked_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'invitations', 'app': 'models', 'indexes': [Index(fields=['team_id', 'created_at', 'id'], name='idx_invitations_team_created')], 'pk_attr': 'id'},
            bases=['TeamRow'],
        ),
        ops.RunSQL(
            # What the model says in its docstring.
            'CREATE UNIQUE INDEX uid_invitations_open ON invitations (team_id, email)'
            ' WHERE accepted_at IS NULL AND revoked_at IS NULL',
            reverse_sql='DROP INDEX uid_invitations_open',
        ),
        ops.AddIndex(
            model_name='Job',
            index=Index(fields=['team_id'], name='idx_jobs_team'),
        ),
        ops.AddIndex(
            model_name='Job',
            index=PartialIndex(fields=['created_at'], name='idx_jobs_team_purges', where="kind = 'purge_team'"),
        ),
        ops.AddIndex(
            model_name='Session',
            index=PartialIndex(fields=['team_id'], name='idx_sessions_team', where='team_id IS NOT NULL'),
        ),
        ops.AddField(
            model_name='Team',
            name='deletion_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddIndex(
            model_name='Team',
            index=PartialIndex(fields=['deletion_at'], name='idx_teams_deletion_at', where='deletion_at IS NOT NULL'),
        ),
    ]
