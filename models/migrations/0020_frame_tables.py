from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.clock import utc_now
from domain.ids import new_id
from models.indexes import PartialIndex
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0019_images')]

    initial = False

    operations = [
        ops.CreateModel(
            name='FrameTable',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('team', fields.ForeignKeyField('models.Team', source_field='team_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('created_by', fields.ForeignKeyField('models.User', source_field='created_by_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('video', fields.ForeignKeyField('models.Video', source_field='video_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('packed', fields.BinaryField()),
            ],
            options={'table': 'frame_tables', 'app': 'models', 'indexes': [Index(fields=['team_id'], name='idx_frame_tables_team'), Index(fields=['video_id'], name='idx_frame_tables_video')], 'pk_attr': 'id'},
            bases=['TeamRow'],
        ),
        ops.AddField(
            model_name='Version',
            name='frame_table',
            field=fields.ForeignKeyField('models.FrameTable', source_field='frame_table_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT),
        ),
        ops.AddIndex(
            model_name='Version',
            index=PartialIndex(fields=['frame_table_id'], name='idx_versions_frame_table', where='frame_table_id IS NOT NULL'),
        ),
    ]
