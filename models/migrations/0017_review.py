from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.clock import utc_now
from domain.comments import ReactionKind
from domain.ids import new_id
from models.indexes import CoveringIndex, PartialIndex
from orjson import loads
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0016_notifications')]

    initial = False

    operations = [
        ops.CreateModel(
            name='CommentEdit',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('team', fields.ForeignKeyField('models.Team', source_field='team_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('created_by', fields.ForeignKeyField('models.User', source_field='created_by_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('body', fields.TextField(unique=False)),
                ('start_ms', fields.BigIntField()),
                ('end_ms', fields.BigIntField(null=True)),
                ('drawing', fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads)),
                ('comment', fields.ForeignKeyField('models.Comment', source_field='comment_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('withdrawn_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'comment_edits', 'app': 'models', 'indexes': [Index(fields=['team_id'], name='idx_comment_edits_team'), Index(fields=['comment_id', 'created_at', 'id'], name='idx_comment_edits_comment_created'), PartialIndex(fields=['withdrawn_at'], name='idx_comment_edits_withdrawn', where='withdrawn_at IS NOT NULL')], 'pk_attr': 'id'},
            bases=['Words'],
        ),
        ops.CreateModel(
            name='Reaction',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('team', fields.ForeignKeyField('models.Team', source_field='team_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('created_by', fields.ForeignKeyField('models.User', source_field='created_by_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('comment', fields.ForeignKeyField('models.Comment', source_field='comment_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('kind', fields.CharEnumField(description='', enum_type=ReactionKind, max_length=30)),
            ],
            options={'table': 'reactions', 'app': 'models', 'unique_together': (('comment_id', 'kind', 'created_by_id'),), 'indexes': [Index(fields=['team_id'], name='idx_reactions_team')], 'pk_attr': 'id'},
            bases=['TeamRow'],
        ),
        ops.RemoveIndex(
            model_name='Comment',
            name='idx_comments_video_created',
            fields=None,
        ),
        ops.AddField(
            model_name='Comment',
            name='deleted_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='Comment',
            name='deleted_by_id',
            field=fields.UUIDField(null=True),
        ),
        ops.AddField(
            model_name='Comment',
            name='drawing',
            field=fields.JSONField(null=True, encoder=JSON_DUMPS, decoder=loads),
        ),
        ops.AddField(
            model_name='Comment',
            name='edited_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='Comment',
            name='end_ms',
            field=fields.BigIntField(null=True),
        ),
        ops.AddField(
            model_name='Comment',
            name='gone_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='Comment',
            name='resolved_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='Comment',
            name='resolved_by',
            field=fields.ForeignKeyField('models.User', source_field='resolved_by_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT),
        ),
        ops.AddIndex(
            model_name='Comment',
            index=CoveringIndex(fields=['video_id', 'created_at', 'id'], name='idx_comments_video_created', include='team_id, gone_at'),
        ),
    ]
