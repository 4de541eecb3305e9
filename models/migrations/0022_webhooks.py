from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.clock import utc_now
from domain.ids import new_id
from domain.webhooks.faults import Fault
from domain.webhooks.states import AttemptState, DeliveryState, PauseReason, WebhookState
from models.indexes import PartialIndex
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.base import OnDelete
from uuid import uuid4
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0021_visibility')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Lane',
            fields=[
                ('webhook_id', fields.UUIDField(primary_key=True, default=uuid4, unique=True, db_index=True)),
                ('team_id', fields.UUIDField()),
                ('due_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('lease_token', fields.UUIDField(null=True)),
                ('lease_until', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('served_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('failures', fields.IntField(default=0)),
                ('failing_since', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('rests_until', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('delivered', fields.BigIntField(default=0)),
                ('failed', fields.BigIntField(default=0)),
                ('last_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'webhook_lanes', 'app': 'models', 'indexes': [PartialIndex(fields=['due_at'], name='idx_webhook_lanes_due', where='due_at IS NOT NULL'), Index(fields=['team_id'], name='idx_webhook_lanes_team')], 'pk_attr': 'webhook_id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='Webhook',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('team', fields.ForeignKeyField('models.Team', source_field='team_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('created_by', fields.ForeignKeyField('models.User', source_field='created_by_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('url', fields.CharField(max_length=2048)),
                ('description', fields.CharField(default='', max_length=200)),
                ('event_types', ArrayField(default=list, element_type='TEXT')),
                ('edition', fields.SmallIntField()),
                ('video_id', fields.UUIDField(null=True)),
                ('in_order', fields.BooleanField(default=False)),
                ('sealed_secret', fields.TextField(unique=False)),
                ('older_secret', fields.TextField(null=True, unique=False)),
                ('older_until', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('header_names', ArrayField(default=list, element_type='TEXT')),
                ('sealed_headers', fields.TextField(null=True, unique=False)),
                ('state', fields.CharEnumField(default=WebhookState.ACTIVE, description='', enum_type=WebhookState, max_length=30)),
                ('pause_reason', fields.CharEnumField(null=True, description='', enum_type=PauseReason, max_length=30)),
                ('paused_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('api_key_id', fields.UUIDField(null=True)),
                ('updated_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('deleted_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'webhooks', 'app': 'models', 'indexes': [Index(fields=['team_id', 'created_at', 'id'], name='idx_webhooks_team_created'), PartialIndex(fields=['api_key_id'], name='idx_webhooks_api_key', where='api_key_id IS NOT NULL'), PartialIndex(fields=['deleted_at'], name='idx_webhooks_deleted_at', where='deleted_at IS NOT NULL')], 'pk_attr': 'id'},
            bases=['TeamRow'],
        ),
        ops.CreateModel(
            name='WebhookDelivery',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('team_id', fields.UUIDField()),
                ('webhook', fields.ForeignKeyField('models.Webhook', source_field='webhook_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('event_id', fields.UUIDField()),
                ('event_type', fields.CharField(max_length=50)),
                ('position', fields.BigIntField()),
                ('video_id', fields.UUIDField(null=True)),
                ('is_test', fields.BooleanField(default=False)),
                ('body', fields.TextField(unique=False)),
                ('state', fields.CharEnumField(default=DeliveryState.PENDING, description='', enum_type=DeliveryState, max_length=30)),
                ('due_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('attempt_count', fields.IntField(default=0)),
                ('tries', fields.SmallIntField(default=0)),
                ('status', fields.SmallIntField(null=True)),
                ('fault', fields.CharEnumField(null=True, description='', enum_type=Fault, max_length=30)),
                ('ended_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'webhook_deliveries', 'app': 'models', 'unique_together': (('webhook_id', 'event_id'),), 'indexes': [Index(fields=['team_id'], name='idx_webhook_deliveries_team'), Index(fields=['webhook_id', 'created_at', 'id'], name='idx_webhook_deliveries_webhook_created'), PartialIndex(fields=['webhook_id', 'created_at', 'id'], name='idx_webhook_deliveries_failed', where="state = 'failed'"), PartialIndex(fields=['webhook_id', 'due_at'], name='idx_webhook_deliveries_due', where='due_at IS NOT NULL'), PartialIndex(fields=['webhook_id', 'video_id', 'position'], name='idx_webhook_deliveries_order', where="state = 'pending'")], 'pk_attr': 'id'},
            bases=['Row'],
        ),
        ops.CreateModel(
            name='WebhookAttempt',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('team_id', fields.UUIDField()),
                ('webhook_id', fields.UUIDField()),
                ('delivery', fields.ForeignKeyField('models.WebhookDelivery', source_field='delivery_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('number', fields.IntField()),
                ('state', fields.CharEnumField(default=AttemptState.SENDING, description='', enum_type=AttemptState, max_length=30)),
                ('status', fields.SmallIntField(null=True)),
                ('fault', fields.CharEnumField(null=True, description='', enum_type=Fault, max_length=30)),
                ('excerpt', fields.TextField(default='', unique=False)),
                ('duration_ms', fields.IntField(null=True)),
            ],
            options={'table': 'webhook_attempts', 'app': 'models', 'unique_together': (('delivery_id', 'number'),), 'indexes': [Index(fields=['team_id'], name='idx_webhook_attempts_team'), Index(fields=['webhook_id', 'created_at'], name='idx_webhook_attempts_webhook_created'), PartialIndex(fields=['webhook_id'], name='idx_webhook_attempts_sending', where="state = 'sending'")], 'pk_attr': 'id'},
            bases=['Row'],
        ),
    ]
