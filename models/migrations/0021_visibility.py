from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.comments import CommentVisibility
from models.indexes import CoveringIndex
from tortoise import fields

class Migration(migrations.Migration):
    dependencies = [('models', '0020_frame_tables')]

    initial = False

    operations = [
        ops.RemoveIndex(
            model_name='Comment',
            name='idx_comments_video_created',
            fields=None,
        ),
        ops.AddField(
            model_name='Comment',
            name='visibility',
            field=fields.CharEnumField(default=CommentVisibility.OPEN, description='', db_default='open', enum_type=CommentVisibility, max_length=30),
        ),
        ops.AddIndex(
            model_name='Comment',
            index=CoveringIndex(fields=['video_id', 'created_at', 'id'], name='idx_comments_video_created', include='team_id, gone_at, visibility'),
        ),
        ops.AddField(
            model_name='CommentEdit',
            name='visibility',
            field=fields.CharEnumField(default=CommentVisibility.OPEN, description='', db_default='open', enum_type=CommentVisibility, max_length=30),
        ),
        ops.AddField(
            model_name='Job',
            name='visibility',
            field=fields.CharEnumField(default=CommentVisibility.OPEN, description='', db_default='open', enum_type=CommentVisibility, max_length=30),
        ),
        ops.AddField(
            model_name='Notification',
            name='visibility',
            field=fields.CharEnumField(default=CommentVisibility.OPEN, description='', db_default='open', enum_type=CommentVisibility, max_length=30),
        ),
        ops.AddField(
            model_name='Upload',
            name='visibility',
            field=fields.CharEnumField(default=CommentVisibility.OPEN, description='', db_default='open', enum_type=CommentVisibility, max_length=30),
        ),
    ]
