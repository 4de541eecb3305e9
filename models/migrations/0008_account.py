from tortoise import migrations
from tortoise.migrations import operations as ops
from models.indexes import PartialIndex

class Migration(migrations.Migration):
    dependencies = [('models', '0007_audit')]

    initial = False

    operations = [
        ops.AddIndex(
            model_name='Job',
            index=PartialIndex(fields=['created_by_id'], name='idx_jobs_own', where='team_id IS NULL AND created_by_id IS NOT NULL'),
        ),
        ops.AddIndex(
            model_name='User',
            index=PartialIndex(fields=['deletion_at'], name='idx_users_deletion', where='deletion_at IS NOT NULL'),
        ),
    ]
