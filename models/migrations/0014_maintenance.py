from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.clock import utc_now
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0013_idempotency')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Maintenance',
            fields=[
                ('name', fields.CharField(primary_key=True, default='maintenance', unique=True, db_index=True, max_length=20)),
                ('began_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('until', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('message', fields.TextField(default='', unique=False)),
            ],
            options={'table': 'maintenance', 'app': 'models', 'pk_attr': 'name'},
            bases=['Model'],
        ),
    ]
