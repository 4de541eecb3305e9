from tortoise import migrations
from tortoise.migrations import operations as ops
from models.indexes import PartialIndex
from tortoise.fields.base import OnDelete
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0018_mentions')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Comment',
            name='image_height',
            field=fields.IntField(null=True),
        ),
        ops.AddField(
            model_name='Comment',
            name='image_key',
            field=fields.CharField(null=True, max_length=300),
        ),
        ops.AddField(
            model_name='Comment',
            name='image_width',
            field=fields.IntField(null=True),
        ),
        ops.AddIndex(
            model_name='Comment',
            index=PartialIndex(fields=['deleted_at'], name='idx_comments_deleted_images', where='deleted_at IS NOT NULL AND image_key IS NOT NULL'),
        ),
        ops.AddField(
            model_name='Upload',
            name='comment',
            field=fields.ForeignKeyField('models.Comment', source_field='comment_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT),
        ),
        ops.AddIndex(
            model_name='Upload',
            index=PartialIndex(fields=['comment_id', 'created_at', 'id'], name='idx_uploads_comment_created', where='comment_id IS NOT NULL'),
        ),
    ]
