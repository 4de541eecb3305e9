from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.clock import utc_now
from domain.ids import new_id
from models.indexes import PartialIndex
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0008_account')]

    initial = False

    operations = [
        ops.CreateModel(
            name='ApiKey',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('user', fields.ForeignKeyField('models.User', source_field='user_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.CASCADE)),
                ('name', fields.CharField(max_length=100)),
                ('prefix', fields.CharField(max_length=20)),
                ('token_hash', fields.CharField(unique=True, max_length=64)),
                ('scopes', ArrayField(element_type='TEXT')),
                ('expires_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('used_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('revoked_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('written_lsn', fields.BigIntField(default=0)),
            ],
            options={'table': 'api_keys', 'app': 'models', 'indexes': [Index(fields=['user_id', 'created_at', 'id'], name='idx_api_keys_user_created'), PartialIndex(fields=['expires_at'], name='idx_api_keys_expires_at', where='expires_at IS NOT NULL'), PartialIndex(fields=['revoked_at'], name='idx_api_keys_revoked_at', where='revoked_at IS NOT NULL')], 'pk_attr': 'id'},
            bases=['Row'],
        ),
    ]
