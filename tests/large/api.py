"""The questions of the API: every root field and every connection, the library's filter, the use-cases' own."""

from collections.abc import Callable
from uuid import UUID

from domain.clock import utc_now
from domain.permissions import Role
from domain.tokens import token_hash
from local.large.people import token
from models import EventRecord, Session, SignUp, User, Video
from models.database import raw_connection, transaction
from models.events import newest_position, since
from models.teams import require
from plan import encode_id
from resolvers import comments, videos
from tests.large.cases import CASES, World, case

BY_VIDEO, BY_TEAM = "idx_comments_video_created", "idx_videos_team_created"
LIBRARY = """
query($id: ID!, $filter: VideoFilter, $after: String) { team(id: $id) { videos(first: 50, filter: $filter, after: $after) {
  pageInfo { endCursor }
  nodes { title createdBy { name } latestVersion { number posterUrl } durationMs commentCount jobCount }
} } }"""
FOUND = """
query($id: ID!, $filter: VideoFilter) { team(id: $id) { videos(first: 20, filter: $filter) {
  totalCount pageInfo { hasNextPage } nodes { title }
} } }"""
THREADS = """
query($id: ID!, $after: String) { version(id: $id) { threadCount comments(first: 100, after: $after) {
  pageInfo { endCursor }
  nodes { body author { name } replyCount replies(first: 50) { nodes { body author { name } } } }
} } }"""
