from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

# What was replaced goes on being good for as long as it was told to be.
REPLACED = """
UPDATE webhooks SET older_secrets = jsonb_build_array(
    jsonb_build_object('sealed', older_secret, 'until', to_char(older_until AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"'))
) WHERE older_secret IS NOT NULL AND older_until IS NOT NULL
"""
ONE_REPLACED = "UPDATE webhooks SET older_secret = older_secrets -> 0 ->> 'sealed' WHERE older_secrets <> '[]'"
# Where a webhook's own event lies by now. One that has no position yet gets it from the relay, and the consumer looks for it.
HEARS = [
    """
    UPDATE webhooks SET hears_from = created.position FROM events AS created
    WHERE created.type = 'webhook.created' AND created.payload ->> 'webhook_id' = webhooks.id::text
    AND created.position IS NOT NULL
    """,
    """
    UPDATE webhooks SET hears_from = 0 WHERE hears_from IS NULL AND NOT EXISTS (
        SELECT FROM events WHERE type = 'webhook.created' AND payload ->> 'webhook_id' = webhooks.id::text
    )
    """,
]
# Types that are offered no more: they could never arrive. Who has chosen nothing else keeps them: none would be all.
NEVER = """
UPDATE webhooks SET event_types = array_remove(array_remove(event_types, 'team.created'), 'team.deleted')
WHERE event_types && ARRAY['team.created', 'team.deleted'] AND NOT event_types <@ ARRAY['team.created', 'team.deleted']
"""

class Migration(migrations.Migration):
    dependencies = [('models', '0024_webhook_bodies')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Webhook',
            name='older_secrets',
            field=fields.JSONField(default=list, db_default=[]),
        ),
        ops.RunSQL(REPLACED, reverse_sql=ONE_REPLACED),
        ops.RemoveField(model_name='Webhook', name='older_secret'),
        ops.AddField(
            model_name='Webhook',
            name='hears_from',
            field=fields.BigIntField(null=True),
        ),
        ops.RunSQL(HEARS, reverse_sql=ops.RunSQL.noop),
        ops.RunSQL(NEVER, reverse_sql=ops.RunSQL.noop),
    ]
