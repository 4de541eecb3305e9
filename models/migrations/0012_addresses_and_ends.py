from tortoise import migrations
from tortoise.migrations import operations as ops
from models.indexes import PartialIndex
from tortoise import fields
from tortoise.indexes import Index

class Migration(migrations.Migration):
    dependencies = [('models', '0011_identities')]

    initial = False

    operations = [
        ops.AddField(
            model_name='Invitation',
            name='declined_at',
            field=fields.DatetimeField(null=True, auto_now=False, auto_now_add=False),
        ),
        # Who has declined may be invited anew.
        ops.RunSQL(
            'DROP INDEX uid_invitations_open',
            reverse_sql='CREATE UNIQUE INDEX uid_invitations_open ON invitations (team_id, email)'
            ' WHERE accepted_at IS NULL AND revoked_at IS NULL',
        ),
        ops.RunSQL(
            'CREATE UNIQUE INDEX uid_invitations_open ON invitations (team_id, email)'
            ' WHERE accepted_at IS NULL AND declined_at IS NULL AND revoked_at IS NULL',
            reverse_sql='DROP INDEX uid_invitations_open',
        ),
        ops.AddIndex(
            model_name='Invitation',
            index=Index(fields=['email'], name='idx_invitations_email'),
        ),
        ops.AddField(
            model_name='AuditEntry',
            name='api_key_prefix',
            field=fields.CharField(null=True, max_length=20),
        ),
        ops.AddField(
            model_name='EventRecord',
            name='api_key_id',
            field=fields.UUIDField(null=True),
        ),
        ops.AddIndex(
            model_name='Job',
            index=PartialIndex(fields=['ended_at'], name='idx_jobs_ended', where='team_id IS NULL AND ended_at IS NOT NULL'),
        ),
        ops.AddIndex(
            model_name='MailedLink',
            index=Index(fields=['email'], name='idx_mailed_links_email'),
        ),
    ]
