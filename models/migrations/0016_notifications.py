from tortoise import migrations
from tortoise.migrations import operations as ops
from domain.clock import utc_now
from domain.ids import new_id
from domain.notifications import EmailNotifications, NotificationKind
from models.indexes import PartialIndex
from tortoise.contrib.postgres.fields import ArrayField
from tortoise.fields.base import OnDelete
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0015_traces')]

    initial = False

    operations = [
        ops.CreateModel(
            name='Notification',
            fields=[
                ('id', fields.UUIDField(primary_key=True, default=new_id, unique=True, db_index=True)),
                ('created_at', fields.DatetimeField(default=utc_now, auto_now=False, auto_now_add=False)),
                ('user', fields.ForeignKeyField('models.User', source_field='user_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('kind', fields.CharEnumField(description='', enum_type=NotificationKind, max_length=30)),
                ('about_id', fields.UUIDField()),
                ('team', fields.ForeignKeyField('models.Team', source_field='team_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('video', fields.ForeignKeyField('models.Video', source_field='video_id', db_constraint=True, to_field='id', related_name=False, on_delete=OnDelete.RESTRICT)),
                ('comment_id', fields.UUIDField()),
                ('people', ArrayField(element_type='TEXT')),
                ('count', fields.IntField()),
                ('latest_at', fields.DatetimeField(auto_now=False, auto_now_add=False)),
                ('position', fields.BigIntField()),
                ('mailed_position', fields.BigIntField(default=0)),
                ('read_at', fields.DatetimeField(null=True, auto_now=False, auto_now_add=False)),
            ],
            options={'table': 'notifications', 'app': 'models', 'indexes': [Index(fields=['user_id', 'latest_at', 'id'], name='idx_notifications_user_latest'), Index(fields=['team_id'], name='idx_notifications_team'), Index(fields=['video_id'], name='idx_notifications_video'), PartialIndex(fields=['read_at'], name='idx_notifications_read', where='read_at IS NOT NULL')], 'pk_attr': 'id'},
            bases=['Row'],
        ),
        ops.RunSQL(
            # What the model says in its docstring.
            'CREATE UNIQUE INDEX uid_notifications_unread ON notifications (user_id, kind, about_id)'
            ' WHERE read_at IS NULL',
            reverse_sql='DROP INDEX uid_notifications_unread',
        ),
        # Nobody is told of what had happened before there were notifications.
        ops.RunSQL(
            'INSERT INTO consumer_cursors (consumer, position, failures)'
            " SELECT 'notifications', coalesce(max(position), 0), 0 FROM events ON CONFLICT (consumer) DO NOTHING",
            reverse_sql="DELETE FROM consumer_cursors WHERE consumer = 'notifications'",
        ),
        ops.AddField(
            model_name='User',
            name='email_notifications',
            field=fields.CharEnumField(default=EmailNotifications.DAILY, description='', db_default='daily', enum_type=EmailNotifications, max_length=30),
        ),
        ops.AddField(
            model_name='User',
            name='mail_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='User',
            name='mailed_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        ops.AddField(
            model_name='User',
            name='told_position',
            field=fields.BigIntField(default=0, db_default=0),
        ),
        ops.AddIndex(
            model_name='User',
            index=PartialIndex(fields=['mail_at'], name='idx_users_mail_at', where='mail_at IS NOT NULL'),
        ),
    ]
