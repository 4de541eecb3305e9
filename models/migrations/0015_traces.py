from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0014_maintenance')]

    initial = False

    operations = [
        ops.AddField(
            model_name='EventRecord',
            name='traceparent',
            field=fields.CharField(null=True, max_length=55),
        ),
        ops.AddField(
            model_name='Job',
            name='traceparent',
            field=fields.CharField(null=True, max_length=55),
        ),
    ]
