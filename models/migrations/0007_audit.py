from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.clock import utc_now
from domain.ids import new_id
from models.indexes import PartialIndex, SearchIndex
from orjson import loads
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0006_two_factor')]

    initial = False

    operations = [
        ops.CreateModel(
            name='AuditEntry',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('position', fields.BigIntField()),
                ('type', fields.CharField(max_length=50)),
                ('team_id', fields.UUIDField(null=True)),
                ('actor_id', fields.UUIDField(null=True)),
                ('subjects', ArrayField(element_type='TEXT')),
                ('details', fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ('request_id', fields.CharField(null=True, max_length=64)),
                ('address', fields.CharField(null=True, max_length=45)),
                ('device', fields.CharField(null=True, max_length=200)),
            ],
            options={'table': 'audit_entries', 'app': 'models', 'indexes': [Index(fields=['team_id', 'created_at', 'id'], name='idx_audit_entries_team_created'), Index(fields=['team_id', 'actor_id', 'created_at', 'id'], name='idx_audit_entries_team_actor_created'), Index(fields=['team_id', 'type', 'created_at', 'id'], name='idx_audit_entries_team_type_created'), SearchIndex(fields=['subjects'], name='idx_audit_entries_subjects'), PartialIndex(fields=['actor_id', 'created_at', 'id'], name='idx_audit_entries_own', where='team_id IS NULL')], 'pk_attr': 'id'},
            bases=['Row'],
        ),
    ]
