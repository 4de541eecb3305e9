from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.clock import utc_now
from domain.ids import new_id
from models.indexes import PartialIndex
from tortoise import fields
from tortoise.indexes import Index
from tortoise.migrations.constraints import UniqueConstraint

# Bodies were kept once for each delivery: they were the same for all webhooks of an edition.
BODIES = """
INSERT INTO webhook_bodies (id, created_at, team_id, event_id, edition, body)
SELECT DISTINCT ON (event_id, edition) webhook_deliveries.id, webhook_deliveries.created_at, webhook_deliveries.team_id,
    event_id, edition, body
FROM webhook_deliveries JOIN webhooks ON webhooks.id = webhook_id ORDER BY event_id, edition, webhook_deliveries.created_at
"""
REFER = """
UPDATE webhook_deliveries SET body_id = webhook_bodies.id, queue_id = webhook_id
FROM webhooks, webhook_bodies
WHERE webhooks.id = webhook_id AND webhook_bodies.event_id = webhook_deliveries.event_id
    AND webhook_bodies.edition = webhooks.edition
"""
QUEUES = """
UPDATE webhook_lanes SET queue_id = webhook_id, waiting = (
    SELECT count(*) FROM webhook_deliveries
    WHERE webhook_deliveries.webhook_id = webhook_lanes.webhook_id AND state = 'pending'
)
"""
# Backwards, what is discarded and not yet written so is written at once.
UNDO = [
    """
    UPDATE webhook_deliveries SET state = 'discarded', due_at = NULL, ended_at = webhook_discards.created_at
    FROM webhook_discards WHERE webhook_discards.id = queue_id AND state = 'pending'
    """,
    'UPDATE webhook_deliveries SET body = webhook_bodies.body FROM webhook_bodies WHERE webhook_bodies.id = body_id',
]


class Migration(migrations.Migration):
    dependencies = [('models', '0023_rosters')]

    initial = False

    operations = [
        ops.CreateModel(
            name='WebhookBody',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('team_id', fields.UUIDField()),
                ('event_id', fields.UUIDField()),
                ('edition', fields.SmallIntField()),
                ('body', fields.TextField(unique=False)),
            ],
            options={'table': 'webhook_bodies', 'app': 'models', 'unique_together': (('event_id', 'edition'),), 'indexes': [Index(fields=['team_id'], name='idx_webhook_bodies_team'), Index(fields=['created_at'], name='idx_webhook_bodies_created')], 'pk_attr': 'id'},
            bases=['Row'],
        ),
        ops.CreateModel(
            name='WebhookDiscard',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('team_id', fields.UUIDField()),
                ('webhook_id', fields.UUIDField()),
            ],
            options={'table': 'webhook_discards', 'app': 'models', 'indexes': [Index(fields=['team_id'], name='idx_webhook_discards_team'), Index(fields=['created_at'], name='idx_webhook_discards_created')], 'pk_attr': 'id'},
            bases=['Row'],
        ),
        ops.AddField(
            model_name='Lane',
            name='queue_id',
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name='Lane',
            name='waiting',
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.RemoveIndex(
            model_name='WebhookAttempt',
            name='idx_webhook_attempts_webhook_created',
            fields=None,
        ),
        ops.AddIndex(
            model_name='WebhookAttempt',
            index=PartialIndex(fields=['webhook_id', 'created_at'], name='idx_webhook_attempts_succeeded', where="state = 'succeeded'"),
        ),
        ops.RemoveIndex(
            model_name='WebhookDelivery',
            name='idx_webhook_deliveries_due',
            fields=None,
        ),
        ops.RemoveIndex(
            model_name='WebhookDelivery',
            name='idx_webhook_deliveries_order',
            fields=None,
        ),
        ops.RemoveConstraint(
            model_name='WebhookDelivery',
            name=None,
            fields=['webhook_id', 'event_id'],
        ),
        ops.AddField(
            model_name='WebhookDelivery',
            name='body_id',
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name='WebhookDelivery',
            name='queue_id',
            field=fields.UUIDField(null=True),
        ),
        ops.AlterField(
            model_name='WebhookDelivery',
            name='body',
            field=fields.TextField(null=True, unique=False),
        ),
        ops.RunSQL([BODIES, REFER, QUEUES], reverse_sql=UNDO),
        ops.AlterField(
            model_name='WebhookDelivery',
            name='body_id',
            field=fields.UUIDField(),
        ),
        ops.AlterField(
            model_name='WebhookDelivery',
            name='queue_id',
            field=fields.UUIDField(),
        ),
        ops.AlterField(
            model_name='Lane',
            name='queue_id',
            field=fields.UUIDField(),
        ),
        ops.RemoveField(model_name='WebhookDelivery', name='body'),
        ops.AddIndex(
            model_name='WebhookDelivery',
            index=PartialIndex(fields=['queue_id', 'due_at'], name='idx_webhook_deliveries_due', where='due_at IS NOT NULL'),
        ),
        ops.AddIndex(
            model_name='WebhookDelivery',
            index=PartialIndex(fields=['queue_id', 'video_id', 'position'], name='idx_webhook_deliveries_order', where="state = 'pending'"),
        ),
        ops.AddConstraint(
            model_name='WebhookDelivery',
            constraint=UniqueConstraint(fields=('event_id', 'webhook_id'), name=None),
        ),
    ]
