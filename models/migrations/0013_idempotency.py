from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.clock import utc_now
from domain.ids import new_id
from orjson import loads
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0012_addresses_and_ends')]

    initial = False

    operations = [
        ops.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('user_id', fields.UUIDField()),
                ('key', fields.CharField(max_length=255)),
                ('request', fields.BinaryField()),
                ('answer_type', fields.CharField(max_length=100)),
                ('answer_id', fields.UUIDField(null=True)),
                ('answer', fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
            ],
            options={'table': 'idempotency_keys', 'app': 'models', 'unique_together': (('user_id', 'key'),), 'indexes': [Index(fields=['created_at'], name='idx_idempotency_keys_created_at')], 'pk_attr': 'id'},
            bases=['Row'],
        ),
    ]
