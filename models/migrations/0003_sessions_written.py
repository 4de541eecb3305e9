from tortoise import migrations
from tortoise.migrations import operations as ops
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0002_add_comments')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Session',
            name='written_lsn',
            field=fields.BigIntField(default=0, db_default=0),
        ),
    ]
