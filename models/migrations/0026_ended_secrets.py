from tortoise import migrations
from tortoise.migrations import operations as ops
from models.indexes import PartialIndex


class Migration(migrations.Migration):
    dependencies = [('models', '0025_trusted_webhooks')]

    initial = False

    operations = [
        ops.AddIndex(
            model_name='Webhook',
            index=PartialIndex(fields=['older_until'], name='idx_webhooks_older_until', where='older_until IS NOT NULL'),
        ),
    ]
