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

class Migration(migrations.Migration):
    dependencies = [('models', '0023_rosters')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Webhook',
            name='older_secrets',
            field=fields.JSONField(default=list, db_default=[]),
        ),
        ops.RunSQL(REPLACED, reverse_sql=ONE_REPLACED),
        ops.RemoveField(model_name='Webhook', name='older_secret'),
    ]
