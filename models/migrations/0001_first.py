from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import JobKind, JobState, Queue
from domain.permissions import Role
from domain.uploads import UploadState
from domain.videos import VideoStatus
from models.indexes import PartialIndex
from orjson import loads
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.contrib.postgres.indexes import GinIndex
from tortoise.fields.base import OnDelete
from tortoise.fields.data import JSON_DUMPS
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    initial = True

    operations = [
        ops.CreateModel(
            name='ConsumerCursor',
            fields=[
                ('consumer', fields.CharField(primary_key=True, unique=True, db_index=True, max_length=50)),
                ('position', fields.BigIntField(default=0)),
                ('failures', fields.IntField(default=0)),
            ],
            options={'table': 'consumer_cursors', 'app': 'models', 'pk_attr': 'consumer'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='EventRecord',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('position', fields.BigIntField(null=True, unique=True)),
                ('type', fields.CharField(max_length=50)),
                ('version', fields.SmallIntField()),
                ('team_id', fields.UUIDField(null=True)),
                ('actor_id', fields.UUIDField(null=True)),
                ('subjects', ArrayField(element_type='TEXT')),
                ('payload', fields.JSONField(encoder=JSON_DUMPS, decoder=loads)),
                ('request_id', fields.CharField(null=True, max_length=64)),
                ('recorded_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'events', 'app': 'models', 'indexes': [PartialIndex(fields=['recorded_at', 'id'], name='idx_events_unpositioned', where='position IS NULL'), GinIndex(fields=['subjects'], name='idx_events_subjects')], 'pk_attr': 'id'},
            bases=['Row'],
        ),
        ops.CreateModel(
            name='Job',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('kind', fields.CharEnumField(description='', enum_type=JobKind, max_length=30)),
                ('queue', fields.CharEnumField(description='', enum_type=Queue, max_length=30)),
                ('state', fields.CharEnumField(default=JobState.QUEUED, description='', enum_type=JobState, max_length=30)),
                ('team_id', fields.UUIDField(null=True)),
                ('video_id', fields.UUIDField(null=True)),
                ('created_by_id', fields.UUIDField(null=True)),
                ('payload', fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ('attempt', fields.IntField(default=1)),
                ('failures', fields.IntField(default=0)),
                ('available_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('lease_token', fields.UUIDField(null=True)),
                ('lease_until', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('step', fields.CharField(null=True, max_length=30)),
                ('percent', fields.SmallIntField(default=0)),
                ('failure_code', fields.CharField(null=True, max_length=50)),
                ('failure_params', fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ('request_id', fields.CharField(null=True, max_length=64)),
                ('started_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
                ('ended_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'jobs', 'app': 'models', 'indexes': [Index(fields=['video_id'], name='idx_jobs_video'), Index(fields=['team_id', 'created_at'], name='idx_jobs_team_created'), PartialIndex(fields=['available_at'], name='idx_jobs_queued', where="state = 'queued'"), PartialIndex(fields=['lease_until'], name='idx_jobs_running', where="state = 'running'")], 'pk_attr': 'id'},
            bases=['Row'],
        ),
        ops.CreateModel(
            name='ParkedEvent',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('consumer', fields.CharField(max_length=50)),
                ('event_id', fields.UUIDField()),
                ('error', fields.TextField(unique=False)),
                ('parked_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'parked_events', 'app': 'models', 'unique_together': (('consumer', 'event_id'),), 'pk_attr': 'id'},
            bases=['Model'],
        ),
        ops.CreateModel(
            name='SignUp',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('email', fields.CharField(max_length=254)),
                ('name', fields.CharField(max_length=100)),
                ('team_name', fields.CharField(max_length=100)),
                ('password_hash', fields.CharField(max_length=255)),
                ('locale', fields.CharField(max_length=20)),
                ('token_hash', fields.CharField(null=True, unique=True, max_length=64)),
                ('expires_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'sign_ups', 'app': 'models', 'indexes': [Index(fields=['expires_at'], name='idx_sign_ups_expires_at')], 'pk_attr': 'id'},
            bases=['Row'],
        ),
        ops.CreateModel(
            name='Team',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('name', fields.CharField(max_length=100)),
            ],
            options={'table': 'teams', 'app': 'models', 'pk_attr': 'id'},
            bases=['Row'],
        ),
        ops.CreateModel(
            name='User',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('email', fields.CharField(unique=True, max_length=254)),
                ('name', fields.CharField(max_length=100)),
                ('password_hash', fields.CharField(max_length=255)),
                ('locale', fields.CharField(default='en', max_length=20)),
            ],
            options={'table': 'users', 'app': 'models', 'pk_attr': 'id'},
            bases=['Row'],
        ),
        ops.CreateModel(
            name='Member',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('team', fields.ForeignKeyField('models.Team', source_field='team_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.CASCADE)),
                ('user', fields.ForeignKeyField('models.User', source_field='user_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.CASCADE)),
                ('role', fields.CharEnumField(description='', enum_type=Role, max_length=30)),
            ],
            options={'table': 'members', 'app': 'models', 'unique_together': (('user_id', 'team_id'),), 'indexes': [Index(fields=['team_id'], name='idx_members_team')], 'pk_attr': 'id'},
            bases=['Row'],
        ),
        ops.CreateModel(
            name='Session',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('user', fields.ForeignKeyField('models.User', source_field='user_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.CASCADE)),
                ('token_hash', fields.CharField(unique=True, max_length=64)),
                ('device', fields.CharField(default='', max_length=200)),
                ('expires_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('ended_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'sessions', 'app': 'models', 'indexes': [Index(fields=['user_id'], name='idx_sessions_user'), Index(fields=['expires_at'], name='idx_sessions_expires_at'), Index(fields=['ended_at'], name='idx_sessions_ended_at')], 'pk_attr': 'id'},
            bases=['Row'],
        ),
        ops.CreateModel(
            name='Video',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('team', fields.ForeignKeyField('models.Team', source_field='team_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('created_by', fields.ForeignKeyField('models.User', source_field='created_by_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('title', fields.CharField(max_length=200)),
                ('description', fields.TextField(default='', unique=False)),
                ('tags', ArrayField(default=list, element_type='TEXT')),
                ('status', fields.CharEnumField(default=VideoStatus.DRAFT, description='', enum_type=VideoStatus, max_length=30)),
                ('version_count', fields.IntField(default=0)),
                ('updated_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('deleted_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'videos', 'app': 'models', 'indexes': [Index(fields=['team_id', 'created_at', 'id'], name='idx_videos_team_created'), Index(fields=['deleted_at'], name='idx_videos_deleted_at'), GinIndex(fields=['tags'], name='idx_videos_tags')], 'pk_attr': 'id'},
            bases=['TeamRow'],
        ),
        ops.CreateModel(
            name='Upload',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('team', fields.ForeignKeyField('models.Team', source_field='team_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('created_by', fields.ForeignKeyField('models.User', source_field='created_by_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('video', fields.ForeignKeyField('models.Video', source_field='video_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('job', fields.ForeignKeyField('models.Job', source_field='job_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.SET_NULL)),
                ('version_id', fields.UUIDField()),
                ('state', fields.CharEnumField(default=UploadState.OPEN, description='', enum_type=UploadState, max_length=30)),
                ('file_name', fields.CharField(max_length=255)),
                ('change_description', fields.TextField(default='', unique=False)),
                ('size', fields.BigIntField()),
                ('part_size', fields.BigIntField()),
                ('sha256', fields.CharField(null=True, max_length=64)),
                ('checksums', fields.JSONField(default=dict, encoder=JSON_DUMPS, decoder=loads)),
                ('storage_key', fields.CharField(max_length=500)),
                ('storage_upload_id', fields.CharField(max_length=500)),
                ('expires_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'uploads', 'app': 'models', 'indexes': [Index(fields=['team_id'], name='idx_uploads_team'), Index(fields=['video_id'], name='idx_uploads_video'), Index(fields=['job_id'], name='idx_uploads_job'), Index(fields=['state', 'expires_at'], name='idx_uploads_state_expires')], 'pk_attr': 'id'},
            bases=['TeamRow'],
        ),
        ops.CreateModel(
            name='Version',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('team', fields.ForeignKeyField('models.Team', source_field='team_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('created_by', fields.ForeignKeyField('models.User', source_field='created_by_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('video', fields.ForeignKeyField('models.Video', source_field='video_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('restored_from', fields.ForeignKeyField('models.Version', source_field='restored_from_id', null=True, db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.SET_NULL)),
                ('number', fields.IntField()),
                ('change_description', fields.TextField(default='', unique=False)),
                ('file_name', fields.CharField(max_length=255)),
                ('file_key', fields.CharField(max_length=500)),
                ('proxy_key', fields.CharField(max_length=500)),
                ('poster_key', fields.CharField(max_length=500)),
                ('size', fields.BigIntField()),
                ('sha256', fields.CharField(max_length=64)),
                ('container', fields.CharField(max_length=50)),
                ('duration_ms', fields.BigIntField()),
                ('width', fields.IntField()),
                ('height', fields.IntField()),
                ('rotation', fields.IntField()),
                ('frame_rate_numerator', fields.IntField()),
                ('frame_rate_denominator', fields.IntField()),
                ('variable_frame_rate', fields.BooleanField()),
                ('frame_count', fields.BigIntField()),
                ('video_codec', fields.CharField(max_length=50)),
                ('audio_codec', fields.CharField(null=True, max_length=50)),
                ('audio_channels', fields.IntField(null=True)),
                ('audio_sample_rate', fields.IntField(null=True)),
                ('bit_rate', fields.BigIntField()),
            ],
            options={'table': 'versions', 'app': 'models', 'unique_together': (('video_id', 'number'),), 'indexes': [Index(fields=['team_id'], name='idx_versions_team'), Index(fields=['restored_from_id'], name='idx_versions_restored_from')], 'pk_attr': 'id'},
            bases=['TeamRow'],
        ),
    ]
