from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.clock import utc_now
from domain.ids import new_id
from domain.links import LinkKind
from orjson import loads
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise.fields.db_defaults import Now
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0004_add_search_indexes')]

    initial = False

    operations = [
        ops.CreateModel(
            name='MailedLink',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('kind', fields.CharEnumField(description='', enum_type=LinkKind, max_length=30)),
                ('email', fields.CharField(max_length=254)),
                ('locale', fields.CharField(max_length=20)),
                ('user_id', fields.UUIDField(null=True)),
                ('subject_id', fields.UUIDField(null=True)),
                ('values', fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ('token_hash', fields.CharField(null=True, unique=True, max_length=64)),
                ('expires_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('used_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'mailed_links', 'app': 'models', 'indexes': [Index(fields=['user_id'], name='idx_mailed_links_user'), Index(fields=['subject_id'], name='idx_mailed_links_subject'), Index(fields=['expires_at'], name='idx_mailed_links_expires_at')], 'pk_attr': 'id'},
            bases=['Row'],
        ),
        ops.AddField(
            model_name='EventRecord',
            name='address',
            field=fields.CharField(null=True, max_length=45),
        ),
        ops.AddField(
            model_name='EventRecord',
            name='device',
            field=fields.CharField(null=True, max_length=200),
        ),
        ops.AddField(
            model_name='Session',
            name='address',
            field=fields.CharField(default='', db_default='', max_length=45),
        ),
        ops.AddField(
            model_name='Session',
            name='seen_at',
            field=fields.DatetimeField(default=utc_now, db_default=Now(), auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='Session',
            name='team',
            field=fields.ForeignKeyField('models.Team', source_field='team_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.SET_NULL),
        ),
        ops.AlterField(
            model_name='User',
            name='password_hash',
            field=fields.CharField(null=True, max_length=255),
        ),
        ops.AddField(
            model_name='User',
            name='avatar_key',
            field=fields.CharField(null=True, max_length=200),
        ),
        ops.AddField(
            model_name='User',
            name='deletion_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='User',
            name='time_zone',
            field=fields.CharField(default='UTC', db_default='UTC', max_length=64),
        ),
    ]
